"""docs/reference/limits.md and the code name the same limits."""

import re
from dataclasses import fields
from functools import reduce
from importlib import import_module
from pathlib import Path

from imapbox.imap.settings import Connections, Patience, Settings
from imapbox.lmtp.limits import Limits
from imapbox.wire.imap.framer import Limits as FramerLimits

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
DATACLASSES = (Connections, Patience, Settings, Limits)


def rows() -> dict[str, tuple[str, float]]:
    """Each limit's name: its module, and what the page says of it."""
    return {
        row["name"]: (
            row["module"],
            int(row["much"].replace(",", "")) * _UNITS[row["unit"]],
        )
        for row in _ROW.finditer(PAGE.read_text())
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
        name: much
        for name, (module, much) in said.items()
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
    assert bounds - NO_LIMITS - set(rows()) == set()
