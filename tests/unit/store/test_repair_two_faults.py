"""`imapbox repair` where a log and its head are damaged at once."""

from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from imapbox.index.head import Head
from imapbox.index.segment import SEGMENT_HEADER_SIZE
from tests.simulation.disk import SimulatedDisk
from tests.simulation.explorer import Explorer
from tests.simulation.mailbox import Account
from tests.simulation.repairing import (
    deliver_more,
    flip,
    frames_of,
    look,
    lose,
    mailbox_with,
    mends,
    put,
    segments,
)
from tests.unit.store.repairs import log_of, mended

COUNT: Final = 9
FIRST: Final = 2  # messages, when the older head was kept

Fault = Callable[[SimulatedDisk, Account], None]


def lived() -> tuple[SimulatedDisk, Account, bytes]:
    """Return a mailbox of some segments, and its head from when it had one."""
    disk, account = mailbox_with(FIRST, segment_limit=2000)
    old = disk.content(f"{account.directory}/head")
    deliver_more(disk, account, range(FIRST + 1, COUNT + 1))
    assert len(segments(disk, account.directory)) >= 3
    return disk, account, old


def is_lost(disk: SimulatedDisk, head: str, _old: bytes) -> None:
    """There is no head."""
    lose(disk, head)


def is_old(disk: SimulatedDisk, head: str, old: bytes) -> None:
    """It is from before most messages came."""
    put(disk, head, old)


def has_grown(disk: SimulatedDisk, head: str, _old: bytes) -> None:
    """There is something behind its end."""
    put(disk, head, disk.content(head) + b"more")


def is_noise(disk: SimulatedDisk, head: str, _old: bytes) -> None:
    """It says nothing."""
    put(disk, head, bytes(range(64)))


def header(number: int) -> Fault:
    """Damage the header of a segment."""
    return lambda disk, account: flip(disk, log_of(account, number), 3)


def first_frame(number: int) -> Fault:
    """Damage the first frame of a segment."""
    at = SEGMENT_HEADER_SIZE + 9
    return lambda disk, account: flip(disk, log_of(account, number), at)


def last_frame(disk: SimulatedDisk, account: Account) -> None:
    """Damage the frame that was written last."""
    number = segments(disk, account.directory)[-1]
    frame = frames_of(disk, account.directory, number)[-1]
    for at in (frame.start + 5, frame.start + 9):
        flip(disk, log_of(account, number), at)


def far_behind(disk: SimulatedDisk, account: Account) -> None:
    """Leave something far behind the end, with zeros before it."""
    path = log_of(account, segments(disk, account.directory)[-1])
    put(disk, path, disk.content(path) + bytes(8192) + b"more")


def gone(number: int) -> Fault:
    """Lose a segment."""
    return lambda disk, account: lose(disk, log_of(account, number))


def first_frame_of_the_last(disk: SimulatedDisk, account: Account) -> None:
    """Damage the first frame of the segment in which the log ends."""
    first_frame(segments(disk, account.directory)[-1])(disk, account)


def header_of_the_last(disk: SimulatedDisk, account: Account) -> None:
    """Damage the header of the segment in which the log ends."""
    header(segments(disk, account.directory)[-1])(disk, account)


def cut_short(disk: SimulatedDisk, account: Account) -> None:
    """Cut the segment in which the log ends, within its first frame."""
    path = log_of(account, segments(disk, account.directory)[-1])
    put(disk, path, disk.content(path)[: SEGMENT_HEADER_SIZE + 40])


def a_body(disk: SimulatedDisk, account: Account) -> None:
    """Damage the octets of a message, with others behind it."""
    numbers = segments(disk, account.directory)
    number, frame = next(
        (number, frame)
        for number in reversed(numbers)
        for frame in frames_of(disk, account.directory, number)[1:-1]
        if frame.payload_size
    )
    flip(disk, log_of(account, number), frame.end.offset - 40)


FAULTS: Final = {
    "first header": header(1),
    "second header": header(2),
    "last header": header_of_the_last,
    "first frame": first_frame(1),
    "first of the second": first_frame(2),
    "first of the last": first_frame_of_the_last,
    "last frame": last_frame,
    "cut short": cut_short,
    "a body": a_body,
    "far behind": far_behind,
    "first segment": gone(1),
    "second segment": gone(2),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("damage", [is_lost, is_old, has_grown, is_noise])
def test_a_head_and_a_log(
    damage: Callable[[SimulatedDisk, str, bytes], None], fault: str
) -> None:
    """Whatever the head is, one run mends the log, and a dry one says how."""
    disk, account, old = lived()
    before = look(disk, 90)
    damage(disk, f"{account.directory}/head", old)
    FAULTS[fault](disk, account)
    mended(disk, account.directory, deep=fault == "a body")
    seen = look(disk, 91)
    assert seen.messages
    assert set(seen.messages) <= set(before.messages)


def test_an_old_head_and_no_last_segment_give_no_uid_again() -> None:
    """UIDs that a lost segment gave are given again only with another UIDVALIDITY."""
    disk, account, old = lived()
    before = look(disk, 90)
    put(disk, f"{account.directory}/head", old)
    lose(disk, log_of(account, segments(disk, account.directory)[-1]))
    mended(disk, account.directory)
    seen = look(disk, 91)
    assert seen.uidvalidity > before.uidvalidity or seen.uidnext >= before.uidnext


def test_a_head_names_the_counts_of_its_own_place() -> None:
    """Counts that are wrong are mended where the head is, and then where it should be.

    Else a process that dies between would have readers take what is not there yet.
    """
    disk, account, old = lived()
    path = f"{account.directory}/head"
    true = Head.decode(old)
    assert true is not None
    wrong = true._replace(counts=true.counts._replace(exists=COUNT))
    put(disk, path, wrong.encode())

    def check(disk: SimulatedDisk) -> None:
        head = Head.decode(disk.content(path))
        assert head is not None
        assert head.position != true.position or head in {true, wrong}

    mender = partial(mends, account)
    Explorer(disk, [mender], check_step=check).exhaust()
