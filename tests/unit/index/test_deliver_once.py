"""What was stored is not stored again, whoever asks and whatever happened since."""

import errno
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.doubts import DOUBTS, remove_doubts
from imapbox.index.remembered_keys import KEY_LIFETIME
from imapbox.model.errors import DiskFull, MailboxDamaged
from tests.simulation.fault import WRITES, Fault
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, simulated

DAY = 24 * 3600.0
LASTING = [bytes([n]) * 15 + b"\x02" for n in range(1, 5)]
IN_DOUBT = [bytes([n]) * 15 + b"\x03" for n in range(1, 5)]


def _is_log(path: str) -> bool:
    return "/log." in path


def once(key: bytes, keys: DeliveryKeys, body: bytes = b"x\r\n") -> DeliverOnce:
    return DeliverOnce(incoming(body)._replace(key=key), keys)


steps = st.one_of(
    st.tuples(
        st.just("deliver"), st.sampled_from(LASTING + IN_DOUBT), st.integers(0, 1)
    ),
    st.tuples(
        st.just("refuse"), st.sampled_from(LASTING + IN_DOUBT), st.integers(0, 1)
    ),
    st.tuples(st.just("read"), st.sampled_from(IN_DOUBT)),
    st.tuples(st.just("forget"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 4])),
    st.tuples(st.sampled_from(["expunge", "relocate", "snapshot", "other", "flags"])),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=30), st.sampled_from([1_500, 100_000]))
def test_a_week_is_remembered_whatever_happens(  # noqa: C901, PLR0912 - a table of steps
    history: list[tuple], limit: int
) -> None:
    """A key counts for seven days, or while in doubt, in every process."""
    log = MailLog(simulated(), segment_limit=limit).make()
    processes = [DeliveryKeys(), DeliveryKeys()]
    model: dict[bytes, tuple[int, float]] = {}
    for step in history:
        now = log.files.disk.clock
        match step:
            case ("deliver", key, who):
                wish = once(key, processes[who])
                log.commit(wish)
                uid, at = model.get(key, (0, now - 8 * DAY))
                assert wish.is_new == (at <= now - KEY_LIFETIME / 1_000_000)
                if wish.is_new:
                    model[key] = int(wish.uid), now
                else:
                    assert wish.uid == uid
            case ("refuse", key, who):
                wish = once(key, processes[who], bytes(100_000))
                full = Fault(WRITES, 1, errno.ENOSPC, where=_is_log)
                log.files.disk.faults = (full,)
                with suppress(DiskFull):
                    log.commit(wish)
                    if wish.is_new:  # only the next segment found no room
                        model[key] = int(wish.uid), now
                log.files.disk.faults = ()
            case ("read", key):
                log.run(remove_doubts(DIRECTORY, {key}))
                model.pop(key, None)
            case ("forget", who):
                processes[who] = DeliveryKeys()
            case ("wait", days):
                log.files.disk.advance_clock(days * DAY)
            case ("other",):
                log.append()
            case ("snapshot",):
                log.snapshot()
            case ("flags",):
                log.set_flags([1], 0, 0)
            case ("expunge",):
                log.expunge([1, 3, 5])
            case _:
                log.relocate([2, 4])


def microseconds(log: MailLog) -> int:
    return int(log.files.now() * 1_000_000)


def test_of_one_batch_too() -> None:
    """Two tries that are written together are one message."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    wishes = [once(LASTING[0], keys), once(LASTING[1], keys), once(LASTING[0], keys)]
    log.commit_all(*wishes)
    assert [(wish.uid, wish.is_new) for wish in wishes] == [
        (1, True),
        (2, True),
        (1, False),
    ]


def test_what_was_not_written_is_not_remembered() -> None:
    """A delivery that was refused for want of room is stored when it is tried again."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    log.commit(once(LASTING[1], keys))
    log.files.disk.faults = (Fault(WRITES, 1, errno.ENOSPC, where=_is_log),)
    with pytest.raises(DiskFull):
        log.commit(once(LASTING[0], keys, bytes(100_000)))
    log.files.disk.faults = ()
    wish = once(LASTING[0], keys)
    log.commit(wish)
    assert (wish.uid, wish.is_new) == (2, True)


def test_a_second_one_that_was_refused_is_stored_later() -> None:
    """That the first one is there, and was read, does not make up for it."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    log.commit(once(IN_DOUBT[0], keys))
    log.run(remove_doubts(DIRECTORY, {IN_DOUBT[0]}))
    log.files.disk.faults = (Fault(WRITES, 1, errno.ENOSPC, where=_is_log),)
    with pytest.raises(DiskFull):
        log.commit(once(IN_DOUBT[0], keys, bytes(100_000)))
    log.files.disk.faults = ()
    wish = once(IN_DOUBT[0], keys)
    log.commit(wish)
    assert (wish.uid, wish.is_new) == (2, True)


def test_what_was_stored_while_it_waited_is_another_try() -> None:
    """Nobody sends it twice on purpose while the first is on its way to the disk."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    before = microseconds(log)
    log.files.disk.advance_clock(1)
    log.commit(once(IN_DOUBT[0], keys))
    log.run(remove_doubts(DIRECTORY, {IN_DOUBT[0]}))
    log.files.disk.advance_clock(1)
    late = replace(once(IN_DOUBT[0], keys), arrived=before)
    second = replace(once(IN_DOUBT[0], keys), arrived=microseconds(log))
    for each in (late, second):
        log.commit(each)
    assert (late.is_new, second.is_new) == (False, True)


def test_of_a_log_ahead_of_the_clock_no_time_is_believed() -> None:
    """After a clock was ahead once, a second one on purpose is another message."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    log.files.disk.advance_clock(DAY)
    log.append()
    log.files.disk.advance_clock(-DAY)
    log.commit(once(IN_DOUBT[0], keys))
    log.run(remove_doubts(DIRECTORY, {IN_DOUBT[0]}))
    second = replace(once(IN_DOUBT[0], keys), arrived=microseconds(log))
    log.commit(second)
    assert second.is_new


def test_a_log_that_was_put_in_the_place_of_another_is_read_anew() -> None:
    """Keys of a log that is gone, restored from a copy, do not count."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    before = log.contents()
    log.commit(once(LASTING[0], keys))
    for name, data in before.items():
        log.truncate(name, 0)
        log.write(name, data)
    log.append()
    wish = once(LASTING[0], keys)
    log.commit(wish)
    assert (wish.uid, wish.is_new) == (2, True)


def test_a_snapshot_of_a_clock_that_is_ahead_forgets_no_key() -> None:
    """What a snapshot saved while the clock was a week ahead is known afterwards."""
    log = MailLog(simulated()).make()
    log.commit(once(LASTING[0], DeliveryKeys()))
    log.files.disk.advance_clock(8 * DAY)
    log.snapshot()
    log.files.disk.advance_clock(-8 * DAY)
    wish = once(LASTING[0], DeliveryKeys())
    log.commit(wish)
    assert (wish.uid, wish.is_new) == (1, False)


def test_a_broken_log_is_marked() -> None:
    """A frame that can't be read, on the way back to the keys, is damage."""
    log = MailLog(simulated()).make()
    log.append()
    middle = log.head().position.offset
    log.append()
    log.write("log.1", b"?", middle + 20)
    with pytest.raises(MailboxDamaged):
        log.commit(once(LASTING[0], DeliveryKeys()))
    assert "damaged" in log.names()


def test_a_key_in_doubt_is_noted_before_its_message_is_written() -> None:
    """A process that dies between leaves a doubt about nothing. It is not synced."""
    log = MailLog(simulated()).make()
    log.files.disk.calls = []
    log.commit(once(IN_DOUBT[0], DeliveryKeys()))
    calls = [(call.method, call.path) for call in log.files.disk.calls]
    noted, written = ("pwrite", f"{DIRECTORY}/{DOUBTS}"), ("pwrite", "m/log.1")
    assert calls.index(noted) < calls.index(written)
    assert [path for method, path in calls if "sync" in method] == ["m/log.1"]


def test_a_key_that_lasts_needs_no_doubts() -> None:
    """Who says which message it is costs no file more."""
    log = MailLog(simulated()).make()
    log.commit(once(LASTING[0], DeliveryKeys()))
    assert DOUBTS not in log.names()


def test_what_is_older_than_a_week_is_not_read() -> None:
    """The first delivery of a process reads what came in the last seven days."""
    log = MailLog(simulated()).make()
    for _ in range(50):
        log.append(incoming(bytes(20_000)))
    log.files.disk.advance_clock(8 * DAY)
    log.commit(once(LASTING[0], DeliveryKeys()))
    log.files.disk.calls = []
    log.commit(once(LASTING[0], DeliveryKeys()))
    reads = [call for call in log.files.disk.calls if call.method == "pread"]
    assert len(reads) < 15


def test_one_of_a_batch_without_room_is_not_remembered() -> None:
    """Of those that are written together, what found no room is stored later."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    wishes = [once(LASTING[0], keys, bytes(100_000)), once(LASTING[1], keys)]
    # The second one hits the first message when it is written alone.
    log.files.disk.faults = tuple(
        Fault(WRITES, 1, errno.ENOSPC, where=_is_log) for _ in range(2)
    )
    refused, stored = log.commit_all(*wishes)
    assert isinstance(refused.error, DiskFull)
    assert stored.error is None
    log.files.disk.faults = ()
    again = [once(LASTING[0], keys), once(LASTING[1], keys)]
    log.commit_all(*again)
    assert [(each.uid, each.is_new) for each in again] == [(2, True), (1, False)]
