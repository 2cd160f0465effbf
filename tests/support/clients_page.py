"""The page of the clients that were tried: ``docs/reference/clients.md``.

Each client's test says what it is; what it did is the test's own sentence. With
``IMAPBOX_WRITE_PAGES=1`` the page's row becomes that; else it must be there, and
be so but for the version, which is that of whoever wrote the page last.
"""

import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/reference/clients.md"
_ROW = re.compile(r"^\| (.+) \| (.+) \| (.+) \| (`tests/.+`) \|$")
_HEAD = "|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Row:
    """What is said of a client."""

    name: str
    version: str
    did: str
    test: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.version} | {self.did} | {self.test} |"


def rows() -> dict[str, Row]:
    """Return what the page says, by the test."""
    found = map(_ROW.match, PAGE.read_text().splitlines())
    said = (Row(*each.groups()) for each in found if each)
    return {row.test: row for row in said}


def say(node: pytest.Item, name: str, version: str) -> None:
    """Hold the page to what a test has seen, or write it."""
    function = getattr(node, "function")  # noqa: B009 - of tests that are functions
    did = function.__doc__.splitlines()[0]
    path = node.path.relative_to(PAGE.parents[2])
    row = Row(name, version, did, f"`{path}::{function.__name__}`")
    if os.environ.get("IMAPBOX_WRITE_PAGES"):
        _write(row)
        return
    said = rows().get(row.test)
    assert said is not None, f"{PAGE.name} has no row of {row.test}"
    assert (said.name, said.did) == (row.name, row.did), "IMAPBOX_WRITE_PAGES=1"


def _write(row: Row) -> None:
    with PAGE.open("r+") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        now = {**rows(), row.test: row}
        before, head, _ = page.read().partition(_HEAD)
        page.seek(0)
        page.truncate()
        ordered = sorted(now.values(), key=lambda each: (each.name.lower(), each.test))
        page.write(before + head + "".join(f"{each}\n" for each in ordered))
