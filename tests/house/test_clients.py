"""docs/reference/clients.md names tests that exist, with their own sentences."""

import ast
from pathlib import Path

from tests.support.clients_page import rows

ROOT = Path(__file__).parents[2]


def test_each_row_is_its_tests() -> None:
    """What a client did is what its test says, and each such test has its row."""
    said = {row.test.strip("`"): row.did for row in rows().values()}
    found = {}
    for path in (ROOT / "tests/interop").glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and any(
                each.arg == "client_page" for each in node.args.args
            ):
                first = (ast.get_docstring(node) or "").splitlines()[0]
                found[f"{path.relative_to(ROOT)}::{node.name}"] = first
    assert said == found
