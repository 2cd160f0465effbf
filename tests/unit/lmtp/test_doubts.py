"""When a client is taken to have read its reply, and when not."""

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogEvent

from imapbox.lmtp.interfaces import Doubt
from imapbox.model.errors import MailboxBusy
from tests.support.lmtp_store import CONTENT, Conversation, codes

MESSAGE = CONTENT + b".\r\n"
BEGIN = b"MAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n"


def delivered(*recipients: str) -> Conversation:
    """Return a conversation in which a message was answered with 250."""
    conversation = Conversation()
    conversation.begin(*(recipients or ("alice",)))
    assert set(codes(conversation.send(MESSAGE))) == {"250"}
    assert conversation.deliveries.settled == []
    return conversation


@pytest.mark.parametrize(
    "command", [b"NOOP", b"QUIT", b"RSET", BEGIN[:-2], b"nonsense", b"MAIL\n"]
)
def test_the_next_command_shows_it(command: bytes) -> None:
    """Whatever the client says next, it has read the replies to its message."""
    conversation = delivered("alice", "bob")
    conversation.send(command + b"\r\n")
    assert sorted(conversation.deliveries.settled) == ["alice", "bob"]
    conversation.send(b"NOOP\r\n")
    assert len(conversation.deliveries.settled) == 2


def test_half_a_command_shows_nothing_yet() -> None:
    """It is settled when the command is complete."""
    conversation = delivered()
    conversation.send(b"NO")
    assert conversation.deliveries.settled == []
    conversation.send(b"OP\r\n")
    assert conversation.deliveries.settled == ["alice"]


def test_what_was_said_before_shows_nothing() -> None:
    """A command that was pipelined behind the message came before the reply."""
    conversation = Conversation()
    conversation.begin("alice")
    conversation.send(MESSAGE + b"NOOP\r\n" + BEGIN)
    assert conversation.deliveries.settled == []
    conversation.send(MESSAGE + b"NOOP\r\n")
    assert conversation.deliveries.settled == []
    conversation.send(b"NOOP\r\n")
    assert conversation.deliveries.settled == ["alice", "alice"]


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"NO", b"OP\r\n"),
        (b"NOOP\r", b"\n"),
        (BEGIN.replace(b"DATA", b"BDAT 9") + b"Subj", b"ect:\r\nNOOP\r\n"),
    ],
)
def test_wherever_the_network_cuts_it(before: bytes, behind: bytes) -> None:
    """The rest of what was begun before the reply came before it, too."""
    conversation = Conversation()
    conversation.begin("alice")
    conversation.send(MESSAGE + before)
    conversation.send(behind)
    assert conversation.deliveries.settled == []
    conversation.send(b"NOOP\r\n")
    assert "alice" in conversation.deliveries.settled


@pytest.mark.parametrize("command", [b"NOOP", b"QUIT", BEGIN[:-2]])
def test_what_came_during_the_delivery(command: bytes) -> None:
    """A command that came while the message was delivered came before the reply."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["alice"] = slow
    conversation.begin("alice")
    assert conversation.send(MESSAGE) == []
    assert conversation.send(command + b"\r\n") == []
    slow.callback(None)
    assert len(codes(conversation.heard())) > 1
    assert conversation.deliveries.settled == []


def test_what_is_held_back_is_asked_for() -> None:
    """A message is confirmed before it is delivered, so that what follows it comes."""
    conversation = Conversation()
    conversation.begin("alice")
    begun: list[list[str]] = []
    conversation.protocol.confirm = lambda: begun.append(
        list(conversation.deliveries.begun)
    )
    assert codes(conversation.send(MESSAGE)) == ["250"]
    assert begun == [[]]


@pytest.mark.parametrize("end", ["lost", "timeout", "shutdown"])
def test_the_end_of_the_connection_shows_nothing(end: str) -> None:
    """A connection that is lost, or ended by us, leaves the delivery in doubt."""
    conversation = delivered()
    if end == "lost":
        conversation.transport.loseConnection()
    elif end == "timeout":
        conversation.clock.advance(300)
    else:
        conversation.factory.shutdown()
        conversation.clock.advance(10)
    assert not conversation.transport.connected
    assert conversation.deliveries.settled == []


def test_who_was_told_to_try_again_does_not_know() -> None:
    """A delivery that ends well behind its 451 stays in doubt: it will come again."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["alice"] = slow
    conversation.begin("alice", "bob")
    conversation.send(MESSAGE)
    conversation.clock.advance(60)
    assert codes(conversation.heard()) == ["451", "250"]
    slow.callback(None)
    conversation.send(b"QUIT\r\n")
    assert [who for who, _, _ in conversation.deliveries.stored] == ["bob", "alice"]
    assert conversation.deliveries.settled == ["bob"]


def test_what_was_refused_is_no_doubt() -> None:
    """Only what is stored is settled."""
    conversation = Conversation()
    conversation.deliveries.delivered["alice"] = MailboxBusy("it")
    conversation.begin("alice", "bob")
    conversation.send(MESSAGE + b"QUIT\r\n")
    conversation = delivered("carol")
    conversation.send(b"QUIT\r\n")
    assert conversation.deliveries.settled == ["carol"]


def test_the_command_waits_for_it() -> None:
    """QUIT is answered when another process would see that it is settled."""
    conversation = delivered()
    settling: Deferred[None] = Deferred()
    conversation.deliveries.settling = settling
    assert conversation.send(b"QUIT\r\n") == []
    settling.callback(None)
    assert codes(conversation.heard()) == ["221"]


def test_the_command_does_not_wait_for_ever(events: list[LogEvent]) -> None:
    """A disk that hangs holds the client up for thirty seconds, and is logged."""
    conversation = delivered()
    conversation.deliveries.settling = Deferred()
    conversation.send(b"QUIT\r\n")
    conversation.clock.advance(30)
    assert codes(conversation.heard()) == ["221"]
    assert events[-1]["why"] == "TimeoutError"
    assert not any("log_failure" in event for event in events)


def test_a_store_that_ends_is_no_fault(events: list[LogEvent]) -> None:
    """Where the store is ending the client has its answer, and the log no traceback."""
    conversation = delivered()
    conversation.deliveries.settling = CancelledError()
    assert codes(conversation.send(b"QUIT\r\n")) == ["221"]
    assert not any("log_failure" in event for event in events)


def test_a_store_that_can_not_settle_harms_nobody(events: list[LogEvent]) -> None:
    """An error is logged, and the command is obeyed."""
    conversation = delivered()
    conversation.deliveries.settling = OSError(5, "I/O error")
    assert codes(conversation.send(b"QUIT\r\n")) == ["221"]
    assert any("log_failure" in event for event in events)


def test_a_client_that_is_always_ahead_is_remembered_in_part() -> None:
    """Of too many the last are settled; the oldest stay in doubt, as if lost."""
    conversation = Conversation(doubts=3)
    conversation.begin("1")
    for number in range(2, 7):
        ahead = BEGIN.replace(b"alice", b"%d" % number)
        assert codes(conversation.send(MESSAGE + ahead))[0] == "250"
    assert conversation.deliveries.settled == []
    conversation.send(MESSAGE)
    conversation.send(b"NOOP\r\n")
    assert conversation.deliveries.settled == ["4", "5", "6"]


def test_what_is_delivered_again_is_one_doubt() -> None:
    """The same message over and over takes no other's place, and is the youngest."""
    conversation = Conversation(doubts=2)
    conversation.deliveries.doubts = {"alice": Doubt("alice", b"key")}
    conversation.begin("alice")
    for who in (b"bob", b"alice", b"alice", b"carol"):
        conversation.send(MESSAGE + BEGIN.replace(b"alice", who))
    conversation.send(MESSAGE)
    conversation.send(b"NOOP\r\n")
    assert conversation.deliveries.settled == ["alice", "carol"]
