r"""LIST with options and several patterns: RFC 5258."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imapbox.model.names import MailboxName
from imapbox.wire.imap.mailbox_names import ListPattern
from tests.support.imap_client import Client

# RFC 5258 §5, examples 1 and 2.
FRUIT = (
    (b"Fruit", b"Fruit/Apple", b"Fruit/Banana", b"Tofu", b"Vegetable"),
    (b"Vegetable/Broccoli", b"Vegetable/Corn"),
)
EATEN = (b"INBOX", b"Fruit/Banana", b"Fruit/Peach", b"Vegetable", b"Vegetable/Broccoli")
# Example 9.
BARS = (
    (b"foo2", b"foo2/bar1", b"foo2/bar2", b"baz2", b"baz2/bar2", b"baz2/bar22"),
    (b"baz2/bar222", b"eps2", b"eps2/mamba", b"qux2/bar2"),
)
BARS_VISITED = (
    *(b"foo2/bar1", b"foo2/bar2", b"baz2/bar2", b"baz2/bar22", b"baz2/bar222"),
    *(b"eps2", b"eps2/mamba", b"qux2/bar2"),
)
NAMES = (b"INBOX", b"a", b"a-b", b"a/b", b"a/b/c", b"a/b/c/b", b"z/x", b"z/x/b", b"z/y")
CHILDREN = re.compile(rb" ?\\Has(?:No)?Children")


def client_with(names: tuple[bytes, ...], subscribed: tuple[bytes, ...]) -> Client:
    client = Client().login()
    for name in names:
        assert client.say(b"c CREATE %b\r\n" % name).startswith(b"c OK ")
    for name in subscribed:
        assert client.say(b"s SUBSCRIBE %b\r\n" % name).startswith(b"s OK ")
    return client


def listed(client: Client, command: bytes) -> list[bytes]:
    *rows, answer, end = client.say(b"t " + command + b"\r\n").split(b"\r\n")
    assert (answer, end) == (b"t OK Listed.", b"")
    assert all(row.startswith(b"* LIST (") for row in rows)
    return [row.removeprefix(b"* LIST ") for row in rows]


def said_of(client: Client, command: bytes) -> dict[bytes, bytes]:
    r"""What is said of each name, but for its children, in the RFC's words."""
    rows = [CHILDREN.sub(b"", row) for row in listed(client, command)]
    said = {}
    for row in rows:
        attributes, name, more = re.fullmatch(
            rb'(\([^)]*\)) "/" ([^ ]+)(.*)', row
        ).groups()
        said[name] = attributes.replace(b"( ", b"(") + more
    assert len(said) == len(rows)  # RFC 5258 §3.3: one for each name
    return said


@pytest.fixture
def eater() -> Client:
    return client_with(sum(FRUIT, ()), EATEN)


def test_subscribed_names(eater: Client) -> None:
    """LIST (SUBSCRIBED) tells just what is subscribed, and what isn't there."""
    for options in (b"(SUBSCRIBED)", b"(SUBSCRIBED REMOTE)", b"(remote subscribed)"):
        assert said_of(eater, b'LIST %b "" *' % options) == {
            b"INBOX": b"(\\Subscribed)",
            b"Fruit/Banana": b"(\\Subscribed)",
            b"Fruit/Peach": b"(\\NonExistent \\Subscribed)",
            b"Vegetable": b"(\\Subscribed)",
            b"Vegetable/Broccoli": b"(\\Subscribed)",
        }


def test_subscriptions_of_all_that_is_there(eater: Client) -> None:
    """RETURN (SUBSCRIBED) tells it of each mailbox, and shows none besides."""
    said = said_of(eater, b'LIST (REMOTE) "" * RETURN (SUBSCRIBED)')
    assert {name for name, words in said.items() if words == b"(\\Subscribed)"} == {
        *(b"INBOX", b"Fruit/Banana", b"Vegetable", b"Vegetable/Broccoli")
    }
    assert said.keys() == {b"INBOX", *sum(FRUIT, ())}
    unasked = said_of(eater, b'LIST (REMOTE) "" * RETURN (CHILDREN)')
    assert set(unasked.values()) == {b"()"}


def test_children_of_each_level(eater: Client) -> None:
    """RETURN (CHILDREN) says of each name whether there are names below it."""
    assert listed(eater, b'LIST () "" % RETURN (CHILDREN)') == [
        b'(\\HasNoChildren) "/" INBOX',
        b'(\\HasChildren) "/" Fruit',
        b'(\\HasNoChildren) "/" Tofu',
        b'(\\HasChildren) "/" Vegetable',
    ]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (
            b'"" (INBOX Tofu "Fruit/%")',
            {b"INBOX", b"Tofu", b"Fruit/Apple", b"Fruit/Banana"},
        ),
        (b'"" (Tofu tofu T%)', {b"Tofu"}),
        (b'Fruit/ (Apple "" Tofu)', {b"Fruit/Apple"}),
        (b'"" ("")', set()),
        (b'"" "" RETURN ()', set()),
    ],
)
def test_several_patterns(eater: Client, patterns: bytes, names: set[bytes]) -> None:
    """A name is told once, though several patterns mean it; an empty one means none."""
    assert said_of(eater, b"LIST " + patterns).keys() == names


def test_what_is_shown_for_what_is_below() -> None:
    """RECURSIVEMATCH shows what has subscriptions below that are not shown: CHILDINFO.

    RFC 5258 §5, example 9.
    """
    client = client_with(sum(BARS, ()), BARS_VISITED)
    info = b' ("CHILDINFO" ("SUBSCRIBED"))'
    assert said_of(client, b'LIST (RECURSIVEMATCH SUBSCRIBED) "" *2') == {
        b"foo2": b"()" + info,
        b"foo2/bar2": b"(\\Subscribed)",
        b"baz2/bar2": b"(\\Subscribed)",
        b"baz2/bar22": b"(\\Subscribed)",
        b"baz2/bar222": b"(\\Subscribed)",
        b"eps2": b"(\\Subscribed)" + info,
        b"qux2/bar2": b"(\\Subscribed)",
    }


@pytest.mark.parametrize(
    ("made", "subscribed", "said"),
    [
        # The rows of RFC 5258 §3.5.
        ((), (), None),
        ((b"a",), (), None),
        ((), (b"a",), b"(\\NonExistent \\Subscribed)"),
        ((b"a",), (b"a",), b"(\\Subscribed)"),
        ((), (b"a/b",), b'(\\NonExistent) ("CHILDINFO" ("SUBSCRIBED"))'),
        ((b"a",), (b"a/b",), b'() ("CHILDINFO" ("SUBSCRIBED"))'),
        (
            (),
            (b"a", b"a/b/c"),
            b'(\\NonExistent \\Subscribed) ("CHILDINFO" ("SUBSCRIBED"))',
        ),
        ((b"a",), (b"a", b"a/b"), b'(\\Subscribed) ("CHILDINFO" ("SUBSCRIBED"))'),
    ],
)
def test_names_that_are_there_and_that_are_not(
    made: tuple[bytes, ...], subscribed: tuple[bytes, ...], said: bytes | None
) -> None:
    """What is said of a name follows from three things: RFC 5258 §3.5 has the table."""
    client = client_with(made, subscribed)
    told = said_of(client, b'LIST (SUBSCRIBED RECURSIVEMATCH) "" %')
    assert told == ({} if said is None else {b"a": said})
    assert b"CHILDINFO" not in repr(said_of(client, b'LIST (SUBSCRIBED) "" %')).encode()


def test_levels_that_are_no_mailboxes() -> None:
    r"""Who uses an option is told \NonExistent, everybody else \Noselect."""
    client = client_with((b"music/rock",), ())
    row = b'(\\%b \\HasChildren) "/" music'
    assert listed(client, b'LIST "" mus%') == [row % b"Noselect"]
    for extended in (b'() "" mus%', b'"" (mus%)', b'"" mus% RETURN ()'):
        assert listed(client, b"LIST " + extended) == [row % b"NonExistent"]
    # Only the pattern that ends in "%" means them.
    assert listed(client, b'LIST "" (mus* x%)') == [b'(\\HasNoChildren) "/" music/rock']


def test_special_uses_are_selected_among_subscribed_ones() -> None:
    """Who gives two options is shown what both select."""
    client = client_with((b"a", b"b (USE (\\Sent))", b"c (USE (\\Junk))"), (b"a", b"b"))
    assert said_of(client, b'LIST (SPECIAL-USE SUBSCRIBED) "" *') == {
        b"b": b"(\\Subscribed \\Sent)"
    }
    client = client_with((b"a/b (USE (\\Sent))",), (b"a/b",))
    said = said_of(client, b'LIST (SPECIAL-USE SUBSCRIBED RECURSIVEMATCH) "" %')
    assert said == {b"a": b'(\\NonExistent) ("CHILDINFO" ("SPECIAL-USE" "SUBSCRIBED"))'}


@settings(max_examples=20)
@given(
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from(
        (b"*", b"%", b"a*", b"*b", b"%/b", b"(* x%)", b"(a/% z)", b"z/x/%")
    ),
)
def test_what_is_below_is_found(
    made: set[bytes], subscribed: set[bytes], pattern: bytes
) -> None:
    """RECURSIVEMATCH shows each name that is selected and matches, or is above others.

    That is, above some that are selected and don't match: RFC 5258 §3.5.
    """
    client = client_with(tuple(made - {b"INBOX"}), tuple(subscribed))
    told = said_of(client, b'LIST (SUBSCRIBED RECURSIVEMATCH) "" ' + pattern)
    shown = client.say(b't LIST (SUBSCRIBED) "" ' + pattern + b"\r\n")
    selected = set(re.findall(rb'"/" (\S+)\r', shown))
    levels = {
        b"/".join(each.split(b"/")[:end])
        for each in subscribed
        for end in range(1, each.count(b"/") + 1)
    }
    matcher = ListPattern(*pattern.decode().strip("()").split())
    for name in levels | subscribed:
        below = {each for each in subscribed if each.startswith(name + b"/")}
        matches = matcher.matches(MailboxName(name.decode()))
        if matches and (name in subscribed or below - selected):
            assert (b"CHILDINFO" in told.pop(name)) is bool(below)
    assert told == {}
