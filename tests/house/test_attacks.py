"""docs/reference/attacks.md names tests: they exist."""

import re

from tests.house.test_promises import ROOT, exists, named

PAGE = ROOT / "docs" / "reference" / "attacks.md"
_ROW = re.compile(r"^\| (?P<row>[0-9]+) \|.*$", re.MULTILINE)
# All of the study's table, and what of it attacks what is not there yet.
ROWS = set(range(1, 34))
NOT_BUILT: set[int] = set()


def test_every_test_that_is_named_exists() -> None:
    """No attack is said to fail by a test that is not there."""
    assert {test for test in named(PAGE.read_text()) if not exists(test)} == set()


def test_every_row_has_its_tests() -> None:
    """Every class of attack is there, and names a test, or that it is not built."""
    rows = {int(row["row"]): named(row[0]) for row in _ROW.finditer(PAGE.read_text())}
    assert set(rows) == ROWS
    assert {row for row, tests in rows.items() if not tests} == NOT_BUILT


def test_every_attack_is_on_the_page() -> None:
    """Every test on the real server is named, but for those of its end."""
    said = named(PAGE.read_text())
    there = {
        f"{path.relative_to(ROOT)}::{name}"
        for path in (ROOT / "tests" / "attack").glob("test_*.py")
        if path.name != "test_busy_disk.py"
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert there - said == set()
