"""The texts of the RFCs, which lie beside the checkout and not in it."""

import re
from pathlib import Path

from tests.support.missing import give_up

ROOT = Path(__file__).parents[2]
# Beside the checkout; worktrees lie one deeper.
_PLACES = (ROOT.parent / "shared/rfc", ROOT.parents[1] / "shared/rfc")
# The foot of a page, the form feed, the head of the next.
_PAGE_BREAK = re.compile(r"\n*\n[^\n]*\[Page \d+\]\n\f?\n?RFC \d+[^\n]*\n\n*")


def rfc(number: int) -> str:
    """Return the text of an RFC, without page breaks.

    Skips the test where the texts are missing, or fails it in CI.
    """
    for place in _PLACES:
        if (path := place / f"rfc{number}.txt").exists():
            return _PAGE_BREAK.sub("\n", path.read_text("latin-1"))
    return give_up(f"no rfc{number}.txt in {_PLACES[0]}")


def abnf_of(source: str) -> str:
    """Return the text of ``RFC n §…`` without comments and white space."""
    found = re.match(r"RFC (\d+) ", source)
    assert found
    return "".join(re.sub(r";[^\n]*", "", rfc(int(found[1]))).split())
