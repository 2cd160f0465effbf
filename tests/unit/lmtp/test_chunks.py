"""BDAT: RFC 3030, and RFC 2033 for its replies."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tests.support.lmtp_store import CONTENT, Conversation, codes, cut, statuses

HELLO = b"LHLO client.example\r\n"
ENVELOPE = b"MAIL FROM:<bob@example.org>\r\nRCPT TO:<alice>\r\nRCPT TO:<carol>\r\n"
EXACT = b"Subject: x\r\n\r\n.\r\n..\r\n.\r\nQUIT\r\nbare\nlf\rcr\0\xff and no end"


def chunk(octets: bytes, *, last: bool = False) -> bytes:
    return b"BDAT %d%b\r\n" % (len(octets), b" LAST" if last else b"") + octets


def begun(**limits: int) -> Conversation:
    """A conversation with two recipients accepted."""
    conversation = Conversation(**limits)
    conversation.send(HELLO + ENVELOPE)
    return conversation


def test_octets_are_exact() -> None:
    """What comes in chunks is stored octet by octet: no dots, no line ends added."""
    conversation = begun()
    answers = conversation.send(chunk(EXACT[:20]) + chunk(b"") + chunk(EXACT[20:31]))
    assert answers == [
        "250 2.0.0 20 octets taken.",
        "250 2.0.0 0 octets taken.",
        "250 2.0.0 11 octets taken.",
    ]
    answers = conversation.send(chunk(EXACT[31:], last=True))
    assert [line.split()[2] for line in answers] == ["<alice>", "<carol>"]
    assert codes(answers) == ["250", "250"]
    stored = conversation.deliveries.stored
    assert [(who, octets) for who, _, octets in stored] == [
        ("alice", EXACT),
        ("carol", EXACT),
    ]
    assert conversation.deliveries.open_files == 0


def test_one_message_after_the_other() -> None:
    """A session may have messages of both kinds, and empty ones, too."""
    conversation = begun()
    conversation.send(b"BDAT 0 LAST\r\n" + ENVELOPE)
    conversation.send(b"DATA\r\n" + CONTENT + b".\r\n" + ENVELOPE)
    answers = conversation.send(chunk(b"a") + chunk(b"b", last=True) + b"QUIT\r\n")
    assert codes(answers) == ["250", "250", "250", "221"]
    stored = [octets for _, _, octets in conversation.deliveries.stored]
    assert stored == [b"", b"", CONTENT, CONTENT, b"ab", b"ab"]


@pytest.mark.parametrize("before", [b"", HELLO, HELLO + b"MAIL FROM:<>\r\n"])
def test_a_chunk_for_nobody_is_read_away(before: bytes) -> None:
    """The octets of a chunk without a recipient are no commands: 503, one for each."""
    conversation = Conversation()
    conversation.send(before)
    evil = b"LHLO evil\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\n"
    answers = conversation.send((chunk(evil) + chunk(evil, last=True)) * 15)
    assert statuses(answers) == ["503 5.5.1"] * 30
    assert codes(conversation.send(b"NOOP\r\n")) == ["250"]
    assert conversation.deliveries.looked_up == []


@pytest.mark.parametrize(
    "command", [b"DATA", b"MAIL FROM:<>", b"RCPT TO:<bob>", b"DATA\r\n.\r\nNOOP"]
)
def test_chunks_do_not_mix(command: bytes) -> None:
    """Between chunks there is no DATA, no MAIL and no RCPT."""
    conversation = begun()
    conversation.send(chunk(b"one"))
    answers = conversation.send(command + b"\r\n")
    assert answers[0] == "503 5.5.1 Not now: BDAT comes first."
    assert codes(conversation.send(chunk(b"two", last=True))) == ["250", "250"]
    assert conversation.deliveries.stored[0][2] == b"onetwo"


@pytest.mark.parametrize("end", [b"RSET\r\n", HELLO, b"QUIT\r\n", b""])
def test_what_is_given_up_is_given_back(end: bytes) -> None:
    """RSET, LHLO, QUIT and a lost connection forget the chunks that came."""
    conversation = begun()
    conversation.send(chunk(b"x" * 300_000))
    assert conversation.deliveries.open_files == 1
    if end:
        assert codes(conversation.send(end))[0][0] == "2"
    else:
        conversation.transport.loseConnection()
    assert conversation.deliveries.open_files == 0
    assert conversation.deliveries.stored == []


def test_a_shutdown_between_chunks() -> None:
    """Who is between two chunks when the server ends is told 421."""
    conversation = begun()
    conversation.send(chunk(b"x" * 300_000))
    conversation.factory.shutdown()
    assert statuses(conversation.heard()) == ["421 4.3.2"]
    assert conversation.deliveries.open_files == 0


def test_too_much_is_told_with_each_chunk() -> None:
    """A message that grows too large is refused from there on, to the end."""
    conversation = begun(size=10)
    answers = conversation.send(
        chunk(b"12345678") + chunk(b"901") + chunk(b"x") + chunk(b"y", last=True)
    )
    assert statuses(answers) == ["250 2.0.0", *["552 5.3.4"] * 4]
    assert [line.split()[2] for line in answers[-2:]] == ["<alice>", "<carol>"]
    assert conversation.deliveries.stored == []
    assert codes(conversation.send(ENVELOPE)) == ["250", "250", "250"]


def test_a_full_disk_is_told_with_the_chunk() -> None:
    """A chunk for which there is no room is read, and refused for now."""
    conversation = begun()
    conversation.deliveries.disk.filesystem.error = OSError(errno.ENOSPC, "full")
    answers = conversation.send(chunk(b"x" * 300_000) + chunk(b"y", last=True))
    assert statuses(answers) == ["452 4.3.1"] * 3
    assert conversation.deliveries.open_files == 0


@pytest.mark.parametrize(
    "line", [b"BDAT", b"BDAT x", b"BDAT -1 LAST", b"BDAT 1 2", b"BDAT 9999999999999999"]
)
def test_a_chunk_without_a_size_ends_the_session(line: bytes) -> None:
    """Where nobody can tell what is a command, nothing more is read as one."""
    conversation = begun()
    answers = conversation.send(line + b"\r\nMAIL FROM:<>\r\n")
    assert statuses(answers) == ["501 5.5.4"]
    assert not conversation.transport.connected


def test_deliveries_are_waited_for() -> None:
    """What is pipelined behind the last chunk waits for its replies."""
    conversation = begun()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["alice"] = slow
    assert conversation.send(chunk(b"x", last=True) + b"NOOP\r\n") == []
    slow.callback(None)
    assert codes(conversation.heard()) == ["250", "250", "250"]


COMMANDS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"MAIL FROM:<>\r\n",
                b"RCPT TO:<alice>\r\n",
                b"RCPT TO:<x@elsewhere.test>\r\n",
                b"RSET\r\n",
                b"NOOP\r\n",
                b"DATA\r\nRSET\r\n.\r\n",
                ENVELOPE,
            ]
        ),
        st.builds(
            lambda octets, last: chunk(octets, last=last),
            st.sampled_from([b"", b"x", b".\r\n", b"RSET\r\n", b"\r\nQUIT\r\n"]),
            st.booleans(),
        ),
    ),
    max_size=12,
)


@given(COMMANDS, st.lists(st.integers(0, 400)))
def test_however_it_is_cut(commands: list[bytes], places: list[int]) -> None:
    """However the network cuts a session, the replies and the mail are the same."""
    stream = HELLO + b"".join(commands)
    outcomes = []
    for pieces in ([stream], cut(stream, places), cut(stream, range(len(stream)))):
        conversation = Conversation(size=6)
        answers = [line for piece in pieces for line in conversation.send(piece)]
        # The transactions' names are random.
        replies = [line.partition(" id=")[0] for line in answers]
        stored = [(who, octets) for who, _, octets in conversation.deliveries.stored]
        outcomes.append((replies, stored))
        conversation.transport.loseConnection()
        assert conversation.deliveries.open_files == 0
    assert outcomes[0] == outcomes[1] == outcomes[2]
