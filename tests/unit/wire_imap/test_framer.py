"""The stream is cut into commands, whatever the network does to it."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.errors import BadSyntax, CommandTooLong, LiteralTooBig
from imapbox.wire.imap.events import (
    AppendAnnounced,
    AppendEnded,
    CommandReady,
    ContinuationWanted,
    LiteralChunk,
)
from imapbox.wire.imap.framer import AFTER_LOGIN, BEFORE_LOGIN, CommandFramer, Limits

SMALL = Limits(line=40, literals=20, discard=10)
BAD_LINE = (BadSyntax, "line", b"a")

STREAMS = {
    b"a NOOP\r\n": [CommandReady((b"a NOOP",))],
    b"\r\n": [CommandReady((b"",))],
    b"a LOGIN {1}\r\nu {2}\r\npw\r\n": [
        ContinuationWanted(1),
        ContinuationWanted(2),
        CommandReady((b"a LOGIN ", b"u", b" ", b"pw", b"")),
    ],
    b"a LOGIN {1+}\r\nu {0+}\r\n\r\n": [
        CommandReady((b"a LOGIN ", b"u", b" ", b"", b""))
    ],
    # A literal that looks like syntax is not syntax.
    b"a SELECT {7+}\r\nx {5}\r\n\r\n": [
        CommandReady((b"a SELECT ", b"x {5}\r\n", b""))
    ],
    # What announces nothing is left for the parser.
    b"a SELECT {-1}\r\n": [CommandReady((b"a SELECT {-1}",))],
    b"a SELECT {+5}\r\n": [CommandReady((b"a SELECT {+5}",))],
    b"a SELECT { 5}\r\n": [CommandReady((b"a SELECT { 5}",))],
    b"a SELECT {1_0}\r\n": [CommandReady((b"a SELECT {1_0}",))],
    b"a SELECT {}\r\n": [CommandReady((b"a SELECT {}",))],
    b"a SEARCH {5} {5+}x\r\n": [CommandReady((b"a SEARCH {5} {5+}x",))],
    b"a SELECT {5} x}\r\n": [CommandReady((b"a SELECT {5} x}",))],
    b"a SELECT {5} \r\n": [CommandReady((b"a SELECT {5} ",))],
    b'a SELECT "{5}"\r\n': [CommandReady((b'a SELECT "{5}"',))],
    "a SELECT {\u0665}\r\n".encode(): [CommandReady(("a SELECT {\u0665}".encode(),))],
    # Only CRLF ends a line, and no CR, LF or NUL is in one.
    b"a NOOP\nb NOOP\r\n": [BAD_LINE],
    b"a NOOP\rb NOOP\r\n": [BAD_LINE],
    b"a NOOP\r\r\n": [BAD_LINE],
    b"a NO\0OP\r\n": [BAD_LINE],
    b"a\0 NOOP\r\n": [(BadSyntax, "line", None)],
    b"* NO\0OP\r\n": [(BadSyntax, "line", None)],
    # Beyond 63 bits.
    b"a SELECT {9223372036854775808}\r\n": [(BadSyntax, "number64", b"a")],
    b"a SELECT {99999999999999999999}\r\n": [(BadSyntax, "number64", b"a")],
    b"a SELECT {00000000000000000005}\r\n": [(BadSyntax, "number64", b"a")],
    b"a APPEND x {9223372036854775808}\r\n": [(BadSyntax, "number64", b"a")],
    b"a SELECT {9223372036854775808+}\r\nb NOOP\r\n": [
        (CommandTooLong, "command", b"a")
    ],
    # Sizes: 20 octets of literals and 10 to throw away.
    b"a LOGIN {21}\r\nb NOOP\r\n": [
        (LiteralTooBig, "literal", b"a"),
        CommandReady((b"b NOOP",)),
    ],
    b"a LOGIN {15}\r\n123456789012345 {6}\r\n": [
        ContinuationWanted(15),
        (LiteralTooBig, "literal", b"a"),
    ],
    b"a LOGIN {15+}\r\n123456789012345 {8+}\r\nb NOOP\r\n c\r\nd NOOP\r\n": [
        (LiteralTooBig, "literal", b"a"),
        CommandReady((b"d NOOP",)),
    ],
    b"a LOGIN {21+}\r\nb NOOP\r\n": [(CommandTooLong, "command", b"a")],
    # A bad line's uninvited literals are not commands.
    b"a \0 {8+}\r\nb NOOP\r\n {2+}\r\nxx\r\nc NOOP\r\n": [
        BAD_LINE,
        CommandReady((b"c NOOP",)),
    ],
    b"a \0 {8+}\r\nb NOOP\r\n {3+}\r\nxxx\r\nc NOOP\r\n": [
        BAD_LINE,
        (CommandTooLong, "command", None),
    ],
    b"a \0 {8+}\r\nb NOOP\r\n {9}\r\nc NOOP\r\n": [
        BAD_LINE,
        CommandReady((b"c NOOP",)),
    ],
    b"a \0 {8}\r\nb NOOP\r\n": [BAD_LINE, CommandReady((b"b NOOP",))],
    b"a \0 {11+}\r\nb NOOP\r\n": [(CommandTooLong, "command", b"a")],
    # 40 octets of text.
    b"a " + b"x" * 38 + b"\r\n": [CommandReady((b"a " + b"x" * 38,))],
    b"a " + b"x" * 39 + b"\r\n": [(CommandTooLong, "command", b"a")],
    b"*" + b"x" * 40 + b"\r\n": [(CommandTooLong, "command", None)],
    b"b {1+}\r\nx" + b"y" * 34 + b"\r\n": [CommandReady((b"b ", b"x", b"y" * 34))],
    b"b {1+}\r\nx" + b"y" * 35 + b"\r\n": [(CommandTooLong, "command", b"b")],
    b"b {0+}\r\n1234 {0+}\r\n" + b"y" * 25 + b"\r\n": [
        CommandReady((b"b ", b"", b"1234 ", b"", b"y" * 25))
    ],
    b"b {0+}\r\n1234 {0+}\r\n" + b"y" * 26 + b"\r\n": [
        (CommandTooLong, "command", b"b")
    ],
    b"\x7f {1+}\r\nx b " + b"y" * 35 + b"\r\n": [(CommandTooLong, "command", None)],
    # APPEND: the first literal may be the mailbox; its message has no limit here.
    b"a append {1}\r\nx {5}\r\nhello\r\n": [
        ContinuationWanted(1),
        AppendAnnounced((b"a append ", b"x", b" "), 5, synchronizing=True),
        LiteralChunk(b"hello"),
        AppendEnded(),
    ],
    b"a APPEND x {8+}\r\nb NOOP\r\n\r\n": [
        AppendAnnounced((b"a APPEND x ",), 8, synchronizing=False),
        LiteralChunk(b"b NOOP\r\n"),
        AppendEnded(),
    ],
    b"a APPEND x {0}\r\n\r\n": [
        AppendAnnounced((b"a APPEND x ",), 0, synchronizing=True),
        AppendEnded(),
    ],
    b"a APPEND x ~{2}\r\n\0\0\r\n": [
        AppendAnnounced((b"a APPEND x ~",), 2, synchronizing=True),
        LiteralChunk(b"\0\0"),
        AppendEnded(),
    ],
    b"a APPEND x~ ~{2+}\r\n\0\0\r\n": [
        AppendAnnounced((b"a APPEND x~ ~",), 2, synchronizing=False),
        LiteralChunk(b"\0\0"),
        AppendEnded(),
    ],
    b"a APPEND x~{2+}\r\n\0\0\r\n": [
        AppendAnnounced((b"a APPEND x~",), 2, synchronizing=False),
        LiteralChunk(b"\0\0"),
        AppendEnded(),
    ],
    # No literal8 but a message; for the parser there is no mailbox then.
    b"a SELECT ~{1+}\r\nx\r\n": [CommandReady((b"a SELECT ~", b"x", b""))],
    b"a APPEND x {2+}\r\nhi (\\Seen) {8+}\r\nb NOOP\r\n\r\n": [
        AppendAnnounced((b"a APPEND x ",), 2, synchronizing=False),
        LiteralChunk(b"hi"),
        AppendAnnounced((b" (\\Seen) ",), 8, synchronizing=False),
        LiteralChunk(b"b NOOP\r\n"),
        AppendEnded(),
    ],
    b"a APPEND x ~{1}\r\n\0 ~{1}\r\n\0 {1+}\r\nx\r\n": [
        AppendAnnounced((b"a APPEND x ~",), 1, synchronizing=True),
        LiteralChunk(b"\0"),
        AppendAnnounced((b" ~",), 1, synchronizing=True),
        LiteralChunk(b"\0"),
        AppendAnnounced((b" ",), 1, synchronizing=False),
        LiteralChunk(b"x"),
        AppendEnded(),
    ],
    b"a APPEND x {2+}\r\nhi junk\r\n": [
        AppendAnnounced((b"a APPEND x ",), 2, synchronizing=False),
        LiteralChunk(b"hi"),
        AppendEnded((b" junk",)),
    ],
    # A URL is no octets of a message, but a mailbox may be called so.
    b"a APPEND x CATENATE (url {1}\r\ny text {2+}\r\nhi URL {1+}\r\nz)\r\n": [
        ContinuationWanted(1),
        AppendAnnounced(
            (b"a APPEND x CATENATE (url ", b"y", b" text "), 2, synchronizing=False
        ),
        LiteralChunk(b"hi"),
        AppendEnded((b" URL ", b"z", b")")),
    ],
    b"a APPEND url {1+}\r\nx\r\n": [
        AppendAnnounced((b"a APPEND url ",), 1, synchronizing=False),
        LiteralChunk(b"x"),
        AppendEnded(),
    ],
    b"a APPEND x CATENATE (URL {3+}\r\n/;u)\r\n": [
        CommandReady((b"a APPEND x CATENATE (URL ", b"/;u", b")"))
    ],
    b"a APPEND x {1+}\r\ny URL {12+}\r\n123456789012 URL {9+}\r\n" + b"z" * 9: [
        AppendAnnounced((b"a APPEND x ",), 1, synchronizing=False),
        LiteralChunk(b"y"),
        (LiteralTooBig, "literal", b"a"),
    ],
    b"a APPEND x {2+}\r\nhi\0 {8+}\r\nb NOOP\r\n\r\n": [
        AppendAnnounced((b"a APPEND x ",), 2, synchronizing=False),
        LiteralChunk(b"hi"),
        (BadSyntax, "line", b"a"),
    ],
    b"a APPEND x {1+}\r\nx" + (b" " * 14 + b"{1+}\r\nx") * 2 + b" {1+}\r\n": [
        AppendAnnounced((b"a APPEND x ",), 1, synchronizing=False),
        LiteralChunk(b"x"),
        AppendAnnounced((b" " * 14,), 1, synchronizing=False),
        LiteralChunk(b"x"),
        AppendAnnounced((b" " * 14,), 1, synchronizing=False),
        LiteralChunk(b"x"),
        (CommandTooLong, "command", b"a"),
    ],
    b"a APPEND x {2+}\r\nhi" + b"x" * 41 + b"\r\n": [
        AppendAnnounced((b"a APPEND x ",), 2, synchronizing=False),
        LiteralChunk(b"hi"),
        (CommandTooLong, "command", b"a"),
    ],
    b"a APPEND x\0 {2}\r\n": [BAD_LINE],
    b"a APPENDIX {21}\r\n": [(LiteralTooBig, "literal", b"a")],
    b"a UID APPEND x {21}\r\n": [(LiteralTooBig, "literal", b"a")],
}

REFUSED = {
    b"a APPEND x {5}\r\nb NOOP\r\n": [
        AppendAnnounced((b"a APPEND x ",), 5, synchronizing=True),
        CommandReady((b"b NOOP",)),
    ],
    b"a APPEND x {9223372036854775807}\r\nb NOOP\r\n": [
        AppendAnnounced((b"a APPEND x ",), 2**63 - 1, synchronizing=True),
        CommandReady((b"b NOOP",)),
    ],
    b"a APPEND x {8+}\r\nb NOOP\r\n (c) {1+}\r\nx\r\nd NOOP\r\n": [
        AppendAnnounced((b"a APPEND x ",), 8, synchronizing=False),
        CommandReady((b"d NOOP",)),
    ],
    b"a APPEND x {11+}\r\nb NOOP\r\n": [
        (CommandTooLong, "command", b"a"),
        AppendAnnounced((b"a APPEND x ",), 11, synchronizing=False),
    ],
}


@pytest.mark.parametrize("stream", STREAMS, ids=repr)
def test_streams(stream, three_ways) -> None:
    """Each stream yields the same events however it arrives."""
    assert three_ways(stream, SMALL) == STREAMS[stream]


@pytest.mark.parametrize("stream", REFUSED, ids=repr)
def test_refused_messages(stream, three_ways) -> None:
    """The octets of a refused message are never commands."""
    assert three_ways(stream, SMALL, accept=False) == REFUSED[stream]


@given(cuts=st.lists(st.integers(0, 10**6), max_size=30), accept=st.booleans())
def test_arrival_does_not_matter(arriving, cuts, accept) -> None:
    """However the network cuts the stream, the events are the same."""
    stream = b"".join(part for part, events in STREAMS.items() if _goes_on(events))
    edges = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert arriving(pieces, SMALL, accept=accept) == arriving(
        [stream], SMALL, accept=accept
    )


def _goes_on(events) -> bool:
    return not any(
        isinstance(event, tuple) and event[0] is CommandTooLong for event in events
    )


@given(st.lists(st.binary(max_size=30) | st.sampled_from(sorted(STREAMS))))
def test_garbage_costs_no_more_than_the_limits(pieces) -> None:
    """Whatever arrives, no command is longer than the limits allow."""
    framer = CommandFramer(SMALL)
    for piece in pieces:
        framer.receive(piece)
        while True:
            try:
                event = framer.next_event()
            except (BadSyntax, LiteralTooBig, CommandTooLong):
                continue
            if event is None:
                break
            if isinstance(event, CommandReady):
                assert len(event.parts) % 2
                assert sum(map(len, event.parts[::2])) <= SMALL.line
                assert sum(map(len, event.parts[1::2])) <= SMALL.literals
            if isinstance(event, AppendAnnounced):
                framer.accept_literal()


def test_nothing_comes_before_the_verdict() -> None:
    """A message is not read until the session has accepted it."""
    framer = CommandFramer()
    framer.receive(b"a APPEND x {5+}\r\nhello\r\n")
    assert framer.next_event() == AppendAnnounced(
        (b"a APPEND x ",), 5, synchronizing=False
    )
    assert framer.next_event() is None
    framer.accept_literal()
    assert framer.next_event() == LiteralChunk(b"hello")
    assert framer.next_event() == AppendEnded()


def test_refusing_nothing_does_nothing() -> None:
    """A refusal when nothing was announced changes nothing."""
    framer = CommandFramer()
    framer.refuse_literal()
    framer.receive(b"a NOOP\r\n")
    assert framer.next_event() == CommandReady((b"a NOOP",))


def test_message_is_not_kept() -> None:
    """A message of any size is handed on as it arrives, and none of it kept."""
    framer = CommandFramer(SMALL)
    framer.receive(b"a APPEND x {1000000}\r\n")
    framer.next_event()
    framer.accept_literal()
    for _ in range(1000):
        framer.receive(bytes(1000))
        assert framer.next_event() == LiteralChunk(bytes(1000))
        assert framer.buffered == 0


def test_what_is_behind_starttls_is_seen_and_forgotten() -> None:
    """What was pipelined behind a command can be counted and thrown away."""
    framer = CommandFramer()
    framer.receive(b"a STARTTLS\r\nb LOGIN u p\r\nc")
    assert framer.next_event() == CommandReady((b"a STARTTLS",))
    assert framer.buffered == len(b"b LOGIN u p\r\nc")
    framer.discard_buffered()
    assert framer.buffered == 0
    assert framer.next_event() is None
    framer.receive(b"d NOOP\r\n")
    assert framer.next_event() == CommandReady((b"d NOOP",))


def test_lines_between_commands() -> None:
    """What answers a challenge or ends IDLE is a line, not a command."""
    framer = CommandFramer()
    framer.receive(b"a IDLE\r\nDO")
    assert framer.next_event() == CommandReady((b"a IDLE",))
    assert framer.next_line(4) is None
    framer.receive(b"NE\r")
    assert framer.next_line(4) is None
    framer.receive(b"\nb NOOP\r\n")
    assert framer.next_line(4) == b"DONE"
    assert framer.next_event() == CommandReady((b"b NOOP",))


def test_line_has_its_own_limit() -> None:
    """A line beyond its limit ends the reading, for lines and for commands."""
    framer = CommandFramer()
    framer.receive(b"DONE \r\nb NOOP\r\n")
    with pytest.raises(CommandTooLong) as caught:
        framer.next_line(4)
    assert caught.value.tag is None
    assert framer.next_line(4) is None
    assert framer.next_event() is None
    framer.receive(b"c NOOP\r\n")
    assert framer.buffered == 0


def test_limits_rise_at_login() -> None:
    """Limits that the session raises hold for the next command."""
    framer = CommandFramer()
    long = b"a " + b"x" * BEFORE_LOGIN.line
    framer.limits = AFTER_LOGIN
    framer.receive(long + b"\r\n")
    assert framer.next_event() == CommandReady((long,))
    framer.limits = BEFORE_LOGIN
    framer.receive(long)
    with pytest.raises(CommandTooLong) as caught:
        framer.next_event()
    assert caught.value.tag == b"a"


def test_endless_line_is_not_kept() -> None:
    """200 MB without CRLF cost no more than the limit and one segment."""
    framer = CommandFramer()
    segment = b"x" * 65536
    with pytest.raises(CommandTooLong):
        for _ in range(3000):
            framer.receive(segment)
            framer.next_event()
    framer.receive(segment)
    assert framer.buffered == 0


def _seconds(stream: bytes, step: int) -> float:
    framer = CommandFramer(AFTER_LOGIN)
    began = time.process_time()
    for at in range(0, len(stream), step):
        framer.receive(stream[at : at + step])
        while framer.next_event():
            pass
    return time.process_time() - began


def test_pipelined_commands_cost_the_same_each() -> None:
    """Ten times the commands in one segment cost about ten times the time."""
    few, many = b"a NOOP\r\n" * 5_000, b"a NOOP\r\n" * 50_000
    once = min(_seconds(few, len(few)) for _ in range(3))
    assert _seconds(many, len(many)) < 25 * once + 0.05


def test_line_that_comes_byte_by_byte_is_scanned_once() -> None:
    """A long line costs in proportion to its length, one byte at a time too."""
    short, long = b"a " + b"x" * 6_000, b"a " + b"x" * 60_000
    once = min(_seconds(short, 1) for _ in range(3))
    assert _seconds(long, 1) < 25 * once + 0.05
