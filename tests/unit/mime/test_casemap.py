"""Texts that mean the same to a searcher have one form."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.casemap import before_marks, fold

MARKS = "\u0301\u0323\u0316\u0345"
TEXTS = st.text() | st.text("aZ\xe9\xdf\u0130\u1e9b\u03a3\ufb01" + MARKS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ABC", "abc"),
        ("É", "e\u0301"),
        ("Straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
        ("ﬁn", "FIN"),
        ("\uff21", "a"),
        ("①", "1"),
        ("Å", "\u212b"),
        ("q\u0307\u0323", "q\u0323\u0307"),
        ("\u1fb3", "\u03b1\u0345"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    """Case, width, and how accents are written make no difference."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("e", "é"), ("a", "b"), ("ø", "o")])
def test_not_the_same(one: str, other: str) -> None:
    """Other letters are others."""
    assert fold(one) != fold(other)


@given(TEXTS)
def test_twice_is_once(text: str) -> None:
    """Folding what was folded changes nothing."""
    assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_normal_forms(text: str) -> None:
    """A text in any normal form is the same text."""
    for form in ("NFC", "NFD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(TEXTS, TEXTS)
def test_part_by_part(one: str, other: str) -> None:
    """Folding the parts of a text is folding it, where `before_marks` cuts."""
    text = one + other
    at = before_marks(text, len(one))
    assert fold(text[:at]) + fold(text[at:]) == fold(text)


def test_every_character() -> None:
    """What a character is folded to is decomposed, and folded."""
    characters = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    folded = fold(" ".join(characters))
    assert unicodedata.is_normalized("NFKD", folded)
    assert folded.casefold() == folded


def test_long_texts() -> None:
    """A text of any length is folded as its pieces are, marks at the cuts or not."""
    for size in range(250, 260):
        text = "x" * size + "q\u0307\u0323" + "É" * 300
        assert fold(text) == "x" * size + "q\u0323\u0307" + "e\u0301" * 300


def test_a_million_marks() -> None:
    """Marks without end cost no more than letters without end, nearly."""
    began = time.process_time()
    fold("\u0301\u0316" * 100_000)
    assert time.process_time() - began < 2
