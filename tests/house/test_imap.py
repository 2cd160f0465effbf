"""docs/reference/imap.md and the server say the same of IMAP."""

import re
from pathlib import Path

from imapbox.imap.capabilities import capabilities
from imapbox.imap.settings import Settings
from imapbox.imap.states import State

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "imap.md"
# Where the code speaks of IMAP.
ROOMS = ("imap", "wire/imap", "query", "mailbox", "model")
_ROW = re.compile(r"^\| `(?P<name>[A-Z0-9a-z+=-]+)` \|", re.MULTILINE)
_RFC = re.compile(r"RFC ([0-9]{4})")
_TEST = re.compile(r"`(tests/[\w/]+\.py)`")


def test_what_is_announced_is_on_the_page() -> None:
    """The page has each capability that the server announces, and no other."""
    announced = {
        name
        for state in (State.NOT_AUTHENTICATED, State.AUTHENTICATED)
        for may in (True, False)
        for name in capabilities(
            state,
            may_start_tls=may,
            may_login=may,
            message_limit=Settings().message_limit,
        )
    }
    assert set(_ROW.findall(PAGE.read_text())) == announced


def test_each_rfc_that_the_code_names_is_on_the_page() -> None:
    """The page has each RFC by which the code was written."""
    named = {
        rfc
        for room in ROOMS
        for path in (ROOT / "imapbox" / room).rglob("*.py")
        for rfc in _RFC.findall(path.read_text())
    }
    said = set(re.findall(r"\b[0-9]{4}\b", PAGE.read_text()))
    assert named - said == set()


def test_the_tests_that_it_names_exist() -> None:
    """Each row names tests, and they are there."""
    page = PAGE.read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| [`0-9]", line)]
    assert len(rows) > 20
    assert [row for row in rows if not _TEST.search(row)] == []
    assert [path for path in _TEST.findall(page) if not (ROOT / path).is_file()] == []
