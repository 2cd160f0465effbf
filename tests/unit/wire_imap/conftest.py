"""h11's three ways: whole, byte by byte, with another command behind."""

from collections.abc import Callable

import pytest

from imapbox.wire.errors import WireError
from imapbox.wire.imap.events import AppendAnnounced, CommandReady, LiteralChunk
from imapbox.wire.imap.framer import BEFORE_LOGIN, CommandFramer

BEHIND = CommandReady((b"zz NOOP",))


def pull(framer: CommandFramer, *, accept: bool = True) -> list[object]:
    """Return all events that are there now; an error is (type, what, tag)."""
    events: list[object] = []
    while True:
        try:
            event = framer.next_event()
        except WireError as error:
            events.append((type(error), error.what, error.tag))
            continue
        if event is None:
            return events
        if isinstance(event, AppendAnnounced):
            try:
                framer.accept_literal() if accept else framer.refuse_literal()
            except WireError as error:
                events.append((type(error), error.what, error.tag))
        events.append(event)


def merged(events: list[object]) -> list[object]:
    """Return ``events`` with chunks that follow one another made one."""
    result: list[object] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, LiteralChunk) and isinstance(last, LiteralChunk):
            result[-1] = LiteralChunk(last.data + event.data)
        else:
            result.append(event)
    return result


def arriving(
    pieces: list[bytes], limits=BEFORE_LOGIN, *, accept: bool = True
) -> list[object]:
    """Return the events of a stream that arrives in these pieces."""
    framer = CommandFramer(limits)
    events: list[object] = []
    for piece in pieces:
        framer.receive(piece)
        events += pull(framer, accept=accept)
    return merged(events)


def three_ways(stream: bytes, limits=BEFORE_LOGIN, *, accept=True) -> list[object]:
    """Return the events of ``stream``, the same however it arrives."""
    whole = arriving([stream], limits, accept=accept)
    single = [stream[at : at + 1] for at in range(len(stream))]
    assert arriving(single, limits, accept=accept) == whole
    behind = arriving([stream + b"zz NOOP\r\n"], limits, accept=accept)
    assert behind in ([*whole, BEHIND], whole)  # the latter: nothing is read any more
    return whole


@pytest.fixture(name="arriving", scope="session")
def _arriving() -> Callable[..., list[object]]:
    return arriving


@pytest.fixture(name="three_ways", scope="session")
def _three_ways() -> Callable[..., list[object]]:
    return three_ways
