"""Where a command ends, and where a message does."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imapbox.wire.lmtp.framer import (
    BareLineEnding,
    Chunk,
    CommandLine,
    ContentEnd,
    Event,
    Framer,
    LineTooLong,
)
from tests.support.lmtp_store import cut, three_ways

LIMIT = 40


def events_of(pieces: list[bytes]) -> list[Event | str]:
    """Frame ``pieces``; the command DATA is followed by content."""
    framer = Framer(limit=LIMIT)
    events: list[Event | str] = []
    for piece in pieces:
        framer.receive(piece)
        try:
            while (event := framer.next_event()) is not None:
                if event == CommandLine(b"DATA"):
                    framer.begin_content()
                if isinstance(event, Chunk) and isinstance(events[-1], Chunk):
                    event = Chunk(events.pop()[0] + event.octets)
                events.append(event)
        except LineTooLong:
            return [*events, "too long"]
    return events


def content(octets: bytes) -> list[Event]:
    middle = [Chunk(octets)] if octets else []
    return [CommandLine(b"DATA"), *middle, ContentEnd()]


NOOP = CommandLine(b"NOOP")
VECTORS = {
    b"NOOP\r\n": [NOOP],
    b"\r\n": [CommandLine(b"")],
    b"NOOP\r\nNOOP\r\nNOO": [NOOP, NOOP],
    b"NOOP\nNOOP\r\n": [BareLineEnding()],
    b"NOOP\rNOOP\r\n": [BareLineEnding()],
    b"NOOP\r\r\nNOOP\r\n": [BareLineEnding(), NOOP],
    b"NOOP\n\r\nNOOP\r\n": [BareLineEnding(), NOOP],
    b"NOOP\n": [],
    b"\xff\x00\r\n": [CommandLine(b"\xff\x00")],
    b"x" * (LIMIT - 2) + b"\r\n": [CommandLine(b"x" * (LIMIT - 2))],
    b"x" * (LIMIT - 1) + b"\r\n": ["too long"],
    b"NOOP\r\n" + b"x" * (LIMIT + 1): [NOOP, "too long"],
    b"DATA\r\n.\r\n": content(b""),
    b"DATA\r\n.\r\nNOOP\r\n": [*content(b""), NOOP],
    b"DATA\r\n\r\n.\r\n": content(b"\r\n"),
    b"DATA\r\nhi\r\n.\r\nNOOP\r\n": [*content(b"hi\r\n"), NOOP],
    b"DATA\r\n..\r\n.\r\n": content(b".\r\n"),
    b"DATA\r\n...\r\n.\r\n": content(b"..\r\n"),
    b"DATA\r\n.hi\r\n.\r\n": content(b"hi\r\n"),
    b"DATA\r\na\r\n..b\r\n..\r\n.\r\n": content(b"a\r\n.b\r\n.\r\n"),
    b"DATA\r\na\n.b\n..c\r\n.\r\n": content(b"a\n.b\n..c\r\n"),
    b"DATA\r\na\r.b\r..c\r\n.\r\n": content(b"a\r.b\r..c\r\n"),
    b"DATA\r\n\n.\n\r\n.\r\n": content(b"\n.\n\r\n"),
    b"DATA\r\n.\n\r\n.\r\n": content(b"\n\r\n"),
    b"DATA\r\n.\r\r\n.\r\n": content(b"\r\r\n"),
    b"DATA\r\n.\rx\r\n.\r\n": content(b"\rx\r\n"),
    b"DATA\r\na\r\r\n.\r\n": content(b"a\r\r\n"),
    b"DATA\r\nMAIL\r\n\x00\xff\r\n.\r\n": content(b"MAIL\r\n\x00\xff\r\n"),
    b"DATA\r\n" + b"x" * 99 + b"\r\n.\r\n": content(b"x" * 99 + b"\r\n"),
    b"DATA\r\na\r\n.\r\nDATA\r\nb\r\n.\r\n": [*content(b"a\r\n"), *content(b"b\r\n")],
}


@pytest.mark.parametrize("stream", VECTORS)
def test_framing(stream: bytes) -> None:
    """However the network cuts the stream, the same commands and content come."""
    for pieces in three_ways(stream):
        assert events_of(pieces) == VECTORS[stream], pieces


@given(
    st.lists(st.binary(max_size=12), min_size=1),
    st.lists(st.integers(0, 99)),
)
def test_a_chunk_is_as_many_octets_as_was_said(
    chunks: list[bytes], places: list[int]
) -> None:
    """Of a chunk just so many octets are read, whatever they are, however cut."""
    stream = b"".join(b"CHUNK\r\n" + chunk for chunk in chunks) + b"NOOP\r\n"
    framer = Framer(limit=LIMIT)
    found: list[bytes] = []
    waiting = list(chunks)
    ended = False
    for piece in cut(stream, places):
        framer.receive(piece)
        while (event := framer.next_event()) is not None:
            if event == CommandLine(b"CHUNK"):
                framer.begin_chunk(len(waiting.pop(0)))
                found.append(b"")
            elif isinstance(event, Chunk):
                found[-1] += event.octets
            else:
                ended = event == NOOP
    assert found == chunks
    assert ended


OCTETS = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x", b"\0", b"\xff"])
).map(b"".join)


def stuffed(octets: bytes) -> bytes:
    """Return ``octets`` as a client sends them. RFC 5321 §4.5.2."""
    lines = octets.split(b"\r\n")
    return b"\r\n".join(b"." + line if line[:1] == b"." else line for line in lines)


@given(OCTETS, st.lists(st.integers(0, 200)))
@example(b"\r\n.\r\n.", [])
def test_content_comes_out_as_it_was(octets: bytes, places: list[int]) -> None:
    """Any content, stuffed and cut anywhere, comes out octet by octet."""
    whole = octets + b"\r\n"
    stream = b"DATA\r\n" + stuffed(whole) + b".\r\nNOOP\r\n"
    assert events_of(list(cut(stream, places))) == [*content(whole), NOOP]


@given(OCTETS, st.lists(st.integers(0, 200)))
def test_little_is_held_back(octets: bytes, places: list[int]) -> None:
    """Of a message that is still coming, at most four octets are kept."""
    framer = Framer(limit=LIMIT)
    framer.begin_content()
    sent = came = 0
    for piece in cut(stuffed(octets).replace(b"\r\n.\r\n", b""), places):
        framer.receive(piece)
        sent += len(piece)
        while (event := framer.next_event()) is not None:
            if isinstance(event, ContentEnd):
                return
            assert isinstance(event, Chunk)
            came += len(event.octets)
        dots = octets.count(b".") + 1
        assert came >= sent - 4 - dots


def test_content_is_fast() -> None:
    """A megabyte of short lines, each with a dot, costs milliseconds."""
    framer = Framer(limit=LIMIT)
    framer.begin_content()
    data = b"..x\r\n" * (2**20 // 5)
    began = time.process_time()
    for at in range(0, len(data), 65536):
        framer.receive(data[at : at + 65536])
        while framer.next_event() is not None:
            pass
    # A few milliseconds; the machine that runs the tests may be slow.
    assert time.process_time() - began < 0.1
