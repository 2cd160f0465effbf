import errno
import os
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.index.compact import compact, has_much_dead, look_for_work
from imapbox.index.compact_plan import (
    Policy,
    Use,
    is_worth_a_new_segment,
    worth_leaving,
)
from imapbox.index.frame import MAGIC
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.mailbox_transactions import SetFlags, SetMeta
from imapbox.index.operations import Meta
from imapbox.index.segment import segment_numbers
from imapbox.index.transaction import Change
from imapbox.model.errors import MailboxBusy, MailboxDamaged
from imapbox.model.flags import Flag, FlagChange
from imapbox.store.cards import card_of_octets
from tests.formats import second_reader
from tests.simulation.disk import BLOCK, SimulatedFileSystem
from tests.simulation.fault import Fault
from tests.support.bad_block import let_block_go_bad
from tests.support.interrupted import interrupted
from tests.unit.index.mail_log import (
    DIRECTORY,
    MailLog,
    incoming,
    known_of,
    place_of,
    simulated,
)

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
LARGE: Final = b"0123456789abcdef" * 1024  # four blocks


def disk_of(log: MailLog) -> Any:
    """Return the simulated disk below a log."""
    assert isinstance(log.files, SimulatedFileSystem)
    return log.files.disk


def three_segments(**settings: Any) -> MailLog:
    """Return a log of two full segments and one that is not."""
    log = MailLog(simulated(), **{"segment_limit": 80_000, **settings}).make()
    for number in range(11):
        log.append(incoming(b"%d" % number + LARGE, keywords=["k"]))
    assert segment_numbers(log.names()) == [1, 2, 3]
    return log


def facts(log: MailLog) -> dict[int, tuple[Any, ...]]:
    """Return all that is known of each message, its octets too."""
    state = log.state()
    assert state.missing == 0
    columns = state.columns
    names = ("flags", "modseq", "date", "zone", "savedate", "size", "emailid")
    bodies = log.bodies(state)
    found = {}
    for uid in state.roll.now.tolist():
        row = columns.row_of(uid)
        known = tuple(columns[name][row].tolist() for name in names)
        bits = columns.keywords_of(row)
        words = {word for n, word in enumerate(state.facts.keywords) if bits >> n & 1}
        found[uid] = (*known, frozenset(words), bodies[uid])
    return found


def is_zero(log: MailLog, grave: Any) -> bool:
    """Say whether the whole blocks of a dead body were punched out."""
    data = log.read(f"log.{grave.segment}")[grave.offset : grave.offset + grave.size]
    first = -grave.offset % BLOCK
    return not any(data[first : first + BLOCK])


def test_nothing_goes_within_its_grace() -> None:
    """A day long the octets of expunged messages can still be fetched."""
    log = three_segments()
    places = {uid: place_of(log.state(), uid) for uid in range(1, 6)}
    log.expunge(range(1, 6))
    before = log.contents()
    disk_of(log).advance_clock(DAY - HOUR)
    done = log.compact()
    assert (done.punched, done.relocated, done.removed) == (0, 0, 0)
    assert log.contents() == before
    assert done.in_grace == sum(place.size for place in places.values())


def test_bodies_are_punched_out_where_they_lie() -> None:
    """What is out of grace gives back its blocks, and nothing moves."""
    log = three_segments()
    log.expunge([2, 3, 11])
    graves = {grave.uid: grave for grave in log.state().graves.each()}
    kept = facts(log)
    disk_of(log).advance_clock(DAY + HOUR)
    done = log.compact(least=2**20)
    assert done.punched == 2 * 3 * BLOCK
    assert (done.relocated, done.removed) == (0, 0)
    assert done.before - done.after >= 2 * 3 * BLOCK - BLOCK
    assert is_zero(log, graves[2])
    assert is_zero(log, graves[3])
    assert not is_zero(log, graves[11]), "it lies in the last segment"
    assert facts(log) == kept
    again = log.compact(least=2**20)
    assert again.punched == 0, "what was punched is remembered"
    second_reader.read_mailbox(log.contents())


def test_old_segments_are_left_and_removed() -> None:
    """Where little lives it is written again, and a grace time later all goes."""
    log = three_segments()
    log.set_flags([1, 6], FlagChange.ADD, Flag.FLAGGED, ["a"])
    log.expunge([2, 3, 4, 5, 7, 8, 9, 10])
    log.set_flags([1], FlagChange.ADD, Flag.SEEN, ["b"])
    kept, counts = facts(log), log.head().counts
    disk_of(log).advance_clock(DAY + HOUR)
    done = log.compact()
    assert (done.relocated, done.removed) == (2, 0)
    assert facts(log) == kept
    assert log.head().counts == counts, "no client has news"
    assert {place_of(log.state(), uid).segment for uid in kept} == {3}
    disk_of(log).advance_clock(DAY - HOUR)
    assert log.compact().removed == 0
    disk_of(log).advance_clock(2 * HOUR)
    assert log.compact().removed == 2
    assert segment_numbers(log.names()) == [3]
    assert facts(log) == kept
    log.remove("head")
    assert facts(log) == kept
    second_reader.read_mailbox(log.contents())
    assert log.append() == [12]


def test_a_last_segment_of_dead_is_left_too() -> None:
    """A mailbox that was emptied takes no room a day later."""
    log = MailLog(simulated()).make()
    for _ in range(8):
        log.append(incoming(LARGE))
    log.expunge(range(1, 9))
    disk_of(log).advance_clock(DAY + HOUR)
    done = log.compact(least=2**14)
    assert segment_numbers(log.names()) == [1, 2]
    assert done.punched == 8 * 3 * BLOCK
    assert done.after < done.before // 3
    disk_of(log).advance_clock(DAY + HOUR)
    assert log.compact(least=2**14).removed == 1
    assert log.append() == [9]
    for _ in range(3):
        disk_of(log).advance_clock(DAY + HOUR)
        assert log.compact(least=2**14).removed == 0
    assert segment_numbers(log.names()) == [2], "and then there is peace"


def test_a_mailbox_of_small_messages_comes_to_rest() -> None:
    """What messages cost besides their octets is not taken for dead."""
    log = MailLog(simulated(), segment_limit=4000).make()
    for _ in range(60):
        log.append(incoming(b"x", header=b""))
    disk_of(log).advance_clock(DAY + HOUR)
    done = log.compact()
    assert (done.relocated, done.removed, done.punched) == (0, 0, 0)


CRON: Final = (
    b"Received: from a.example.org (a.example.org [192.0.2.1])"
    b" by mx.example.net with ESMTP id 4AbC; Tue, 1 Dec 2026 00:00:00 +0000\r\n"
    b"Date: Tue, 1 Dec 2026 00:00:00 +0000\r\n"
    b"From: Cron Daemon <root@a.example.org>\r\nTo: ana@example.org\r\n"
    b"Subject: Cron <root@a> run-parts /etc/cron.hourly\r\n"
    b"Message-ID: <20261201000000.1234@a.example.org>\r\n"
    b"Content-Type: text/plain; charset=UTF-8\r\nMIME-Version: 1.0\r\n\r\nok\r\n"
)


def test_a_glance_sees_what_is_dead_among_small_messages() -> None:
    """Their cards, larger than they are, are alive with them, and dead with them."""
    card = card_of_octets(CRON)
    assert len(card) > len(CRON)
    log = MailLog(simulated()).make()
    for _ in range(200):
        log.append(incoming(CRON, card=card))
    assert not log.run(has_much_dead(DIRECTORY, 0))
    log.expunge(range(1, 151))
    assert log.run(has_much_dead(DIRECTORY, 100_000))


def test_a_broken_message_stays_where_it_is() -> None:
    """One that is not what was stored is not made to look sound, nor lost."""
    log = three_segments()
    log.expunge(range(2, 6))
    place = place_of(log.state(), 1)
    log.write(f"log.{place.segment}", b"rotten", place.offset + 40)
    for _ in range(3):
        disk_of(log).advance_clock(DAY + HOUR)
        done = log.compact()
        assert done.broken == [1]
        assert done.removed == 0
    assert place_of(log.state(), 1) == place


def test_a_message_that_can_not_be_read_stays_where_it_is() -> None:
    """A block that went bad keeps nothing else from being given back, nor goes."""
    log = MailLog(simulated(), segment_limit=80_000).make()
    log.append(*(incoming(b"%d" % number + LARGE) for number in range(12)))
    log.append(incoming(b"last"))
    log.expunge(range(2, 12))
    kept, place = facts(log), place_of(log.state(), 12)
    sound = MailLog(disk_of(log).process(2))
    let_block_go_bad(log.files, "m/log.1", place.offset)
    punched = 0
    for relocated in (1, 0, 0):
        disk_of(log).advance_clock(DAY + HOUR)
        done = log.compact(least=2**20)
        assert (done.broken, done.relocated, done.removed) == ([12], relocated, 0)
        punched += done.punched
    assert punched == 11 * 3 * BLOCK
    assert place_of(log.state(), 12) == place
    assert facts(sound) == kept, "who can read it has it"


@pytest.mark.parametrize("block", [0, 1])
def test_a_card_that_can_not_be_read_is_left_behind(block: int) -> None:
    """It can be made again; its message, in other blocks, moves without it."""
    log = MailLog(simulated()).make()
    card = b"c" * 3 * BLOCK
    log.append(*(incoming(LARGE, card=card) for _ in range(2)))
    place, before = place_of(log.state(), 2), facts(log)
    bad = place.offset - place.card_size + block * BLOCK
    let_block_go_bad(log.files, "m/log.1", bad)
    log.relocate([2])
    assert place_of(log.state(), 2).card_size == 0
    assert facts(MailLog(disk_of(log).process(2))) == before


def test_a_card_that_is_broken_is_left_behind() -> None:
    """It can be made again; its message moves without it."""
    log = three_segments()
    one = incoming(LARGE)._replace(card=b"a card")
    log.append(one)
    (uid,) = log.append(one)
    place = place_of(log.state(), uid)
    log.write(f"log.{place.segment}", b"!", place.offset - 3)
    before = facts(log)
    log.relocate([uid, uid - 1])
    assert place_of(log.state(), uid).card_size == 0
    assert place_of(log.state(), uid - 1).card_size == len(b"a card")
    assert facts(log) == before


def test_a_full_disk_loses_nothing() -> None:
    """Without room nothing is written again; what can go without it, goes."""
    log = three_segments()
    log.expunge([2, 3, 4, 5, 7, 8, 9, 10])
    kept = facts(log)
    disk_of(log).advance_clock(DAY + HOUR)
    disk_of(log).room = 0
    done = log.compact()
    assert done.is_full
    assert done.punched == 8 * 3 * BLOCK
    assert (done.relocated, done.removed) == (0, 0)
    assert facts(log) == kept
    disk_of(log).room = None
    assert log.compact().relocated == 2


def test_a_full_disk_keeps_no_dead_segment() -> None:
    """Holes that could not be noted keep nothing from going; they are made again."""
    log = three_segments()
    log.expunge(range(1, 7))
    disk_of(log).advance_clock(DAY + HOUR)
    is_last = lambda path: path.endswith("/log.3")  # noqa: E731 - a short one
    full = Fault(frozenset({"pwrite"}), 1, errno.ENOSPC, stays=True, where=is_last)
    disk_of(log).faults = (full,)
    done = log.compact(least=2**20)
    disk_of(log).faults = ()
    assert full.fired
    assert (done.punched, done.removed) == (6 * 3 * BLOCK, 1)
    assert segment_numbers(log.names()) == [2, 3]
    assert list(facts(log)) == [7, 8, 9, 10, 11]
    assert [log.compact(least=2**20).punched for _ in range(2)] == [3 * BLOCK, 0]


def test_where_no_holes_can_be_made() -> None:
    """On such a file system the segments go as a whole."""
    log = three_segments()
    log.expunge(range(1, 11))
    disk_of(log).faults = tuple(
        Fault(frozenset({"punch"}), 1, errno.EOPNOTSUPP) for _ in range(2)
    )
    disk_of(log).advance_clock(DAY + HOUR)
    done = log.compact()
    assert (done.punched, done.removed) == (0, 2)
    assert list(facts(log)) == [11]


def test_a_damaged_mailbox_is_left_alone() -> None:
    """Nothing is given back where something is wrong already."""
    log = three_segments()
    log.expunge(range(1, 11))
    disk_of(log).advance_clock(DAY + HOUR)
    log.write("damaged", b"a reason\n")
    before = log.contents()
    with pytest.raises(MailboxDamaged):
        log.compact()
    assert log.contents() == before


def test_a_failed_sync_is_damage_here_too() -> None:
    """Messages that were written again and not synced let nothing go."""
    log = three_segments()
    log.expunge([2, 3, 4, 5, 7, 8, 9, 10])
    disk_of(log).advance_clock(DAY + HOUR)
    is_log = lambda path: path.endswith("/log.3")  # noqa: E731 - a short one
    disk_of(log).faults = (Fault(frozenset({"fdatasync"}), 2, errno.EIO, where=is_log),)
    with pytest.raises(MailboxDamaged):
        log.compact()
    assert "damaged" in log.names()
    assert {"log.1", "log.2"} <= set(log.names())


def test_who_holds_the_lock_is_waited_for() -> None:
    """Without the lock nothing is done, and that is said."""
    log = three_segments()
    log.expunge(range(1, 11))
    disk_of(log).advance_clock(DAY + HOUR)
    other = disk_of(log).process(2)
    lock = other.open(f"{DIRECTORY}/lock", Mode.WRITE)
    assert other.try_lock(lock)
    with pytest.raises(MailboxBusy):
        log.compact()


def test_facts_from_before_a_removal_are_too_old() -> None:
    """A change decided on what went without grace is refused, to be tried again."""
    log = three_segments()
    known = known_of(MailLog(log.files, segment_limit=2**26).state(), [11])
    old = known.since._replace(segment=1, offset=64)
    log.expunge(range(1, 11))
    log.compact(grace=0.0)
    log.compact(grace=0.0)
    assert "log.1" not in log.names()
    known.since = old
    with pytest.raises(MailboxBusy):
        log.commit(SetFlags(known, FlagChange.ADD, Flag.SEEN, frozenset()))
    assert damage_mark(log) is False


def before_the_lock(log: MailLog, work: Callable[[MailLog], Any]) -> None:
    """Let another process do something when this one first asks for the lock."""
    files = log.files
    try_lock = files.try_lock
    other = MailLog(disk_of(log).process(2), segment_limit=80_000)
    done: list[Any] = []

    def after_that(fd: int) -> bool:
        if not done:
            done.append(work(other))
        return try_lock(fd)

    files.try_lock = after_that  # type: ignore[method-assign] # a turn


def test_who_dies_while_a_compaction_begins_is_punched_out_too() -> None:
    """Without grace it is due at once, and is not taken for what was punched."""
    log = three_segments()
    log.expunge([2])
    before_the_lock(log, lambda other: other.expunge([4]))
    done = log.compact(grace=0.0, least=2**20)
    assert done.punched == 2 * 3 * BLOCK
    assert not log.state().graves.each()
    assert log.compact(grace=0.0, least=2**20).punched == 0


def replace_all(log: MailLog) -> bool:
    """Let all messages go, and the segments in which they lay; say if that is done."""
    try:
        log.append(incoming(LARGE), incoming(LARGE))
    except MailboxBusy:
        return False  # somebody holds the lock
    log.expunge(log.state().roll.now.tolist())
    for _ in range(2):
        log.compact(grace=0.0)
    return True


@pytest.mark.parametrize(
    ("work", "grace"), [(compact, 0.0), (compact, DAY), (look_for_work, DAY)]
)
def test_a_compaction_beside_one_that_leaves_no_grace(work: Any, grace: float) -> None:
    """It may find its place in the log gone, at any moment; that is no damage."""
    policy = Policy(grace=grace, least=0, batch=2000)
    before = three_segments()
    before.expunge(range(1, 11))
    outcomes: list[bool] = []
    for number in count():
        disk = disk_of(before).copy()
        log, other = (
            MailLog(disk.process(pid), segment_limit=80_000) for pid in (2, 3)
        )
        act = lambda other=other: outcomes.append(replace_all(other))  # noqa: E731 - a short one
        log.run(interrupted(work(log.log, log.settings, policy), number, act))
        assert not damage_mark(log)
        if len(outcomes) == number:
            break  # it ended before that call
        assert list(facts(log)) == ([] if outcomes[-1] else [11])
    assert outcomes.count(True) > 10


class Nonsense:
    """A transaction of a program that can't count."""

    since = None

    def follow(self, frame: Any) -> None:
        """See `Transaction`."""

    def change(self, counts: Any, time: int) -> Change:
        """See `Transaction`."""
        del time
        return Change([Meta("a", b"b").encode()], counts._replace(exists=99))


def test_a_frame_that_makes_no_sense_is_damage() -> None:
    """Who compacts and meets one marks the mailbox, and removes nothing."""
    log = three_segments()
    log.expunge(range(1, 11))
    disk_of(log).advance_clock(DAY + HOUR)
    before_the_lock(log, lambda other: other.commit(Nonsense()))
    with pytest.raises(MailboxDamaged):
        log.compact()
    assert damage_mark(log)
    assert segment_numbers(log.names()) == [1, 2, 3]


def test_a_disk_that_fails_to_make_a_hole_is_damage() -> None:
    """What a segment is afterwards nobody knows."""
    log = three_segments()
    log.expunge([2, 3])
    disk_of(log).faults = (Fault(frozenset({"punch"}), 2, errno.EIO),)
    with pytest.raises(MailboxDamaged):
        log.compact(grace=0.0, least=2**20)
    assert damage_mark(log)


def damage_mark(log: MailLog) -> bool:
    """Say whether the mark is there."""
    return "damaged" in log.names()


@pytest.mark.parametrize(
    "code", [errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ENOMEM, errno.EIO]
)
def test_a_segment_that_can_not_be_opened_is_no_damage(code: int) -> None:
    """Where no hole was begun nothing is in doubt; the next time it is made."""
    log = three_segments()
    log.expunge([2])
    kept = facts(log)
    disk_of(log).advance_clock(DAY + HOUR)
    disk_of(log).calls = []
    fault = Fault(frozenset({"open"}), 1, code, where=_before_holes(log))
    disk_of(log).faults = (fault,)
    with pytest.raises(OSError, match=os.strerror(code)):
        log.compact(least=2**20)
    disk_of(log).faults = ()
    assert fault.fired
    assert "damaged" not in log.names()
    assert log.compact(least=2**20).punched == 3 * BLOCK
    assert facts(log) == kept
    assert log.append() == [12]


def _before_holes(log: MailLog) -> Callable[[str], bool]:
    """Return whether a file is opened once the head is synced: then holes are made."""
    calls = disk_of(log).calls

    def is_opened(path: str) -> bool:
        is_segment = path.rpartition("/")[2].startswith("log.")
        synced = [call.path for call in calls if call.method == "fdatasync"]
        return is_segment and any(each.endswith("/head") for each in synced)

    return is_opened


def test_what_a_snapshot_says_is_not_read_again() -> None:
    """A compaction reads the log from the newest snapshot on."""
    log = three_segments()
    log.expunge(range(1, 11))
    log.snapshot()
    log.append(incoming(b"behind it"))
    disk_of(log).advance_clock(DAY + HOUR)
    log.write("log.2", b"rotten", log.read("log.2").index(MAGIC, 200))
    done = log.compact()
    assert (done.removed, done.punched > 0) == (2, True)
    assert list(facts(log)) == [11, 12]


def test_looking_takes_no_lock() -> None:
    """If there is nothing to do, nobody is kept waiting."""
    log = three_segments()
    disk_of(log).calls = []
    log.compact()
    assert not any(call.method == "try_lock" for call in disk_of(log).calls)


def test_holes_are_made_for_real(tmp_path: Any) -> None:
    """On a real disk, where the file system can do it, blocks come back."""
    files = DiskFileSystem(str(tmp_path))
    log = MailLog(files).make()
    for _ in range(4):
        log.append(incoming(LARGE * 8))
    log.expunge([1, 2, 3, 4])
    done = log.compact(grace=0.0)
    if done.punched == 0:
        pytest.skip("no holes here")
    assert done.punched >= 4 * (len(LARGE) * 8 - BLOCK)
    assert done.after < len(LARGE)
    assert log.append() == [5]


uses = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)),
    max_size=8,
).map(
    lambda sizes: [
        Use(number, dead + alive + grace, alive, grace)
        for number, (dead, alive, grace) in enumerate(sizes, start=3)
    ]
)


@given(uses)
def test_what_is_worth_leaving(old: list[Use]) -> None:
    """More comes back than is written again, and what lives behind it stays."""
    chosen = worth_leaving(old)
    assert chosen == sorted(chosen)
    living = [use for use in old if use.alive]
    assert [use.number for use in living[: len(chosen)]] == chosen
    if chosen:
        # Those behind it in which nothing lives go with it, and not before it.
        stays = [use.number for use in living[len(chosen) :]] or [old[-1].number + 1]
        run = [use for use in old if chosen[0] <= use.number < stays[0]]
        moved = sum(use.alive for use in run)
        assert sum(use.taken for use in run) >= 2 * moved
    elif living:
        first = living[0]
        assert 2 * (first.alive + first.grace) >= first.taken


def test_when_a_new_segment_is_worth_it() -> None:
    """If more is dead than lives, and it is enough."""
    policy = Policy(least=100)
    assert not is_worth_a_new_segment(Use(1, 100, 0, 0), policy)
    assert is_worth_a_new_segment(Use(1, 101, 0, 0), policy)
    assert not is_worth_a_new_segment(Use(1, 1000, 250, 250), policy)
    assert is_worth_a_new_segment(Use(1, 1001, 250, 250), policy)


sizes = st.sampled_from([0, 100, 3000, 9000])
which = st.sets(st.integers(1, 16), max_size=6)
events = st.one_of(
    st.tuples(st.just("append"), st.lists(sizes, min_size=1, max_size=3)),
    st.tuples(
        st.just("flags"),
        which,
        st.sampled_from(list(FlagChange)),
        st.integers(0, 31).map(Flag),
        st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2),
    ),
    st.tuples(st.just("expunge"), which),
    st.tuples(st.just("meta"), st.binary(max_size=3)),
    st.tuples(st.just("compact"), st.sampled_from([0.0, HOUR, DAY])),
    st.tuples(st.just("wait"), st.sampled_from([HOUR, DAY])),
)


def happen(log: MailLog, event: tuple[Any, ...], number: int) -> None:
    """Let something happen; each message is unlike any other."""
    match event:
        case ("append", lengths):
            log.append(
                *(
                    incoming(b"%d %d " % (number, n) + LARGE[:size])
                    for n, size in enumerate(lengths)
                )
            )
        case ("flags", uids, what, flags, words):
            log.set_flags(uids, what, flags, words)
        case ("expunge", uids):
            log.expunge(uids)
        case ("meta", value):
            log.commit(SetMeta("a", value))
        case ("compact", grace):
            log.compact(grace=grace)
        case ("wait", seconds):
            disk_of(log).advance_clock(seconds)


@pytest.mark.slow
@given(
    st.lists(events, max_size=14),
    st.sampled_from([900, 12_000, 2**26]),
    st.booleans(),
)
def test_compaction_changes_nothing(
    history: list[Any], limit: int, head_is_lost: bool
) -> None:
    """Whatever happened, whoever compacts and loses the head finds it all again."""
    log = MailLog(simulated(), segment_limit=limit).make()
    follower: MailboxState = log.state()
    for number, event in enumerate(history):
        before = facts(log) if event[0] == "compact" else {}
        happen(log, event, number)
        if event[0] == "compact":
            assert facts(log) == before
    kept, counts = facts(log), log.head().counts
    modseqs = follower.vanished.now["modseq"]
    assert (np.diff(modseqs.astype(np.int64)) >= 0).all()
    for _ in range(2):
        disk_of(log).advance_clock(DAY + HOUR)
        log.compact()
        if head_is_lost:
            log.remove("head")
        assert facts(log) == kept
        assert log.head().counts == counts
    second_reader.read_mailbox(log.contents())
    assert log.append() == [counts.uidnext]
