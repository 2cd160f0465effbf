"""A segment read backwards is the one that is read forwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.frame import Frame
from imapbox.index.opening import follow_all
from imapbox.index.read import LogBroken
from imapbox.index.walk_back import walk_back
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, simulated

sizes = st.lists(st.sampled_from([0, 1, 7, 400, 3_000, 40_000]), max_size=12)


def forwards(log: MailLog) -> list[Frame]:
    frames: list[Frame] = []
    log.run(follow_all(DIRECTORY, log.head().position, frames.append))
    return frames


def backwards(log: MailLog, most: int = 1_000) -> list[Frame]:
    frames: list[Frame] = []

    def visit(frame: Frame) -> bool:
        frames.append(frame)
        return len(frames) < most

    log.run(walk_back(DIRECTORY, log.head().position, visit))
    return frames


@given(sizes, st.integers(1, 5))
def test_backwards_is_forwards_reversed(bodies: list[int], most: int) -> None:
    """Whatever was committed, the frames are the same, in the other order."""
    log = MailLog(simulated()).make()
    for size in bodies:
        log.append(incoming(bytes(size)), *[incoming()] * (size % 3))
    expected = forwards(log)[::-1]
    assert backwards(log) == expected
    assert backwards(log, most) == expected[:most]


def test_of_several_segments_the_last_is_read() -> None:
    """It ends at the BASE of the segment in which it begins."""
    log = MailLog(simulated(), segment_limit=2_000).make()
    for _ in range(9):
        log.append(incoming(bytes(900)))
    here = log.head().position.segment
    assert here > 1
    expected = [each for each in forwards(log) if each.end.segment == here]
    assert backwards(log) == expected[::-1]


@given(st.data())
def test_every_flipped_bit_of_it_is_seen(data: st.DataObject) -> None:
    """A bit that changed in header, operations or trailer is found, or not met."""
    log = MailLog(simulated()).make()
    for _ in range(3):
        log.append(incoming(bytes(50)))
    frames = forwards(log)
    inside = [
        (frame, at)
        for frame in frames
        for at in range(frame.start, frame.end.offset)
        # Payload and the zeros behind it are not read.
        if not frame.payload_start <= at < frame.end.offset - 16
    ]
    frame, at = data.draw(st.sampled_from(inside))
    octets = bytearray(log.read("log.1"))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    log.write("log.1", bytes(octets))
    found: list[Frame] = []

    def visit(one: Frame) -> bool:
        found.append(one)
        return True

    with pytest.raises(LogBroken):
        log.run(walk_back(DIRECTORY, frames[-1].end, visit))
    assert found == frames[::-1][: len(frames) - 1 - frames.index(frame)]
