"""The links between the pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(
        path
        for path in (ROOT / "docs").rglob("*.md")
        if "reference" not in path.relative_to(ROOT).parts
    ),
]
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {
        _NOT_IN_ANCHORS.sub("", heading["text"].lower()).replace(" ", "-")
        for heading in _HEADING.finditer(text)
    }


def broken_links(page: Path) -> Iterator[str]:
    # A link's text may be code; a link within code is none.
    text = _CODE.sub("code", page.read_text())
    for link in _LINK.finditer(text):
        target, _, anchor = link["target"].partition("#")
        if "://" in target:
            continue
        leads_to = (page.parent / target).resolve() if target else page
        if not leads_to.exists() or (anchor and anchor not in anchors(leads_to)):
            yield link["target"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link from one page to another, or to a heading, is not broken."""
    assert list(broken_links(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A page that is not there and a heading that is not there are told."""
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n[1](gone.md) [2](#a-b-c) [3](#d) `[4](code.md)`\n")
    assert list(broken_links(page)) == ["gone.md", "#d"]


def test_every_page_is_in_the_index() -> None:
    """Whoever reads docs/README.md, and what it calls the formats, finds each page."""
    linked = set()
    for index in (ROOT / "docs" / "README.md", ROOT / "docs" / "formats" / "README.md"):
        linked.add(index)
        for link in _LINK.finditer(index.read_text()):
            linked.add((index.parent / link["target"]).resolve())
    assert [page.name for page in PAGES if page not in linked] == []
