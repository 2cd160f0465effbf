from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.steps import Call
from imapbox.index.body import READ_WHOLE, Span, read_bodies, read_cards
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    place_of,
    simulated,
)

BODIES = [b"first\r\n" * 3, b"", b"third" * 200, b"\0\xff", b"x" * READ_WHOLE]
CARDS = [b"one", b"", b"three" * 100, b"four", b"five"]
HEADER = b"Return-Path: <>\r\n"


def filled(limit: int = 2**26) -> MailLog:
    log = MailLog(simulated(), segment_limit=limit).make()
    for body, card in zip(BODIES, CARDS, strict=True):
        log.append(incoming(body, card=card))
    return log


spans = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 1100), st.integers(0, 1100)), max_size=8
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
    """A small message that is not what was stored is gone, and so is a card."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"some mail", card=b"card"))
    place = place_of(log.state(), 1)
    start = place.offset - place.card_size
    octets = log.read("log.1")[start : place.offset + place.size]
    assert octets == b"card" + HEADER + b"some mail"

    def read() -> tuple[bytes | None, bytes | None]:
        (body,) = log.run(read_bodies(DIRECTORY, [Span(place, 3, 4)]))
        (card,) = log.run(read_cards(DIRECTORY, [place]))
        return card, body

    for at, octet in enumerate(octets):
        for bit in range(8):
            log.write("log.1", bytes([octet ^ 1 << bit]), start + at)
            assert read() == ((None, b"urn-") if at < 4 else (b"card", None))
        log.write("log.1", bytes([octet]), start + at)
    assert read() == (b"card", b"urn-")
    assert log.run(read_bodies(DIRECTORY, [Span(place, 0, 10**9)])) == [octets[4:]]


@given(st.lists(st.integers(1, 5), max_size=8), st.sampled_from([500, 2**26]))
def test_cards_come_in_the_order_asked_for(uids: list[int], limit: int) -> None:
    """Cards are read like octets; a message that has none has None."""
    log = filled(limit)
    state = log.state()
    places = [place_of(state, uid) for uid in uids]
    assert log.run(read_cards(DIRECTORY, places)) == [
        CARDS[uid - 1] or None for uid in uids
    ]


def test_what_lies_close_together_is_one_read() -> None:
    """A hundred small messages, or their cards, cost one call, and not each one."""
    log = MailLog(simulated()).make()
    log.append(*[incoming(b"x" * 1000, card=b"card") for _ in range(100)])
    state = log.state()
    places = [place_of(state, uid) for uid in range(1, 101)]
    for steps in (
        read_cards(DIRECTORY, places),
        read_bodies(DIRECTORY, [Span(place, 0, 10) for place in places]),
        read_bodies(DIRECTORY, [Span(place, 0, 10**6) for place in places]),
    ):
        calls = []
        result = None
        try:
            while isinstance(call := steps.send(result), Call):
                calls.append(call.method)
                result = getattr(log.files, call.method)(*call.arguments)
        except StopIteration as ended:
            assert None not in ended.value
        assert calls.count("pread") == 1


def test_what_is_gone_is_gone_alone() -> None:
    """A missing or cut segment takes its messages along, and no others."""
    log = filled(500)
    state = log.state()
    places = [place_of(state, uid) for uid in range(1, 6)]
    wanted = [Span(place, 0, 12) for place in places]
    first, last = places[0].segment, places[-1].segment
    assert first < last
    log.remove(f"log.{first}")
    log.truncate(f"log.{last}", 64)
    found = log.run(read_bodies(DIRECTORY, wanted))
    assert [part is None for part in found] == [
        place.segment in {first, last} for place in places
    ]
