"""What comes with extras only is imported by nobody who does not need it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPTIONAL = "tantivy"


def imported_by(path: Path) -> Iterator[str]:
    """The modules that are imported when this one is."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_without_the_extra_nobody_misses_it() -> None:
    """What imports tantivy is imported by what imports tantivy, and by no other."""
    imports = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): set(imported_by(path))
        for path in (ROOT / "imapbox").rglob("*.py")
    }
    need_it = {name for name, those in imports.items() if OPTIONAL in those}
    assert need_it
    others = {name for name in imports if imports[name] & need_it} - need_it
    assert others == set()
