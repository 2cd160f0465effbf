"""docs/reference/limits.md and the code name the same limits."""

import re
from dataclasses import fields
from functools import reduce
from importlib import import_module
from pathlib import Path

from imapbox.imap.settings import Connections, Patience, Settings
from imapbox.lmtp.limits import Limits
from imapbox.wire.imap.framer import Limits as FramerLimits

CODE = Path(__file__).parents[2] / "imapbox"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "limits.md"
_ROW = re.compile(
    r"^\| [^|]+ \| (?P<much>[0-9,]+)(?: (?P<unit>\w+))? "
    r"\| `(?P<module>[\w/]+)\.py: (?P<name>[\w.]+)` \| [^|]*\|$",
    re.MULTILINE,
)
_UNITS = {
    None: 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "ms": 0.001,
    "s": 1,
    "min": 60,
}
# What these hold besides limits.
NO_LIMITS = {
    "Connections.many_from",
    "Settings.cleartext",
    "Settings.patience",
    "Settings.connections",
    "Settings.submission_users",
}
# The disk's rooms, which know of no clients, and our own programs.
OTHER_ROOMS = {"app", "disk", "index", "locks"}
# What is called a most and bounds nobody: numbers that an RFC has, how much of
# something we say in one line, and how much we do or remember at a time.
NO_LIMIT_OF_CLIENTS = {
    ("imap/contexts", "_MOST_PAIRS"),
    ("imap/resync", "_MOST_RANGES"),
    ("imap/selection", "_MAX_KEPT"),
    ("imap/selection", "_MOST_VANISHED"),
    ("mailbox/cards", "_MAX_BATCH"),
    ("mailbox/searching", "_MAX_ANSWERS"),
    ("mime/card", "_MAX_NAME"),
    ("mime/casemap", "_MAX_MARKS"),
    ("mime/charsets", "_MAX_LINE"),
    ("mime/charsets", "_MAX_NAME"),
    ("mime/dates", "_MAX_LENGTH"),
    ("mime/decode", "_MAX_LINE"),
    ("mime/preview", "MAX_CHARACTERS"),
    ("model/imap_strings", "_MAX_QUOTED"),
    ("model/numbers", "MAX_MODSEQ"),
    ("model/numbers", "MAX_UID"),
    ("store/open_mailbox", "_MAX_INTACT"),
    ("wire/imap/framer", "MAX_NUMBER64"),
    ("wire/imap/framer", "_MAX_DIGITS"),
    ("wire/imap/lexer", "MAX_NUMBER64"),
    ("wire/lmtp/replies", "_MAX_TEXT"),
}
_CONSTANT = re.compile(
    r"^(?P<name>_?(?:MAX|MOST)(?:_\w+)?): Final(?:\[\w+\])? = ", re.MULTILINE
)
DATACLASSES = (Connections, Patience, Settings, Limits)


def rows() -> dict[tuple[str, str], float]:
    """Each limit, by module and name, as the page says it."""
    return {
        (row["module"], row["name"]): int(row["much"].replace(",", ""))
        * _UNITS[row["unit"]]
        for row in _ROW.finditer(PAGE.read_text())
    }


def constants() -> set[tuple[str, str]]:
    """Each constant that is called a limit where clients are served."""
    return {
        (path.relative_to(CODE).with_suffix("").as_posix(), found["name"])
        for path in CODE.rglob("*.py")
        if path.relative_to(CODE).parts[0] not in OTHER_ROOMS
        for found in _CONSTANT.finditer(path.read_text())
    }


def in_the_code(module: str, name: str) -> float:
    first, *attributes = name.split(".")
    value = getattr(import_module("imapbox." + module.replace("/", ".")), first)
    if value in DATACLASSES:
        value = value()
    return reduce(getattr, attributes, value)


def test_every_number_is_the_codes() -> None:
    """Each row of the page says what the code does."""
    said = rows()
    assert len(said) > 50
    assert {
        (module, name): much
        for (module, name), much in said.items()
        if in_the_code(module, name) != much
    } == {}


def test_every_row_is_read() -> None:
    """No row is written so that nobody holds it to the code."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    titles = [line for line in lines if "in the code" in line]
    assert len(lines) - len(titles) == len(_ROW.findall(PAGE.read_text()))


def test_every_limit_is_on_the_page() -> None:
    """Nothing that bounds a connection is missing on the page."""
    bounds = {
        f"{kind.__name__}.{field.name}"
        for kind in DATACLASSES
        for field in fields(kind)
    }
    bounds |= {
        f"{limits}.{field.name}"
        for limits in ("BEFORE_LOGIN", "AFTER_LOGIN")
        for field in fields(FramerLimits)
    }
    assert bounds - NO_LIMITS - {name for _, name in rows()} == set()


def test_every_constant_is_on_the_page() -> None:
    """Nothing that the code calls a limit is missing on the page."""
    found = constants()
    assert len(found) > 60
    assert found - NO_LIMIT_OF_CLIENTS - set(rows()) == set()
    assert found >= NO_LIMIT_OF_CLIENTS
