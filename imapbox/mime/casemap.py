"""One form for all texts that mean the same to somebody who searches.

SEARCH ignores case. `fold` is applied to what is searched and to what is
searched for; the two are then compared character by character.

It is Unicode's compatibility caseless matching (D146 in chapter 3.13 of the
standard), which does what i;unicode-casemap (RFC 5051) does, titlecase and then
decomposition, but knows full case folding, too: "Straße" is found by "strasse",
and "ﬁn" by "FIN". Diacritics stay: "e" is found in "é", being its first half,
but "é" not in "e".
"""

import unicodedata
from typing import Final

# Putting marks into their order takes time with the square of their number, so
# a text is folded in slices. More marks on one letter than these are none of
# anybody's (UAX #15, stream-safe text).
_SLICE: Final = 256
_MAX_MARKS: Final = 32


def fold(text: str) -> str:
    """Return ``text`` as SEARCH compares it. Folding twice changes nothing."""
    if text.isascii():
        return text.lower()
    slices = []
    start, size = 0, len(text)
    while start < size:
        end = start + _SLICE
        end = size if end >= size else before_marks(text, end)
        slices.append(_fold(text[start:end]))
        start = end
    return "".join(slices)


def collation_key(folded: str) -> bytes:
    """Return octets in whose order texts are sorted.

    RFC 5051 §2 compares uppercase letters: they come before "_".

    Args:
        folded: What `fold` returned.
    """
    return folded.upper().encode("utf-8", "replace")


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFD", text).casefold()
    # D146 normalizes once more, which changes nothing: a test asks everyone.
    return unicodedata.normalize("NFKD", text).casefold()


def before_marks(text: str, end: int) -> int:
    """Return where to cut ``text``: at ``end``, or before the letter there.

    Folding both sides is folding the whole: what may change places are the
    marks on one letter, so a letter and its marks are not parted. Behind the end
    of ``text``, more of them may come.
    """
    if end < len(text) and not _is_mark(text[end]):
        return end
    for at in range(end - 1, end - _MAX_MARKS, -1):
        if at <= 0 or not _is_mark(text[at]):
            return max(at, 0)
    return end


def _is_mark(character: str) -> bool:
    # Some that are none by themselves are made of marks.
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.combining(first) != 0
