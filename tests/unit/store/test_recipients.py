"""From an address to whose mail it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.store.recipients import candidates

TABLE = [
    ("bob", [("bob", "")]),
    ("Bob@Example.ORG", [("bob@example.org", ""), ("bob", "")]),
    (
        "bob+Work@h",
        [("bob+work@h", ""), ("bob@h", "Work"), ("bob+work", ""), ("bob", "Work")],
    ),
    ("bob+a+b", [("bob+a+b", ""), ("bob", "a+b")]),
    ("+x@h", [("+x@h", ""), ("+x", "")]),
    ("bob+@h", [("bob+@h", ""), ("bob+", "")]),
    ('"bob"@h', [("bob@h", ""), ("bob", "")]),
    (r'"b\ob x"@h', [("bob x@h", ""), ("bob x", "")]),
    ('"a@b"@h', [("a@b@h", ""), ("a@b", "")]),
    ("bob@", [("bob", "")]),
    ("", []),
    ("b\x00b", []),
]


@pytest.mark.parametrize(("address", "users"), TABLE)
def test_the_most_exact_comes_first(address: str, users: list[tuple[str, str]]) -> None:
    """user+detail@host, user@host, user+detail and user are asked in this order."""
    assert [tuple(candidate) for candidate in candidates(address)] == users


@given(st.text())
def test_any_text_is_an_address(text: str) -> None:
    """Whatever is asked, the answer is at most four users, each with a name."""
    found = candidates(text)
    assert len(found) <= 4
    assert all(candidate.user for candidate in found)
