"""Names have one form on the wire, and patterns cost one step a character."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imapbox.model.errors import MailboxNameRefused
from imapbox.model.names import MailboxName
from imapbox.wire.imap.mailbox_names import (
    ListPattern,
    MailboxArgument,
    decode_utf7,
    encode_utf7,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# RFC 3501 §5.1.3, and names that clients make.
KNOWN = {
    "~peter/mail/台北/日本語": b"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
    "台北日本語": b"&U,BTF2XlZyyKng-",
    "Entwürfe": b"Entw&APw-rfe",
    "A & B": b"A &- B",
    "&": b"&-",
    "": b"",
    "😀": b"&2D3eAA-",
    "☺!": b"&Jjo-!",
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_names(name) -> None:
    """Names are written as other servers write them."""
    assert encode_utf7(name) == KNOWN[name]
    assert decode_utf7(KNOWN[name]) == name


@given(TEXT)
def test_names_come_back(name) -> None:
    """Every name survives the wire, as printable ASCII."""
    octets = encode_utf7(name)
    assert decode_utf7(octets) == name
    assert octets.isascii()
    assert octets.decode().isprintable()


@given(st.text("&-AJjoUw8,+/ =é").map(str.encode) | st.binary())
@example(b"&AC8-")
@example(b"&Jjo")
def test_no_second_form(octets) -> None:
    """What is taken as a name is the one way to write it."""
    try:
        name = decode_utf7(octets)
    except MailboxNameRefused:
        return
    assert encode_utf7(name) == octets


def test_lone_surrogate_is_not_written() -> None:
    """A lone surrogate is no character."""
    with pytest.raises(UnicodeEncodeError):
        encode_utf7("\ud800")


def test_inbox_in_any_case() -> None:
    """INBOX is INBOX in any case; a name is normalized."""
    assert MailboxArgument(b"inBox/a").name() == "INBOX/a"
    assert MailboxArgument(b"e&AwE-").name() == "é"
    assert MailboxArgument(b"inBox").text() == "inBox"


def naive(pattern: str, name: str) -> bool:
    """Match as one would explain it: slow, and plainly right."""
    if not pattern:
        return not name
    if pattern[0] in "*%":
        if naive(pattern[1:], name):
            return True
        return (
            bool(name)
            and not (pattern[0] == "%" and name[0] == "/")
            and naive(pattern, name[1:])
        )
    return bool(name) and name[0] == pattern[0] and naive(pattern[1:], name[1:])


@given(st.lists(st.text("ab/*%", max_size=8), max_size=3), st.text("ab/", max_size=8))
def test_patterns_match_as_explained(patterns, name) -> None:
    """The matcher agrees with the plain explanation, for any patterns at once."""
    matcher = ListPattern(*patterns)
    expected = any(naive(pattern, name) for pattern in patterns)
    assert matcher.matches(MailboxName(name)) == expected


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("inbox", "INBOX", True),
        ("InB*", "INBOX/a", True),
        ("inbox/a", "INBOX/a", True),
        ("inbox/a", "INBOX/A", False),
        ("inboxes", "INBOXES", False),
        ("e\u0301", "é", True),
        ("%", "INBOX", True),
        ("%", "a/b", False),
        ("*", "a/b", True),
        ("a/%", "a/b", True),
    ],
)
def test_pattern_examples(pattern, name, matches) -> None:
    """INBOX matches in any case, other names as they are spelled."""
    assert ListPattern(pattern).matches(MailboxName(name)) is matches


@pytest.mark.parametrize(
    "pattern",
    ["*A" * 30 + "*Z", "%A" * 30 + "%Z", "*%" * 500, "%/" * 500, "*A%" * 340],
)
def test_stars_do_not_multiply(pattern) -> None:
    """Thirty stars over 10,000 names cost no more than a look at each letter."""
    names = [MailboxName("A" * 40 + f"/{n}") for n in range(10_000)]
    began = time.process_time()
    matcher = ListPattern(pattern)
    for name in names:
        matcher.matches(name)
    assert time.process_time() - began < 2
