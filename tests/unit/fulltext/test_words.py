"""What a word is, in messages and in what is searched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

from imapbox.fulltext.words import (
    LONGEST_WORD,
    MOST_WORDS,
    plain,
    words_asked,
    words_of,
)
from imapbox.mime.casemap import fold
from imapbox.model.criteria import BodyHas, FieldHas, Like, TextHas

ANALYZER = (
    TextAnalyzerBuilder(Tokenizer.simple())
    .filter(Filter.remove_long(4 * LONGEST_WORD + 1))
    .build()
)
TEXTS = st.text(st.sampled_from("abÅéßﬁ1²Ωж東タ한ไก्\u0301_-. \n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World", ["hello", "world"]),
        ("naïve_Ångström", ["naive", "angstrom"]),
        ("東京tower ไทย", ["東京", "tower", "ไทย"]),
        ("a" * (LONGEST_WORD + 1) + " b", ["b"]),
        ("--- _ !", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Letters and digits in a row; what is written without spaces is one run."""
    assert [word.text for word in words_of(fold(text))] == words


@given(TEXTS)
def test_what_is_asked_for_is_what_is_indexed(text: str) -> None:
    """The words that are looked for in a text are those that the index has of it."""
    asked = [
        each
        for word in words_of(fold(text))
        for each in (word.text if word.is_run else [word.text])
    ]
    indexed = ANALYZER.analyze(plain(fold(text)))
    assert (
        asked == [word for word in indexed if len(word) <= LONGEST_WORD][: len(asked)]
    )


def test_no_more_words_than_these() -> None:
    """Of a long text the first words count, and of fields those that are known."""
    many = " ".join(map(str, range(100)))
    assert len(words_asked(Like(TextHas(many)))) == MOST_WORDS
    assert words_asked(Like(BodyHas("..."))) == []
    assert words_asked(Like(FieldHas("Bcc", "ana")))
    assert words_asked(Like(FieldHas("X-Mine", "ana"))) == []
