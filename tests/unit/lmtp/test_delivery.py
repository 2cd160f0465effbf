"""Every recipient's delivery stands alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogEvent

from imapbox.model.errors import DiskFull, MailboxBusy
from tests.support.lmtp_store import CONTENT, Conversation, codes, statuses


def test_all_are_begun_at_once() -> None:
    """No recipient waits for another's delivery to begin."""
    conversation = Conversation()
    for name in ("alice", "bob", "carol"):
        conversation.deliveries.delivered[name] = Deferred()
    conversation.begin("alice", "bob", "carol")
    assert conversation.send(CONTENT + b".\r\n") == []
    assert conversation.deliveries.begun == ["alice", "bob", "carol"]


def test_many_are_begun_in_several_turns() -> None:
    """Deliveries to many leave other connections their turn after fifty."""
    conversation = Conversation()
    conversation.begin(*(f"user{number}" for number in range(120)))
    conversation.send(CONTENT + b".\r\n")
    assert len(conversation.deliveries.begun) == 50
    conversation.clock.advance(0)
    assert len(conversation.deliveries.stored) == 120


def test_one_hangs_one_fails_one_is_delivered() -> None:
    """A delivery that hangs costs its own recipient a 451 after 60 s, no other."""
    conversation = Conversation()
    conversation.deliveries.delivered["bob"] = Deferred()
    conversation.deliveries.delivered["carol"] = MailboxBusy("host 1 FETCH")
    conversation.begin("alice", "bob", "carol", "dave")
    answers = conversation.send(CONTENT + b".\r\n")
    assert statuses(answers) == ["250 2.0.0"]
    assert [who for who, _, _ in conversation.deliveries.stored] == ["alice", "dave"]
    conversation.clock.advance(59.9)
    assert conversation.heard() == []
    conversation.clock.advance(0.1)
    answers = conversation.heard()
    assert statuses(answers) == ["451 4.2.0", "451 4.2.0", "250 2.0.0"]
    assert [line.split()[2] for line in answers] == ["<bob>", "<carol>", "<dave>"]
    assert codes(conversation.send(b"NOOP\r\n")) == ["250"]


def test_replies_come_in_the_order_of_recipients() -> None:
    """Whoever is done first, replies keep the order of RCPT, and don't wait more."""
    conversation = Conversation()
    waits: dict[str, Deferred[None]] = {name: Deferred() for name in "abcd"}
    conversation.deliveries.delivered.update(waits)
    conversation.begin(*waits)
    assert conversation.send(CONTENT + b".\r\n") == []
    waits["c"].callback(None)
    assert conversation.heard() == []
    waits["a"].callback(None)
    assert [line.split()[2] for line in conversation.heard()] == ["<a>"]
    waits["b"].callback(None)
    assert [line.split()[2] for line in conversation.heard()] == ["<b>", "<c>"]
    waits["d"].errback(DiskFull())
    assert statuses(conversation.heard()) == ["452 4.3.1"]


@given(st.permutations(range(5)), st.lists(st.booleans(), min_size=5, max_size=5))
def test_any_order_of_ends(order: list[int], good: list[bool]) -> None:
    """In whatever order deliveries end and fail, each reply is its recipient's."""
    conversation = Conversation()
    names = [f"user{number}" for number in range(5)]
    waits: list[Deferred[None]] = [Deferred() for _ in names]
    conversation.deliveries.delivered.update(zip(names, waits, strict=True))
    conversation.begin(*names)
    answers = conversation.send(CONTENT + b".\r\n")
    for number in order:
        if good[number]:
            waits[number].callback(None)
        else:
            waits[number].errback(MailboxBusy())
    answers += conversation.heard()
    assert [line.split()[2] for line in answers] == [f"<{name}>" for name in names]
    assert codes(answers) == ["250" if each else "451" for each in good]


def test_what_is_late_ends_by_itself(events: list[LogEvent]) -> None:
    """After the 451 a delivery still has its octets, until it ends; it is logged."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["bob"] = slow
    conversation.begin("alice", "bob")
    body = b"x" * 700_000 + b"\r\n"
    conversation.say_in_pieces(body + b".\r\n", 65536)
    conversation.clock.advance(60)
    assert codes(conversation.heard()) == ["451"]
    assert conversation.deliveries.open_files == 1
    events.clear()
    slow.callback(None)
    assert conversation.heard() == []
    assert conversation.deliveries.stored[1][2] == body
    assert conversation.deliveries.open_files == 0
    assert [event["log_level"].name for event in events] == ["info", "warn"]


def test_the_sixty_seconds_hold_when_the_spool_hangs() -> None:
    """A disk that hangs at the message's end is a 451 for all after 60 s."""
    conversation = Conversation()
    conversation.begin("alice", "bob")
    conversation.say_in_pieces(b"x" * 300_000, 65536)
    conversation.deliveries.disk.slow = True
    assert conversation.send(b"\r\n.\r\n") == []
    conversation.clock.advance(60)
    assert statuses(conversation.heard()) == ["451 4.2.0", "451 4.2.0"]
    conversation.deliveries.disk.go_on()
    assert conversation.heard() == []


def test_the_connection_is_lost_while_it_is_delivered(events: list[LogEvent]) -> None:
    """Deliveries that were begun end as they would have, and nothing is left."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.delivered["alice"] = slow
    conversation.begin("alice", "bob")
    body = b"x" * 700_000 + b"\r\n"
    conversation.say_in_pieces(body + b".\r\n", 65536)
    conversation.transport.loseConnection()
    slow.callback(None)
    assert [who for who, _, _ in conversation.deliveries.stored] == ["bob", "alice"]
    assert conversation.deliveries.open_files == 0
    assert conversation.clock.getDelayedCalls() == []
    assert not any("log_failure" in event for event in events)


@pytest.mark.parametrize("size", [0, 10, 700_000])
def test_the_connection_is_lost_while_it_comes(
    size: int, events: list[LogEvent]
) -> None:
    """A message that never ended is nowhere, and nothing is left."""
    conversation = Conversation()
    conversation.begin()
    conversation.say_in_pieces(b"x" * size + b"\r\n.\r", 65536)
    conversation.transport.loseConnection()
    assert conversation.deliveries.begun == []
    assert conversation.deliveries.open_files == 0
    assert conversation.clock.getDelayedCalls() == []
    assert events == []


def test_a_store_that_is_ended_may_pass(events: list[LogEvent]) -> None:
    """A delivery that its store cancels is a 451, and no fault in the log."""
    conversation = Conversation()
    conversation.deliveries.delivered["alice"] = CancelledError()
    conversation.begin("alice")
    assert codes(conversation.send(CONTENT + b".\r\n")) == ["451"]
    assert not any("log_failure" in event for event in events)


def test_no_timer_is_left() -> None:
    """When all are answered, only the connection's own timer is left."""
    conversation = Conversation()
    conversation.begin("alice", "bob")
    before = len(conversation.clock.getDelayedCalls())
    conversation.send(CONTENT + b".\r\n")
    assert len(conversation.clock.getDelayedCalls()) == before == 1
