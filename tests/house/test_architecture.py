"""docs/architecture.md says who imports whom; the code agrees."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
_ROW = re.compile(r"\| (?P<rooms>`[a-z`, ]+`) \| (?P<imports>.*) \|")
_NAME = re.compile(r"`([a-z]+)`")
_FILE = re.compile(r"\b(?:[a-z_]+/)+[a-z_]+\.py\b")


def rooms() -> set[str]:
    return {path.parent.name for path in ROOT.glob("imapbox/*/__init__.py")}


def imports_of(room: str) -> set[str]:
    """The rooms that a room's modules import, itself aside."""
    names = set()
    for path in (ROOT / "imapbox" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    used = {name.split(".")[1] for name in names if name.startswith("imapbox.")}
    return used - {room}


def documented() -> dict[str, set[str]]:
    """The table "Who imports whom today"."""
    table = PAGE.read_text().split("Who imports whom today")[1].split("\n\n")[1]
    found = {}
    for row in filter(None, map(_ROW.fullmatch, table.splitlines())):
        named = set(_NAME.findall(row["imports"]))
        if row["imports"].startswith("all but"):
            named = rooms() - named
        for room in _NAME.findall(row["rooms"]):
            found[room] = named - {room}
    return found


def test_the_page_says_who_imports_whom() -> None:
    """The table of imports in docs/architecture.md is what the code does."""
    assert documented() == {room: imports_of(room) for room in rooms()}


def test_files_that_the_page_names_are_there() -> None:
    """Each file of the product that docs/architecture.md names exists."""
    named = set(_FILE.findall(PAGE.read_text()))
    assert len(named) > 30
    roots = (ROOT / "imapbox", ROOT)
    assert {
        name for name in named if not any((root / name).is_file() for root in roots)
    } == set()


def calls_in(path: Path) -> set[str]:
    """The names of all of numpy that a module calls, as it writes them."""
    text = path.read_text()
    nodes = ast.walk(ast.parse(text)) if "np." in text else ()
    return {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}


def test_numpys_sets_are_not_used() -> None:
    """UIDs are put together by `model.uid_arrays`.

    numpy takes a second for a million of them, of which nobody else has a turn.
    Numbers of segments are few, and what is of segments is not asked by sessions.
    """
    slow = {"np.unique", "np.union1d", "np.intersect1d", "np.setxor1d"}
    calls = {
        str(path.relative_to(ROOT / "imapbox")): calls_in(path)
        for path in (ROOT / "imapbox").rglob("*.py")
    }
    using = {path for path, called in calls.items() if called & slow}
    assert using == {"index/compact_plan.py"}
    using = {path for path, called in calls.items() if "np.isin" in called}
    assert {path for path in using if not path.startswith("index/")} == set()
