"""The base subject is what a thread is about. RFC 5256 §2.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.subject import base_subject, is_reply


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("topic", "topic"),
        ("Re: topic", "topic"),
        ("RE : re:FW: Fwd: topic", "topic"),
        ("Re[2]: topic", "topic"),
        ("Re [2] : topic", "topic"),
        ("[list] Re: topic", "topic"),
        ("Re: [list] topic", "topic"),
        ("[list] [other] topic", "topic"),
        ("[list]", "[list]"),
        ("[list] [other]", "[other]"),
        ("topic (fwd) (FWD)", "topic"),
        ("[Fwd: [list] Re: topic (fwd)]", "topic"),
        ("[fwd: [fwd: topic]]", "topic"),
        ("  two \t words ", "two words"),
        ("Re:", ""),
        ("(fwd)", ""),
        ("reply: topic", "reply: topic"),
        ("", ""),
    ],
)
def test_examples(subject: str, base: str) -> None:
    """What answers and forwards add is taken away, and nothing else."""
    assert base_subject(subject) == base


@pytest.mark.parametrize(
    ("subject", "so"),
    [
        ("Re: topic", True),
        ("[list] fw: topic", True),
        ("topic (Fwd)", True),
        ("[Fwd: topic]", True),
        ("[list] topic", False),
        ("  topic", False),
        ("reply: topic", False),
        ("", False),
    ],
)
def test_replies(subject: str, so: bool) -> None:
    """What answers and forwards add shows one; the name of a list does not."""
    assert is_reply(subject) is so


@given(
    st.lists(
        st.sampled_from(["re", "Fwd", ":", "[", "]", "(fwd)", "[fwd:", " ", "a", "\t"])
    ).map("".join)
    | st.text()
)
def test_twice_is_once(subject: str) -> None:
    """A base subject is its own base, and a base of what it came from."""
    base = base_subject(subject)
    assert base_subject(base) == base
    assert base_subject("Re: " + subject) in {base, base_subject("Re: " + base)}
