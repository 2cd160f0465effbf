"""The tree itself: sizes, names, references, reasons, docstrings."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted((ROOT / "imapbox").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
PLUGINS = sorted((ROOT / "twisted").rglob("*.py"))
EVERY = [*PRODUCT, *TESTS, *BENCHMARKS, *PLUGINS]

MAX_LINES = 500
FORBIDDEN_NAMES = {"util", "helper", "common", "base", "misc", "manager"}

# RFC 9051 §6.4.5; also a range of sections, an erratum, and the RFC as such.
_MENTION = re.compile(r"(?i)\brfc(?!822)[\s_-]*[0-9]{3,4}\b[^\n]{0,12}")
_REFERENCE = re.compile(
    r"RFC [1-9][0-9]{2,3}(?![0-9])(?: §(?:[1-9A-Z][0-9A-Z.]*)| eid [0-9]+"
    r"|(?!(?:,? ?(?i:sec\b|sect|section|s\. ?[0-9]|[0-9]+\.[0-9]))))"
)
# A ruff code with a reason; a mypy code with a reason behind a second "#".
_NOQA = re.compile(r"#\s*noqa\b(?P<rest>.*)", re.IGNORECASE)
_NOQA_GOOD = re.compile(r": [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)* - \S.*")
_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<rest>.*)")
_IGNORE_GOOD = re.compile(r"\[[a-z, -]+\]\s+#\s*\S.*")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_of(paths: list[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            yield f"{name_of(path)}:{number}", line


def test_no_file_is_too_long() -> None:
    """No file of the product is over 500 lines."""
    sizes = {name_of(path): path.read_text().count("\n") for path in PRODUCT}
    assert {name: size for name, size in sizes.items() if size > MAX_LINES} == {}


def test_every_module_has_a_noun_of_its_own() -> None:
    """No module is called util, helper, common, base, misc or manager."""
    parts = {
        name_of(path)
        for path in PRODUCT
        for word in path.relative_to(ROOT).with_suffix("").parts
        for piece in word.strip("_").split("_")
        if piece.removesuffix("s") in FORBIDDEN_NAMES or piece in FORBIDDEN_NAMES
    }
    assert parts == set()


def test_no_package_where_twisted_keeps_its_own() -> None:
    """We ship no `__init__.py` into the twisted package."""
    assert [name_of(path) for path in PLUGINS if path.name == "__init__.py"] == []


def bad_references(text: str) -> list[str]:
    return [
        match[0] for match in _MENTION.finditer(text) if not _REFERENCE.match(match[0])
    ]


def test_references_to_rfcs_have_one_form() -> None:
    """An RFC is cited as `RFC 9051 §6.4.5`, so that they can be searched for."""
    bad = [
        (place, found)
        for place, line in lines_of(PRODUCT)
        for found in bad_references(line)
    ]
    assert bad == []


@pytest.mark.parametrize(
    "text",
    [
        "RFC9051 §6.4.5",
        "rfc 9051",
        "RFC-9051 §6",
        "RFC 9051 section 6.4.5",
        "RFC 9051, Sec. 6",
        "RFC 9051 6.4.5",
        "RFC 9051, 6.4.5",
    ],
)
def test_a_sloppy_reference_is_found(text: str) -> None:
    """Each of the usual sloppy ways to cite an RFC is caught."""
    assert bad_references(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "RFC 9051 §6.4.5",
        "RFC 9051 §9, seq-range",
        "RFC 3501 eid 261",
        "(RFC 2033)",
        "RFC 4616 in full",
        "RFC 3501 §A",
        "RFC822.SIZE",
    ],
)
def test_a_good_reference_passes(text: str) -> None:
    """The agreed forms are not taken for sloppy ones."""
    assert bad_references(text) == []


def test_every_exception_on_a_line_has_its_reason() -> None:
    """Each `noqa` and `type: ignore` names its code and says why."""
    bad = [
        f"{place}: {line.strip()}"
        for place, line in lines_of([path for path in EVERY if path != Path(__file__)])
        for pattern, good in ((_NOQA, _NOQA_GOOD), (_IGNORE, _IGNORE_GOOD))
        if (found := pattern.search(line)) and not good.fullmatch(found["rest"])
    ]
    assert bad == []


def test_every_rule_switched_off_has_its_reason() -> None:
    """Each rule that ruff.toml leaves out is followed by the reason."""
    text = (ROOT / "ruff.toml").read_text()
    ignored = tomllib.loads(text)["lint"]["ignore"]
    assert ignored
    for code in ignored:
        assert re.search(rf'"{code}",? +# \S', text), code


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The tests of a file: at its top, and in its classes."""
    tree = ast.parse(path.read_text())
    bodies = [
        tree.body,
        *(node.body for node in tree.body if isinstance(node, ast.ClassDef)),
    ]
    for body in bodies:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def test_every_test_states_a_fact() -> None:
    """Every test has a docstring that is a sentence."""
    silent = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in TESTS
        for node in functions_of(path)
        if node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").strip().endswith((".", "?", ".)"))
    ]
    assert silent == []
