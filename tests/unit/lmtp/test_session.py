"""What a session answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, formatEvent

from imapbox.model.errors import MailboxBusy, StoreFailure
from tests.support.lmtp_store import (
    CONTENT,
    Conversation,
    codes,
    cut,
    statuses,
    three_ways,
)

WHOLE = (
    b"LHLO client.example\r\nMAIL FROM:<bob@example.org> SIZE=23\r\n"
    b"RCPT TO:<alice@example.test>\r\nRCPT TO:<no@elsewhere.test>\r\n"
    b"RCPT TO:<carol@example.test>\r\nDATA\r\n" + CONTENT + b".\r\nNOOP\r\nQUIT\r\n"
)
ANSWERED = "220 250 250 250 550 250 354 250 250 250 221"


def test_greeting_and_capabilities() -> None:
    """The server says who it is, and after LHLO what it can."""
    conversation = Conversation()
    assert conversation.heard() == ["220 mx.example.test imapbox LMTP"]
    assert conversation.send(b"LHLO c\r\n") == [
        "250-mx.example.test",
        "250-PIPELINING",
        "250-8BITMIME",
        "250-CHUNKING",
        "250-SMTPUTF8",
        "250-SIZE 67108864",
        "250 ENHANCEDSTATUSCODES",
    ]


def test_one_message_however_it_arrives() -> None:
    """However a whole session is cut, the answers and the mail are the same."""
    for pieces in three_ways(WHOLE):
        conversation = Conversation()
        answers = conversation.heard()
        for piece in pieces:
            answers += conversation.send(piece)
        assert " ".join(codes(answers)) == ANSWERED, pieces
        assert [(who, octets) for who, _, octets in conversation.deliveries.stored] == [
            ("alice@example.test", CONTENT),
            ("carol@example.test", CONTENT),
        ]
        assert not conversation.transport.connected


def test_no_reply_for_whom_rcpt_refused() -> None:
    """After the message there is one reply for each accepted recipient, in order."""
    conversation = Conversation()
    conversation.send(
        b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<carol>\r\n"
        b"RCPT TO:<x@elsewhere.test>\r\nRCPT TO:<alice>\r\nDATA\r\n"
    )
    answers = conversation.send(CONTENT + b".\r\n")
    assert [line.split()[2] for line in answers] == ["<carol>", "<alice>"]


def test_pipelined_replies_are_one_write() -> None:
    """What was pipelined in one segment is answered in one write."""
    conversation = Conversation()
    writes: list[bytes] = []
    conversation.transport.write = writes.append
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n")
    assert len(writes) == 1
    conversation.send(CONTENT + b".\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n")
    assert len(writes) == 2


def test_slow_lookups_keep_their_order() -> None:
    """A command that waits holds up those behind it, and only those."""
    conversation = Conversation()
    slow: Deferred[None] = Deferred()
    conversation.deliveries.found["alice"] = slow
    answers = conversation.send(
        b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<bob>\r\nRCPT TO:<alice>\r\n"
        b"RCPT TO:<x@elsewhere.test>\r\nNOOP\r\n"
    )
    assert codes(answers) == ["220", "250", "250", "250"]
    assert conversation.deliveries.looked_up == ["bob", "alice"]
    slow.callback(None)
    assert codes(conversation.heard()) == ["250", "550", "250"]
    assert conversation.clock.getDelayedCalls() != []


def test_a_lookup_that_hangs_may_pass() -> None:
    """Who can't be looked up in 30 s is refused for now, and the session goes on."""
    conversation = Conversation()
    conversation.deliveries.found["alice"] = Deferred()
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n")
    assert conversation.send(b"RCPT TO:<alice>\r\nNOOP\r\n") == []
    conversation.clock.advance(30)
    assert statuses(conversation.heard()) == ["451 4.2.0", "250 2.0.0"]


def test_no_traceback_reaches_the_client(events: list[LogEvent]) -> None:
    """A fault of ours is a 451 without innards, and one traceback in the log."""
    error = RuntimeError("secret /path")
    conversation = Conversation()
    conversation.deliveries.found["alice"] = error
    conversation.deliveries.delivered["carol"] = error
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n")
    answers = conversation.send(b"RCPT TO:<alice>\r\nRCPT TO:<carol>\r\nDATA\r\n")
    assert statuses(answers)[:2] == ["451 4.3.0", "250 2.1.5"]
    answers += conversation.send(CONTENT + b".\r\nNOOP\r\n")
    assert codes(answers) == ["451", "250", "354", "451", "250"]
    assert "secret" not in " ".join(answers)
    assert sum("log_failure" in event for event in events) == 2


def test_a_store_without_spool_ends_the_session(events: list[LogEvent]) -> None:
    """What nobody foresaw is a 421 without innards."""
    conversation = Conversation()

    def broken() -> None:
        raise RuntimeError("secret")

    conversation.deliveries.new_spool = broken
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\n")
    (answer,) = conversation.send(b"DATA\r\n")
    assert answer.startswith("421 4.3.0 ")
    assert "secret" not in answer
    assert not conversation.transport.connected
    assert sum("log_failure" in event for event in events) == 1


def test_lookups_refused_for_now() -> None:
    """What the user directory can't say now is a 4xx for that recipient only."""
    conversation = Conversation()
    conversation.deliveries.found["alice"] = StoreFailure()
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n")
    answers = conversation.send(b"RCPT TO:<alice>\r\nRCPT TO:<bob>\r\n")
    assert codes(answers) == ["451", "250"]


def test_hostile_recipients() -> None:
    """Row 23: `<\"\"@d>`, routes and truncated UTF-8 get one reply each."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n")
    answers = conversation.send(
        b'RCPT TO:<""@d>\r\nRCPT TO:<""@example.test>\r\n'
        b"RCPT TO:<@a:b@example.test>\r\n"
        b"RCPT TO:<alice\xc3>\r\nRCPT TO:<alice@example.test\xc3\r\n"
        b"RCPT TO:<@a:b@c>\r\nRCPT TO:<alice@example.test>\r\n"
    )
    assert codes(answers) == ["550", "250", "250", "501", "501", "550", "250"]
    assert conversation.deliveries.looked_up == [
        '""@d',
        '""@example.test',
        "b@example.test",
        "b@c",
        "alice@example.test",
    ]


def test_a_thousand_recipients() -> None:
    """The 1001st recipient is put off; the thousand get the message."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n")
    answers = conversation.send(
        b"".join(b"RCPT TO:<user%d>\r\n" % number for number in range(1001))
        + b"DATA\r\n"
    )
    while conversation.clock.getDelayedCalls()[0].getTime() == 0:
        conversation.clock.advance(0)
        answers += conversation.heard()
    assert codes(answers) == ["250"] * 1000 + ["452", "354"]
    answers = conversation.send(CONTENT + b".\r\n")
    while len(answers) < 1000:
        conversation.clock.advance(0)
        answers += conversation.heard()
    assert codes(answers) == ["250"] * 1000
    assert len({who for who, _, _ in conversation.deliveries.stored}) == 1000


def test_null_sender() -> None:
    """Bounces have no sender and are taken like all mail."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n")
    assert codes(conversation.send(CONTENT + b".\r\n")) == ["250"]
    assert conversation.deliveries.stored[0][1].startswith(b"Return-Path: <>\r\n")


def test_size_is_checked_before_and_while_it_comes() -> None:
    """Too big is refused at MAIL if announced, else at the end, for everyone."""
    conversation = Conversation(size=1000)
    conversation.send(b"LHLO c\r\n")
    answers = conversation.send(b"MAIL FROM:<a@b> SIZE=1001\r\n")
    assert statuses(answers) == ["552 5.3.4"]
    conversation.send(
        b"MAIL FROM:<a@b> SIZE=1000\r\nRCPT TO:<alice>\r\nRCPT TO:<bob>\r\nDATA\r\n"
    )
    answers = conversation.say_in_pieces(b"x" * 5000 + b"\r\n.\r\nNOOP\r\n", 700)
    assert statuses(answers) == ["552 5.3.4", "552 5.3.4", "250 2.0.0"]
    assert conversation.deliveries.stored == []
    conversation.begin()
    exactly = b"x" * 998 + b"\r\n"
    assert codes(conversation.send(exactly + b".\r\n")) == ["250"]
    conversation.begin()
    assert codes(conversation.send(b"x" + exactly + b".\r\n")) == ["552"]


def test_disk_full_while_it_comes() -> None:
    """A full disk is a 452 for everyone at the end, and leaves no file behind."""
    conversation = Conversation()
    conversation.begin("alice", "bob")
    conversation.deliveries.disk.filesystem.error = OSError(28, "/secret")
    answers = conversation.say_in_pieces(b"x" * 600_000 + b"\r\n.\r\n", 65536)
    assert statuses(answers) == ["452 4.3.1", "452 4.3.1"]
    assert conversation.deliveries.open_files == 0


def test_disk_fails_while_it_comes(events: list[LogEvent]) -> None:
    """A disk that fails once fails the message, and is not asked again."""
    conversation = Conversation()
    conversation.begin("alice")
    conversation.deliveries.disk.filesystem.error = OSError(5, "/secret")
    conversation.say_in_pieces(b"x" * 300_000, 65536)
    answers = conversation.say_in_pieces(b"x" * 600_000 + b"\r\n.\r\n", 65536)
    assert statuses(answers) == ["451 4.3.0"]
    assert conversation.deliveries.open_files == 0
    assert conversation.deliveries.disk.filesystem.opened == 1
    assert_told(events)


def test_disk_fails_at_the_end(events: list[LogEvent]) -> None:
    """A disk that fails at the message's last piece is a 451 for everyone."""
    conversation = Conversation()
    conversation.begin("alice", "bob")
    conversation.say_in_pieces(b"x" * 300_000, 65536)
    conversation.deliveries.disk.filesystem.error = OSError(5, "/secret")
    assert statuses(conversation.send(b"\r\n.\r\n")) == ["451 4.3.0", "451 4.3.0"]
    assert conversation.deliveries.open_files == 0
    assert_told(events)


def assert_told(events: list[LogEvent]) -> None:
    """See that the log has what the disk said, and does not call it our fault."""
    assert not any("log_failure" in event for event in events)
    assert any("OSError(5, " in str(event.get("reason")) for event in events)


def test_too_many_mistakes() -> None:
    """Twenty bad commands end the connection with 421."""
    conversation = Conversation()
    mistakes = [b"x", b"\xff", b"", b"NOOP\n", b"DATA", b"EHLO c", b"LHLO"]
    answers = conversation.heard()
    for number in range(20):
        answers += conversation.send(mistakes[number % len(mistakes)] + b"\r\n")
    assert codes(answers)[0] == "220"
    assert {code[0] for code in codes(answers)[1:-1]} == {"5"}
    assert len(answers) == 22
    assert statuses(answers)[-1] == "421 4.7.0"
    assert not conversation.transport.connected


REFUSED = b"RCPT TO:<x@elsewhere.test>\r\n"


@pytest.mark.parametrize(
    ("group", "answers"),
    [
        (b"MAIL FROM:<>\r\n" + REFUSED + b"DATA\r\nRSET\r\n", "250 550 503 250"),
        (b"MAIL FROM:<>\r\n" + 2 * REFUSED + b"DATA\r\nLHLO c\r\n", "250 550 550 503"),
        (b"MAIL FROM:<> SIZE=9999\r\n" + 30 * REFUSED + b"DATA\r\n", "552 503"),
        (b"MAIL FROM:<> SIZE=9999\r\nRCPT TO:<alice>\r\nDATA\r\n", "552 503 503"),
    ],
)
def test_what_is_pipelined_behind_a_refusal_is_no_mistake(
    group: bytes, answers: str
) -> None:
    """Who sent DATA before it heard that nobody is here did as RFC 2033 §4.2 has it."""
    conversation = Conversation(size=1000)
    conversation.send(b"LHLO c\r\n")
    for _ in range(25):
        heard = codes(conversation.send(group))
        assert " ".join(heard).startswith(answers)
    assert conversation.transport.connected


@pytest.mark.parametrize(
    "before", [b"", b"MAIL FROM:<>\r\n", b"MAIL FROM:<>\r\n" + REFUSED + b"DATA\r\n"]
)
def test_data_on_its_own_is_a_mistake(before: bytes) -> None:
    """DATA without RCPT, or once more, is what no client that pipelines sends."""
    conversation = Conversation(mistakes=2)
    conversation.send(b"LHLO c\r\n" + before)
    assert statuses(conversation.send(b"DATA\r\n")) == ["503 5.5.1"]
    assert statuses(conversation.send(b"DATA\r\n")) == ["503 5.5.1", "421 4.7.0"]


def test_what_was_refused_before_excuses_nothing_later() -> None:
    """A refusal excuses DATA of the same MAIL, not of the next, nor after RSET."""
    for between in (b"RSET\r\n", b"LHLO c\r\n", b"RSET\r\nMAIL FROM:<>\r\n"):
        conversation = Conversation(mistakes=1)
        conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n" + REFUSED + between)
        assert statuses(conversation.send(b"DATA\r\n"))[-1] == "421 4.7.0"
    conversation = Conversation(mistakes=1)
    conversation.send(b"LHLO c\r\nMAIL FROM:<>\r\n" + REFUSED)
    conversation.send(b"RCPT TO:<alice>\r\nDATA\r\n" + CONTENT + b".\r\n")
    assert statuses(conversation.send(b"DATA\r\n"))[-1] == "421 4.7.0"


def test_a_delivered_message_excuses_mistakes() -> None:
    """Whoever delivers a message speaks LMTP: its bad commands count anew."""
    conversation = Conversation(mistakes=3)
    for _ in range(3):
        conversation.begin()
        assert codes(conversation.send(CONTENT + b".\r\nx\r\nx\r\n"))[0] == "250"
    conversation.deliveries.delivered["alice"] = MailboxBusy("it")
    conversation.begin("alice")
    answers = conversation.send(CONTENT + b".\r\nx\r\n")
    assert statuses(answers) == ["451 4.2.0", "500 5.5.1", "421 4.7.0"]


def test_ehlo_is_not_lmtp() -> None:
    """HELO and EHLO are answered 500. RFC 2033 §4.1."""
    conversation = Conversation()
    conversation.heard()
    assert codes(conversation.send(b"EHLO c\r\nHELO c\r\n")) == ["500", "500"]


def test_starttls_is_not_offered() -> None:
    """STARTTLS is no command here, so nothing can be injected before it."""
    conversation = Conversation()
    assert not any("STARTTLS" in line for line in conversation.send(b"LHLO c\r\n"))
    assert codes(conversation.send(b"STARTTLS\r\nNOOP\r\n")) == ["500", "250"]


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(0, 900)))
def test_noise_is_answered_line_by_line(lines: list[bytes], places: list[int]) -> None:
    """Whatever comes, each line gets one reply, and nothing fails."""
    conversation = Conversation(mistakes=10_000)
    conversation.heard()
    noise = [line.replace(b"\r\n", b"") + b";" for line in lines]
    answers = []
    for piece in cut(b"".join(line + b"\r\n" for line in noise), places):
        answers += conversation.send(piece)
    assert {line[0] for line in answers} <= {"2", "5"}
    assert len(codes(answers)) == len(noise)


def test_one_log_line_for_each_recipient(events: list[LogEvent]) -> None:
    """A delivery is one event with its figures, a refusal too; no content."""
    conversation = Conversation()
    conversation.deliveries.delivered["bob"] = StoreFailure()
    conversation.begin("alice", "bob")
    events.clear()
    conversation.send(b"Subject: canary\r\n\r\ncanary\r\n.\r\n")
    delivered, refused = events
    figures = {"transaction", "user", "mailbox", "uid", "size", "milliseconds"}
    assert figures <= set(delivered)
    assert delivered["size"] == 27
    assert {"transaction", "address", "reason"} <= set(refused)
    assert delivered["transaction"] == refused["transaction"]
    assert "canary" not in repr(events)


def test_nothing_splits_a_log_line(events: list[LogEvent]) -> None:
    """Whatever a client says, what is logged of it is one printable line each."""
    for nasty in ("a\x1b[2J", "a\u2028b", "a\x85b", "a\x00", "ü"):
        conversation = Conversation(mistakes=1)
        conversation.deliveries.delivered["ü"] = MailboxBusy("\r\nhost")
        conversation.send(f"LHLO {nasty}\r\nMAIL FROM:<>\r\n".encode())
        conversation.send("RCPT TO:<ü@example.org>\r\nRCPT TO:<ü>\r\nDATA\r\n".encode())
        conversation.send(CONTENT + f".\r\nRCPT TO:<{nasty}>\r\n".encode())
    assert len(events) == 15
    for event in events:
        assert formatEvent(event).isprintable()


def test_a_large_message_that_loops() -> None:
    """Whom a message was delivered to is read of it, also where it is in a file."""
    conversation = Conversation()
    conversation.begin("alice", "bob")
    message = b"Delivered-To: alice\r\n\r\n" + b"x" * 300_000 + b"\r\n.\r\n"
    assert statuses(conversation.say_in_pieces(message, 65536)) == [
        "554 5.4.6",
        "250 2.0.0",
    ]
    assert conversation.deliveries.open_files == 0


def test_disk_fails_when_a_message_is_read(events: list[LogEvent]) -> None:
    """A message of which not even the beginning can be read is a 451 for everyone."""

    def broken(*_: object) -> bytes:
        raise OSError(5, "/secret")

    conversation = Conversation()
    conversation.begin("alice", "bob")
    conversation.deliveries.disk.filesystem.pread = broken
    answers = conversation.say_in_pieces(b"x" * 300_000 + b"\r\n.\r\n", 65536)
    assert statuses(answers) == ["451 4.3.0", "451 4.3.0"]
    assert conversation.deliveries.open_files == 0
    assert_told(events)
