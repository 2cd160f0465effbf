"""What a word is, in messages and in what is searched for.

Texts come folded (`mime.casemap`): in lower case, and decomposed. Marks are left
out, so that "cafe" finds "café". Scripts that put no spaces between words have
each character for a word; several of them stand beside one another, then.
"""

import re
import unicodedata
from functools import cache
from typing import Final, NamedTuple

from imapbox.mime.casemap import fold
from imapbox.model.criteria import FieldHas, Like

# A longer one is nobody's word: base64, a hash.
LONGEST_WORD: Final = 64
# Of what is searched for, so many words count.
MOST_WORDS: Final = 16

# What can be asked for besides all of the header, with the places of words, so that
# those beside one another are found.
TEXTS: Final = ("subject", "from", "to", "cc", "bcc", "body")

# Chinese and Japanese; Thai, Lao, Myanmar, Khmer.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_CHARACTER: Final = re.compile(f"[{_UNSPACED}]")
_RUN: Final = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}\W_]+")


class Asked(NamedTuple):
    """What is searched for, as words.

    Attributes:
        text: One word, or a run of characters each of which is one.
        is_run: Whether it is the latter.
    """

    text: str
    is_run: bool


def plain(folded: str) -> str:
    """Return a text as it is indexed."""
    if folded.isascii():
        return folded
    return _CHARACTER.sub(r" \g<0> ", _marks().sub("", folded))


def words_asked(like: Like) -> list[Asked]:
    """Return the words that are looked for; none if it is nothing the index knows."""
    text = like.text
    if isinstance(text, FieldHas) and text.name.lower() not in TEXTS:
        return []
    return words_of(fold(text.text))


def words_of(folded: str) -> list[Asked]:
    """Return what is searched for, in its order."""
    text = folded if folded.isascii() else _marks().sub("", folded)
    words = (found[0] for found in _RUN.finditer(text))
    asked = [
        Asked(word, is_run=bool(_CHARACTER.match(word)))
        for word in words
        if len(word) <= LONGEST_WORD
    ]
    return asked[:MOST_WORDS]


@cache
def _marks() -> re.Pattern[str]:
    """Marks that combine with what is before them; they would part words."""
    marks = [chr(n) for n in range(0x300, 0x10000) if unicodedata.combining(chr(n))]
    return re.compile(f"[{re.escape(''.join(marks))}]")
