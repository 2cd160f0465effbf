"""Octets of stored messages, one behind the other, as a copy reads them."""

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.spool import MEMORY_LIMIT, MemoryContent
from imapbox.disk.steps import Steps
from imapbox.index.payload import Part
from imapbox.index.stored_octets import StoredOctets, read_checked
from imapbox.model.errors import MessageGone
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    place_of,
    simulated,
)

BODIES = [b"first" * 3, b"", b"third" * 900, b"\0\xff", b"fifth" * 40]
HEADER = b"Return-Path: <>\r\n"


def stored(limit: int, uids: list[int]) -> tuple[MailLog, StoredOctets, bytes]:
    """Return messages in a log, and what they are."""
    log = MailLog(simulated(), segment_limit=limit).make()
    for body in BODIES:
        log.append(incoming(body))
    places = [place_of(log.state(), uid) for uid in uids]
    columns = [
        np.array([getattr(place, name) for place in places], np.uint64)
        for name in ("segment", "offset", "size")
    ]
    octets = StoredOctets(DIRECTORY, *columns)
    return log, octets, b"".join(HEADER + BODIES[uid - 1] for uid in uids)


@given(
    st.sampled_from([500, 2**26]),
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.integers(0, 9000),
    st.integers(1, 9000),
)
def test_any_stretch_can_be_read(
    limit: int, uids: list[int], start: int, size: int
) -> None:
    """Any stretch of octets comes as it is, across messages and segments."""
    log, octets, whole = stored(limit, uids)
    assert (octets.size, octets.in_memory) == (len(whole), False)
    start = min(start, len(whole) - 1)
    assert log.run(octets.read(size, start)) == whole[start : start + size]


@pytest.mark.parametrize("harm", ["removed", "cut"])
def test_what_is_not_there_is_gone(harm: str) -> None:
    """Where a segment is missing or too short, the messages are gone."""
    log, octets, _ = stored(2**26, [1, 5])
    if harm == "removed":
        log.remove("log.1")
    else:
        log.truncate("log.1", 3000)
    with pytest.raises(MessageGone):
        log.run(octets.read(octets.size, 0))


@given(st.lists(st.binary(max_size=40), min_size=1), st.integers(0, 400), st.booleans())
def test_a_part_that_is_another_is_named(
    parts: list[bytes], at: int, flipped: bool
) -> None:
    """Of all parts just those are named whose octets are not what was written."""
    whole = bytearray(b"".join(parts))
    expected = [Part(len(part), zlib.crc32(part)) for part in parts]
    bad = []
    if flipped and whole:
        at %= len(whole)
        whole[at] ^= 1
        ends = np.cumsum([len(part) for part in parts])
        bad = [int(ends.searchsorted(at, "right"))]
    content = MemoryContent(bytes(whole))
    octets, found = simulated_run(read_checked(content, expected))
    assert found == bad
    assert octets.in_memory


def test_large_parts_are_checked_piece_by_piece() -> None:
    """Parts larger than what is read at a time are checked, and not kept."""
    parts = [b"x" * 10, b"y" * 2_500_000, b"z" * 10]
    whole = b"".join(parts)
    expected = [Part(len(part), zlib.crc32(part)) for part in parts]
    content = MemoryContent(whole)
    assert simulated_run(read_checked(content, expected)) == (content, [])
    broken = MemoryContent(whole[:-11] + b"x" + whole[-10:])
    assert simulated_run(read_checked(broken, expected)) == (broken, [1])
    assert len(whole) > MEMORY_LIMIT


def simulated_run(steps: Steps[Any]) -> Any:
    return MailLog(simulated()).run(steps)
