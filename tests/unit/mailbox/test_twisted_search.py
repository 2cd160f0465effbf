"""Queries as the stock server reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.mail.imap4 import IllegalQueryError, parseNestedParens

from imapbox.disk.blocking import result_of
from imapbox.mailbox.twisted_search import criterion_of
from imapbox.model.criteria import And
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.search_keys import SearchKeys
from tests.support.fake_mail import FakeAccount
from tests.support.twisted_mail import opened

# What the stock server's reader leaves as it was.
TEXTS = st.text("abcXYZ19 :*%(){}é", min_size=1, max_size=8).filter(
    lambda text: text == text.strip()
)
LEAVES = st.one_of(
    st.sampled_from(["ALL", "UNSEEN", "NEW", "1:3,7", "*", "UID 4:*", "LARGER 7"]),
    st.sampled_from(["SINCE 1-Feb-2026", "KEYWORD $Work", "SENTON 2-Feb-2026"]),
    TEXTS.map(lambda text: f'SUBJECT "{text}"'),
    TEXTS.map(lambda text: f'HEADER X-A "{text}"'),
)
KEYS = st.recursive(
    LEAVES,
    lambda keys: st.one_of(
        keys.map(lambda key: f"NOT {key}"),
        st.tuples(keys, keys).map(lambda two: f"OR {two[0]} {two[1]}"),
        st.lists(keys, min_size=1, max_size=3).map(lambda all_: f"({' '.join(all_)})"),
    ),
    max_leaves=8,
)


@given(st.lists(KEYS, min_size=1, max_size=3).map(" ".join))
def test_a_query_means_what_was_said(text: str) -> None:
    """What the stock server makes of a SEARCH asks for the same as our own."""
    octets = text.encode()
    query = parseNestedParens(octets)
    ours = SearchKeys(Lexer([octets], utf8=True), "utf-8").read()
    assert criterion_of(query) == ours


def test_strings_may_be_anything() -> None:
    """A literal's line ends and quotes are part of the text."""
    criterion = criterion_of([b"TEXT", b'a "b"\r\nc'])
    assert 'a "b"' in repr(criterion)


@pytest.mark.parametrize(
    "query",
    [[], [b"NONSENSE"], [b"SUBJECT"], [[]], [b"TEXT", b"\xff"], [b"TEXT", b"\0"]],
)
def test_what_asks_for_nothing(query: list[bytes]) -> None:
    """A query that can't be understood is the client's mistake, and said so."""
    with pytest.raises(IllegalQueryError):
        criterion_of(query)


def test_deep_nesting_is_refused() -> None:
    """Parentheses as deep as a client likes cost no recursion."""
    query: list[object] = [b"ALL"]
    for _ in range(5000):
        query = [query]
    with pytest.raises(IllegalQueryError):
        criterion_of(query)
    assert isinstance(criterion_of([b"ALL", b"ALL"]), And)


@pytest.mark.parametrize("uid", [False, True])
def test_search_returns_sequence_numbers(uid: bool) -> None:
    """The stock server wants numbers, and makes UIDs of them itself."""
    account = FakeAccount()
    for subject in (b"one", b"two", b"three"):
        account.inbox.add(b"Subject: %b\r\n\r\n" % subject)
    mailbox = opened(account)
    del account.inbox.messages[1]
    account.inbox.modseq += 1
    assert result_of(mailbox.search([b"SUBJECT", b"T"], uid)) == [2, 3]
    assert result_of(mailbox.search([b"UID", b"2"], uid)) == [2]
    with pytest.raises(IllegalQueryError):
        result_of(mailbox.search([b"NONSENSE"], uid))


def test_the_grammar_is_the_one_of_search() -> None:
    """What SEARCH refuses is refused here."""
    with pytest.raises(BadSyntax):
        SearchKeys(Lexer([b"NONSENSE"]), "utf-8").read()
