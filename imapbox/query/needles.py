"""Strings that are looked for, in texts that come in pieces.

What is compared was folded on both sides (`mime.casemap`). In headers any white
space is as good as one space: where a line was folded says nothing.

See Also:
    RFC 9051 §6.4.4 ("substring"), RFC 5322 §2.2.3 (folding).
"""

import re
from collections.abc import Mapping
from typing import Final

from imapbox.mime.casemap import fold

# What is longer is looked for by nobody: to find out where it may begin costs as
# much as it is long, and that for each message.
MAX_NEEDLE: Final = 4096
# Of one header field so many characters are looked through.
MAX_FIELD: Final = 128 * 1024

_SPACES: Final = re.compile(r"[ \t\r\n]+")
_BLANKS: Final = re.compile(r"[ \t]{2,}|\t")


def needle(text: str) -> str:
    """Return what is looked for in the body."""
    return fold(text)


def header_needle(text: str) -> str:
    """Return what is looked for in headers."""
    return _SPACES.sub(" ", fold(text))


def as_one_line(text: str) -> str:
    """Return a header's text, folded already, as `header_needle` wants it."""
    return _BLANKS.sub(" ", text) if "\t" in text or "  " in text else text


class Finder:
    """Finds strings in one text that comes piece by piece.

    A string that lies across pieces is found, too. Each is told once. None is
    empty.
    """

    def __init__(self, needles: Mapping[int, str]) -> None:
        self._needles = dict(needles)
        self._longest = max(map(len, needles.values()), default=0)
        self._end = ""

    def feed(self, text: str) -> list[int]:
        """Take the next piece, and return the keys of what is found with it."""
        if not text:
            return []
        seen = self._end + text
        before = len(self._end)
        found = [
            key
            for key, each in self._needles.items()
            # Each from where it may lie across the cut, but no earlier.
            if seen.find(each, max(0, before - len(each) + 1)) >= 0
        ]
        for key in found:
            del self._needles[key]
        # One character less than all of it may be there already.
        self._end = seen[max(0, len(seen) - self._longest + 1) :]
        return found
