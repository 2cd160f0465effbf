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


def fold(text: str) -> str:
    """Return ``text`` as SEARCH compares it. Folding twice changes nothing."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFD", text).casefold()
    text = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKD", text)
