from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.filesystem import Mode
from imapbox.index.body import Span, StoredContent, read_bodies
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    place_of,
    simulated,
)

BODIES = [b"first\r\n" * 3, b"", b"third" * 200, b"\0\xff"]
HEADER = b"Return-Path: <>\r\n"


def filled(limit: int = 2**26) -> MailLog:
    log = MailLog(simulated(), segment_limit=limit).make()
    for body in BODIES:
        log.append(incoming(body))
    return log


spans = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 1100), st.integers(0, 1100)), max_size=8
)


@given(spans, st.sampled_from([500, 2**26]))
def test_any_part_can_be_read(wanted: list, limit: int) -> None:
    """Octets from anywhere in messages come back, in the order asked for."""
    log = filled(limit)
    state = log.state()
    asked = [Span(place_of(state, uid), start, size) for uid, start, size in wanted]
    assert log.run(read_bodies(DIRECTORY, asked)) == [
        (HEADER + BODIES[uid - 1])[start : start + size] for uid, start, size in wanted
    ]


def test_every_flipped_bit_of_a_message_is_seen() -> None:
    """A message that is read whole and is not what was stored is gone."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"some mail"))
    place = place_of(log.state(), 1)
    octets = log.read("log.1")[place.offset : place.offset + place.size]
    assert octets == HEADER + b"some mail"
    for at, octet in enumerate(octets):
        for bit in range(8):
            log.write("log.1", bytes([octet ^ 1 << bit]), place.offset + at)
            assert log.run(read_bodies(DIRECTORY, [Span(place, 0, place.size)])) == [
                None
            ]
        log.write("log.1", bytes([octet]), place.offset + at)
    assert log.run(read_bodies(DIRECTORY, [Span(place, 0, 10**9)])) == [octets]


def test_what_is_gone_is_gone_alone() -> None:
    """A missing or cut segment takes its messages along, and no others."""
    log = filled(500)
    state = log.state()
    places = [place_of(state, uid) for uid in range(1, 5)]
    wanted = [Span(place, 0, 12) for place in places]
    first, last = places[0].segment, places[-1].segment
    assert first < last
    log.remove(f"log.{first}")
    log.truncate(f"log.{last}", 64)
    found = log.run(read_bodies(DIRECTORY, wanted))
    assert [part is None for part in found] == [
        place.segment in {first, last} for place in places
    ]


@given(st.integers(0, 1100), st.integers(0, 1100))
def test_a_stored_message_can_be_stored_again(size: int, offset: int) -> None:
    """The octets of a stored message are read as a delivery's would be."""
    log = filled()
    place = place_of(log.state(), 3)
    fd = log.files.open(f"{DIRECTORY}/log.1", Mode.READ)
    content = StoredContent(fd, place)
    assert (content.size, content.in_memory) == (len(BODIES[2]), False)
    offset = min(offset, content.size)
    assert log.run(content.read(size, offset)) == BODIES[2][offset : offset + size]
