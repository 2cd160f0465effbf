"""Strings are found wherever the text is cut."""

from hypothesis import given
from hypothesis import strategies as st

from imapbox.query.needles import Finder, as_one_line, header_needle, needle

TEXT = st.text("ab \t\n", max_size=20)
NEEDLES = st.dictionaries(
    st.integers(0, 9), st.text("ab ", min_size=1, max_size=4), max_size=5
)


@given(st.lists(TEXT), NEEDLES)
def test_pieces_make_no_difference(pieces: list[str], needles: dict[int, str]) -> None:
    """What is found in pieces is what is in the whole, and it is told once."""
    finder = Finder(needles)
    told = [key for piece in pieces for key in finder.feed(piece)]
    whole = "".join(pieces)
    expected = {key for key, each in needles.items() if each in whole}
    assert sorted(told) == sorted(expected)


def test_every_cut_is_seen_across() -> None:
    """Strings of all lengths are found across any two cuts."""
    text = "abcdefg"
    needles = {end: text[:end] for end in range(1, 8)} | {9: "defg", 10: "g", 11: "x"}
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            finder = Finder(needles)
            pieces = text[:first], text[first:second], text[second:]
            told = [key for piece in pieces for key in finder.feed(piece)]
            assert sorted(told) == [1, 2, 3, 4, 5, 6, 7, 9, 10]


@given(st.text("aÄ \t\r\n", max_size=6), st.text("aÄ \t", max_size=20))
def test_white_space_in_headers_is_one_space(wanted: str, text: str) -> None:
    """In a header it does not matter how words are parted, but that they are."""
    line = as_one_line(needle(text))
    squeezed = line
    while "  " in squeezed or "\t" in squeezed:
        squeezed = squeezed.replace("\t", " ").replace("  ", " ")
    assert line == squeezed
    assert header_needle(text) == line
    parted = wanted.replace(" ", " \r\n\t ")
    assert (header_needle(parted) in line) == (header_needle(wanted) in line)


def test_a_needle_is_folded() -> None:
    """What is looked for is folded like what is searched."""
    assert needle("Straße ﬁn É") == needle("STRASSE FIN e\u0301")
