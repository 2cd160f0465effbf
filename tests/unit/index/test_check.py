from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imapbox.disk.steps import Call, Steps
from imapbox.index.account_operations import Create, Delete, Rename, Subscribe
from imapbox.index.account_state import ChangeAccount
from imapbox.index.check import check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.index.checked_log import CheckedLog, Finding, Severity
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.head import Head
from imapbox.index.operations import Flags
from imapbox.index.segment import segment_numbers
from imapbox.index.snapshot_writer import write_snapshot
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.numbers import ModSeq
from tests.simulation.disk import OWNER
from tests.unit.index.mail_log import (
    DIRECTORY,
    ID,
    AccountLog,
    LogOnDisk,
    MailLog,
    incoming,
    place_of,
    simulated,
)
from tests.unit.index.test_compact import DAY, HOUR, disk_of, events, happen
from tests.unit.index.test_deliver_once import LASTING, once

BODY: Final = b"the octets of a message" * 8


def checked(log: LogOnDisk) -> CheckedLog[Any]:
    """Return what a check says of a log."""
    audit = MailboxAudit if isinstance(log, MailLog) else AccountAudit
    found: CheckedLog[Any] = log.run(check_log(DIRECTORY, audit, OWNER))
    return found


def findings(log: LogOnDisk) -> list[Finding]:
    """Return what is found."""
    return checked(log).findings


def damage(log: LogOnDisk) -> list[str]:
    """Return the sentences of what is damage."""
    found = findings(log)
    return [each.sentence for each in found if each.severity is Severity.DAMAGE]


def notes(log: LogOnDisk) -> list[str]:
    """Return the sentences of the notes; there is nothing else."""
    found = findings(log)
    assert {each.severity for each in found} <= {Severity.NOTE}, found
    return [each.sentence for each in found]


def lived_in() -> MailLog:
    """Return a mailbox's log with a bit of everything in it."""
    log = MailLog(simulated(), segment_limit=900).make()
    log.append(incoming(BODY, Flag.SEEN, ["todo"])._replace(card=b"card"))
    log.append(incoming(BODY), incoming(b"second"))
    log.set_flags([1, 2], FlagChange.ADD, Flag.FLAGGED, ["later"])
    log.append(incoming(b"third"))
    log.expunge([2])
    log.relocate([1])
    log.append(incoming(b"fourth"))
    return log


def account() -> AccountLog:
    """Return an account's log with a bit of everything in it."""
    log = AccountLog(simulated(), segment_limit=600).make()
    for change in (
        [Create(ID, 5, "INBOX")],
        [Create(bytes(16), 6, "a"), Subscribe("a")],
        [Rename(bytes(16), "b")],
        [Delete(bytes(16))],
        [Create(bytes(15) + b"x", 7, "c")],
    ):
        log.commit(ChangeAccount(log.state(), lambda _, change=change: change))
    return log


@pytest.mark.parametrize("make", [lived_in, account])
def test_a_sound_log_is_sound(make: Callable[[], LogOnDisk]) -> None:
    """Nothing is said of it, and all of it was looked at."""
    log = make()
    found = checked(log)
    assert found.findings == []
    assert found.segments == log.head().position.segment > 1
    assert found.frames > found.segments * 2
    assert found.audit.counts == log.head().counts


@given(st.lists(events, max_size=10), st.sampled_from([900, 12_000]))
@settings(max_examples=50)
def test_whatever_happened_a_log_is_sound(history: list[Any], limit: int) -> None:
    """Compaction, holes and segments that are gone are nothing to complain of."""
    log = MailLog(simulated(), segment_limit=limit).make()
    for number, event in enumerate(history):
        happen(log, event, number)
        assert findings(log) == []
    log.remove("head")
    assert notes(log) == ["it is lost; the next writer makes it again from the log"]


@pytest.mark.slow
@pytest.mark.parametrize("make", [lived_in, account])
def test_every_flipped_byte_is_found(
    make: Callable[[], LogOnDisk], seed: int, effort: int
) -> None:
    """No byte can change unseen, but for those of messages and a lock's hints.

    One in four is tried, which the seed chooses; in the long form all are.
    """
    log = make()
    step = 4 if effort == 1 else 1
    bodies: dict[str, set[int]] = {}
    if isinstance(log, MailLog):
        state = log.state()
        places = [(place_of(state, uid)) for uid in state.roll.now.tolist()]
        dead = [(each.segment, each.offset, each.size) for each in state.graves.each()]
        alive = [
            (place.segment, place.offset - place.card_size, place.size + 4)
            if place.card_size
            else (place.segment, place.offset, place.size)
            for place in places
        ]
        for segment, offset, size in (*dead, *alive):
            octets = bodies.setdefault(f"log.{segment}", set())
            octets.update(range(offset, offset + size))
    for name, data in log.contents().items():
        # Of the many zeros behind the end, some.
        written = len(data.rstrip(b"\0")) + 100
        octets = {*range(min(written, len(data))), *range(0, len(data), 97)}
        for at in sorted(octets - bodies.get(name, set()))[seed % step :: step]:
            log.write(name, bytes([data[at] ^ 1 << at % 8]), at)
            assert findings(log), (name, at)
            log.write(name, data[at : at + 1], at)
    assert findings(log) == []


@pytest.mark.parametrize("make", [lived_in, account])
def test_every_cut_is_found(make: Callable[[], LogOnDisk]) -> None:
    """A segment that is shorter than the log, by any number of bytes, is damaged."""
    log = make()
    position = log.head().position
    data = log.read(f"log.{position.segment}")
    for size in range(0, position.offset, 3):
        log.truncate(f"log.{position.segment}", size)
        assert damage(log), size
        log.write(f"log.{position.segment}", data)
    assert findings(log) == []


@pytest.mark.parametrize("name", ["lock", "log.1", "log.2"])
@pytest.mark.parametrize("with_head", [True, False])
def test_what_must_be_there_is_missed(name: str, with_head: bool) -> None:
    """Without a lock, or one of its segments, a log is damaged, with a head or not."""
    log = lived_in()
    log.remove(name)
    if not with_head:
        log.remove("head")
    assert damage(log)


def test_a_segment_to_which_an_old_head_leads_is_missed() -> None:
    """A head is hardly ever old, but what follows it is looked at like the rest."""
    log = MailLog(simulated(), segment_limit=900).make()
    log.append(incoming(BODY))
    before = log.read("head")
    while "log.2" not in log.names():
        log.append(incoming(BODY))
    log.append()
    log.write("head", before)
    start = log.read("log.2")
    log.write("log.2", b"none")
    assert any("is not what it should be" in sentence for sentence in damage(log))
    log.write("log.2", start[:100])
    log.truncate("log.2", 100)
    assert "it does not begin with a frame" in damage(log)
    log.remove("log.2")
    assert any("is not there" in sentence for sentence in damage(log))


def test_a_mark_is_told_with_its_reason() -> None:
    """Why a mailbox was marked damaged is part of the finding."""
    log = lived_in()
    log.write("damaged", b"a sync of the log failed: EIO\n")
    (sentence,) = damage(log)
    assert "a sync of the log failed: EIO" in sentence


def test_what_a_crash_leaves_is_a_note() -> None:
    """A torn head, frames behind it, and torn ones are mended without help."""
    log = lived_in()
    before = log.read("head")
    log.append(incoming(b"not published"))
    after = log.head().position
    log.write("head", before)
    (sentence,) = notes(log)
    assert "does not name the end yet" in sentence
    log.write(f"log.{after.segment}", b"torn", after.offset + 40)
    torn, unpublished = notes(log)
    assert "unfinished" in torn
    assert "does not name the end yet" in unpublished
    log.truncate("head", 3)
    assert any("torn" in sentence for sentence in notes(log))


def test_an_old_head_behind_a_compaction_is_a_note() -> None:
    """A power loss may bring back a head from before messages were written again.

    The segments in which they were are gone then, and where they are is behind it.
    """
    log = MailLog(simulated(), segment_limit=900).make()
    log.append(incoming(BODY), incoming(b"second"))
    while "log.2" not in log.names():
        log.append(incoming(BODY))
    before = log.read("head")
    uids = log.state().roll.now.tolist()
    log.relocate(uids)
    log.remove("log.1")
    assert findings(log) == []
    log.write("head", before)
    (sentence,) = notes(log)
    assert "does not name the end yet" in sentence
    found = checked(log)
    assert found.audit.state.roll.now.tolist() == uids
    assert found.segments == len(segment_numbers(log.names()))
    position = log.head().position
    name = f"log.{position.segment}"
    size = len(log.read(name)) - position.offset
    log.write(name, bytes(size), position.offset)
    assert any("are in no segment that is left" in each for each in damage(log))


def test_a_message_that_never_came_is_none() -> None:
    """Without a head, what is last counts only if all its octets are there."""
    log = MailLog(simulated()).make()
    log.append(incoming(BODY))
    log.append(incoming(BODY))
    place = place_of(log.state(), 2)
    log.remove("head")
    assert checked(log).audit.state.counts.exists == 2
    log.write("log.1", bytes(place.size), place.offset)
    assert any("unfinished" in sentence for sentence in notes(log))
    assert checked(log).audit.state.counts.exists == 1


def test_a_torn_frame_before_a_later_batch_is_damage() -> None:
    """What was durable once, and is not whole any more, is no crash's fault."""
    log = MailLog(simulated()).make()
    log.append()
    before = log.read("head")
    head = Head.decode(before)
    assert head is not None
    log.append()
    log.append()
    log.write("head", before)
    log.write("log.1", b"\xff", head.position.offset + 60)
    (sentence,) = damage(log)
    assert "later ones follow" in sentence


def test_litter_is_a_note() -> None:
    """Files of no use, ours and others', are told and harm nothing."""
    log = lived_in()
    log.write("README", b"hello")
    log.write("log.99", b"never begun")
    assert sorted(notes(log)) == [
        "a segment that was never begun",
        "this file is none of imapbox's",
    ]


def test_a_segment_that_lost_its_switch_is_damage() -> None:
    """Mail to which nothing leads is not litter."""
    log = MailLog(simulated(), segment_limit=900).make()
    log.append(incoming(BODY))
    before, size = log.read("head"), len(log.read("log.1"))
    end = log.head().position.offset
    while "log.2" not in log.names():
        log.append(incoming(BODY))
    log.append()
    log.write("head", before)
    log.write("log.1", bytes(len(log.read("log.1")) - end), end)
    assert size > end
    assert damage(log) == ["it holds mail, and no SWITCH leads to it"]


def test_snapshots_are_checked() -> None:
    """A torn one is a note; one that says something else than the log is damage.

    Of one that some reader may take, before it is found out, that is told.
    """
    log = lived_in()
    state = log.state()
    name = log.run(write_snapshot(DIRECTORY, state.freeze()))
    log.append()
    assert findings(log) == []
    data = log.read(name)
    told = set()
    for at in (at for at in range(0, len(data), 3) if data[at]):  # no padding
        log.write(name, bytes([data[at] ^ 1]), at)
        (sentence,) = notes(log)
        told.add(sentence)
        log.write(name, data[at : at + 1], at)
    assert told == {
        "this snapshot is torn or old, and not used",
        "some of this snapshot is not what was written",
    }
    log.remove(name)
    operation = Flags((range(1, 2),), int(Flag.DRAFT), 0)
    state.columns.change_flags(operation, state.counts.modseq)
    log.run(write_snapshot(DIRECTORY, state.freeze()))
    assert damage(log) == ["this snapshot says something else than the log"]


def test_a_snapshot_that_does_not_know_what_vanished_is_damaged() -> None:
    """Who asks what was expunged since would not hear of all. RFC 7162 §3.2.10.

    Of what vanished before its floor it need not know.
    """
    log = lived_in()
    state = log.state()
    first = ModSeq(int(state.vanished.now["modseq"][0]))
    state.vanished.raise_floor(first)
    name = log.run(write_snapshot(DIRECTORY, state.freeze()))
    assert findings(log) == []
    log.remove(name)
    state.vanished.floor = ModSeq(first - 1)
    log.run(write_snapshot(DIRECTORY, state.freeze()))
    assert damage(log) == ["this snapshot says something else than the log"]


def test_a_snapshot_need_not_know_what_nobody_asks_for() -> None:
    """Deliveries of more than a week ago are in the log, and in no snapshot."""
    log = MailLog(simulated()).make()
    keys = DeliveryKeys()
    log.commit(once(LASTING[0], keys))
    log.files.disk.advance_clock(8 * DAY)
    for key in LASTING[1:]:
        log.commit(once(key, keys))
    log.snapshot()
    assert findings(log) == []


def test_counts_are_counted() -> None:
    """A head that says other counts than the log is damaged."""
    log = lived_in()
    head = log.head()
    wrong = head._replace(counts=head.counts._replace(unseen=head.counts.unseen + 1))
    log.write("head", wrong.encode())
    assert damage(log) == ["its counts are not those of the last frame"]


def checked_beside(
    log: MailLog, method: str, happens: Callable[[], object]
) -> CheckedLog[Any]:
    """Return what a check says while something happens before each call of a kind."""

    def steps() -> Steps[Any]:
        check = check_log(DIRECTORY, MailboxAudit, OWNER)
        wanted = next(check)
        while True:
            if isinstance(wanted, Call) and wanted.method == method:
                happens()
            try:
                result = yield wanted
            except OSError as error:
                wanted = check.throw(error)
            else:
                try:
                    wanted = check.send(result)
                except StopIteration as stop:
                    return stop.value

    found: CheckedLog[Any] = log.run(steps())
    return found


def test_mail_that_comes_meanwhile_hides_nothing() -> None:
    """A mailbox to which mail comes while it is read is known as others are."""
    log = lived_in()
    found = checked_beside(log, "list_directory", log.append)
    assert not found.findings
    assert found.audit.counts == log.head().counts


def test_a_log_that_never_stands_still() -> None:
    """What is wrong with its files is told, too, where that is not known of it."""
    log = MailLog(simulated()).make()
    log.write("notes.txt", b"whose?")
    found = checked_beside(log, "size", log.append)
    assert "changed all the time" in found.unread
    assert [each.sentence for each in found.findings] == [
        "this file is none of imapbox's",
        found.unread,
    ]


def test_looking_changes_nothing() -> None:
    """No lock is taken and nothing is written."""
    log = lived_in()
    before = log.contents()
    disk_of(log).calls = []
    findings(log)
    methods = {call.method for call in disk_of(log).calls}
    assert methods <= {
        "open",
        "close",
        "pread",
        "size",
        "status",
        "list_directory",
        "is_locked",
    }
    assert log.contents() == before


def test_an_old_log_is_sound() -> None:
    """One that was compacted, and left alone, and compacted."""
    log = lived_in()
    for _ in range(3):
        disk_of(log).advance_clock(DAY + HOUR)
        log.compact()
        assert findings(log) == []


def test_a_clock_that_was_ahead_is_noted() -> None:
    """Where a log's time is a day or more ahead of the clock, that is a note."""
    log = MailLog(simulated()).make()
    log.files.disk.clock = 30.5 * DAY
    log.append(incoming(BODY))
    assert notes(log) == []
    log.files.disk.clock = 29.6 * DAY
    assert notes(log) == []
    log.files.disk.clock = 0.0
    log.append(incoming(BODY))
    assert notes(log) == ["its time is 30 days ahead of the clock"]
    log.files.disk.clock = 31.0 * DAY
    assert notes(log) == []
