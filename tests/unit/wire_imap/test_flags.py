"""Flags are sent as one list, system flags first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.flags import Flag, is_keyword, split_flags
from imapbox.wire.imap.flags import read_flag_list, read_flags, render_flag_list
from imapbox.wire.imap.lexer import Lexer

KEYWORDS = st.frozensets(st.text("ab$.~1&+[}", min_size=1, max_size=5), max_size=4)


@given(st.integers(0, 31).map(Flag), KEYWORDS)
def test_flags_come_back(system, keywords) -> None:
    """A list of flags that we send is one that we read."""
    sent = render_flag_list(system, sorted(keywords))
    lexer = Lexer((sent,))
    assert split_flags(read_flag_list(lexer)) == (system, keywords)
    lexer.end()


def test_order_and_additions() -> None:
    r"""``\Recent`` and ``\*`` come last."""
    both = Flag.SEEN | Flag.ANSWERED
    assert render_flag_list(both, ["$b", "$a"]) == b"(\\Answered \\Seen $b $a)"
    assert render_flag_list(Flag(0)) == b"()"
    assert render_flag_list(Flag(0), recent=True) == b"(\\Recent)"
    assert render_flag_list(Flag.SEEN, any_keyword=True) == b"(\\Seen \\*)"


@pytest.mark.parametrize(
    "name", ["", "a b", "a)\r\n* BYE", "\\x", "ä", "a]", "x" * 256]
)
def test_what_is_no_keyword_is_not_sent(name) -> None:
    """A keyword that is no atom never reaches the wire."""
    assert not is_keyword(name)
    with pytest.raises(ValueError, match=r"^") as caught:
        render_flag_list(Flag(0), [name])
    assert caught.value.args == (name,)


def test_flags_without_parentheses() -> None:
    """STORE's flags may stand without parentheses."""
    assert read_flags(Lexer((b"\\Seen a",))) == {"\\Seen", "a"}
