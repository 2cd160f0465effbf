"""docs/promises.md names tests: they exist, and those that fail are said to."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>\w+(?:::\w+)?)`")
_PROMISE = re.compile(r"^## (P[0-9]) ", re.MULTILINE)
_NOT_HELD = re.compile(
    r"^\*\*Not held yet\.\*\*.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


def named(text: str) -> set[str]:
    return {f"{test['path']}::{test['name']}" for test in _TEST.finditer(text)}


@cache
def functions_of(path: Path) -> dict[str, bool]:
    """The tests of a file by name, and whether each is expected to fail."""
    found = {}

    def collect(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{before}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                marks = map(ast.unparse, node.decorator_list)
                found[before + node.name] = any("mark.xfail" in mark for mark in marks)

    collect(ast.parse(path.read_text()).body, "")
    return {name: fails for name, fails in found.items() if "test_" in name}


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return (ROOT / path).is_file() and name in functions_of(ROOT / path)


def test_every_test_that_is_named_exists() -> None:
    """No promise rests on a test that is not there."""
    assert {test for test in named(PAGE.read_text()) if not exists(test)} == set()


def test_every_promise_has_its_tests() -> None:
    """There are eight promises, and each names some tests."""
    _, *parts = _PROMISE.split(PAGE.read_text())
    promises = dict(zip(parts[::2], map(named, parts[1::2]), strict=True))
    assert list(promises) == [f"P{number}" for number in range(1, 9)]
    assert {promise for promise, tests in promises.items() if len(tests) < 5} == set()


def test_what_is_not_held_is_said() -> None:
    """A test that is expected to fail is named as not held yet, and no other is."""
    failing = {
        f"{path.relative_to(ROOT)}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name, fails in functions_of(path).items()
        if fails
    }
    said = named("".join(_NOT_HELD.findall(PAGE.read_text())))
    assert said == failing
