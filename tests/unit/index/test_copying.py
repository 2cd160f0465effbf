"""Copies of messages, from one log into another."""

import errno

import numpy as np
import pytest

from imapbox.index.copying import CopyMessages, Originals
from imapbox.index.encoding import join_operations
from imapbox.index.head import Counts
from imapbox.index.known import Known
from imapbox.index.mailbox_transactions import SetFlags
from imapbox.index.operations import Append, decode_operations
from imapbox.model.errors import MessageGone, NumbersExhausted, TooManyKeywords
from imapbox.model.flags import MAX_KEYWORDS, Flag, FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.numbers import MAX_UID
from tests.simulation.fault import WRITES, Fault
from tests.unit.index.mail_log import (
    DIRECTORY,
    ID,
    MailLog,
    incoming,
    known_of,
    place_of,
    simulated,
)

DATE = InternalDate(1_000_000_000, 330)


def filled() -> MailLog:
    log = MailLog(simulated(), segment_limit=2000).make()
    log.append(incoming(b"one" * 200, Flag.SEEN, ["b", "a"], date=DATE, card=b"card"))
    log.append(incoming(b"two" * 200, keywords=["c"]))
    log.append(incoming(b"three" * 200), incoming(b"four", Flag.DELETED, ["a"]))
    log.append(incoming(b"five" * 500, card=b"fifth"))
    return log


def originals_of(log: MailLog, *uids: int) -> Originals:
    state = log.state()
    return Originals(
        state.columns, np.array(uids, np.uint32), list(state.facts.keywords)
    )


def copied(log: MailLog, *uids: int) -> CopyMessages:
    """Copy messages of a log to its end."""
    originals = originals_of(log, *uids)
    octets = log.run(originals.octets(DIRECTORY))
    copy = CopyMessages(originals, octets, known_of(log.state(), ()))
    log.commit(copy)
    return copy


def test_a_copy_is_as_its_original() -> None:
    """A copy differs from its original in UID, modseq, place and savedate only."""
    log = filled()
    copy = copied(log, 1, 4, 5)
    assert list(copy.uids) == [6, 7, 8]
    state = log.state()
    columns = state.columns
    for old, new in zip((0, 3, 4), (5, 6, 7), strict=True):
        for name in ("flags", "date", "zone", "size", "card_size", "card_crc"):
            assert columns[name].tolist()[old] == columns[name].tolist()[new], name
        assert columns["emailid"].tolist()[old] == columns["emailid"].tolist()[new]
        assert columns.keywords_of(old) == columns.keywords_of(new)
    bodies = log.bodies(state)
    assert [bodies[uid] for uid in (6, 7, 8)] == [bodies[uid] for uid in (1, 4, 5)]
    assert None not in bodies.values()
    counts = log.head().counts
    assert counts.exists == 8
    assert counts.unseen == 8 - 2
    assert counts.live == sum(columns["size"].tolist())


def test_keywords_are_carried_by_name() -> None:
    """A keyword has the number that its name has where the copy is."""
    log = filled()
    copy = CopyMessages(
        originals := originals_of(log, 1, 2, 4),
        log.run(originals.octets(DIRECTORY)),
        Known(log.state().position, ["x", "C", "A"]),
    )
    change = copy.change(Counts(5, 9, 0, 0, 1, 0), 0)
    operations = decode_operations(join_operations(change.operations))
    appends = [each for each in operations if isinstance(each, Append)]
    assert [each.keywords for each in appends] == [0b1100, 0b10, 0b100]
    assert [each.name for each in operations if not isinstance(each, Append)] == ["b"]


def test_a_full_table_of_keywords_refuses() -> None:
    """Where a keyword finds no room, nothing is copied."""
    log = filled()
    full = Known(log.state().position, [f"k{n}" for n in range(MAX_KEYWORDS)])
    originals = originals_of(log, 1)
    copy = CopyMessages(originals, log.run(originals.octets(DIRECTORY)), full)
    with pytest.raises(TooManyKeywords):
        copy.change(log.head().counts, 0)


def test_numbers_end() -> None:
    """Where UIDs end, nothing is copied."""
    log = filled()
    originals = originals_of(log, 2, 3)
    copy = CopyMessages(
        originals, log.run(originals.octets(DIRECTORY)), known_of(log.state(), ())
    )
    counts = log.head().counts._replace(uidnext=MAX_UID - 1)
    with pytest.raises(NumbersExhausted):
        copy.change(counts, 0)


def test_what_became_of_them_is_copied() -> None:
    """Flags that changed meanwhile are copied as they are at the end."""
    log = filled()
    known = known_of(log.state(), [1, 2])
    originals = originals_of(log, 1, 2)
    log.set_flags([2], FlagChange.ADD, Flag.FLAGGED, ["d"])
    originals.update(known_of(log.state(), [1, 2]))
    assert [each.flags for each in originals] == [Flag.SEEN, Flag.FLAGGED]
    assert [each.keywords for each in originals] == [0b11, 0b1100]
    assert originals.names == ["a", "b", "c", "d"]
    del known.rows[1]
    with pytest.raises(MessageGone):
        originals.update(known)


def test_a_damaged_card_is_left_out() -> None:
    """A message whose card is not what was written is copied without one."""
    log = filled()
    place = place_of(log.state(), 1)
    log.write(f"log.{place.segment}", b"C", place.offset - place.card_size)
    copied(log, 1, 5)
    sizes = log.state().columns["card_size"].tolist()
    assert sizes[-2:] == [0, len(b"fifth")]
    bodies = log.bodies(log.state())
    assert (bodies[6], bodies[7]) == (bodies[1], bodies[5])


@pytest.mark.parametrize("at", [0, 30])
def test_a_damaged_message_is_not_copied(at: int) -> None:
    """A message whose octets are not what was written is gone, and none is copied."""
    log = filled()
    place = place_of(log.state(), 2)
    log.write(f"log.{place.segment}", b"\0", place.offset + at)
    with pytest.raises(MessageGone):
        log.run(originals_of(log, 1, 2).octets(DIRECTORY))
    assert log.state().facts.mailbox_id == ID


def test_what_is_punched_out_before_it_is_written_is_not_copied() -> None:
    """Many octets are read twice, and checked twice: no copy has zeros."""
    log = MailLog(simulated()).make()
    for number in range(3):
        log.append(incoming(b"%d" % number * 150_000, card=b"card"))
    originals = originals_of(log, 1, 2, 3)
    octets = log.run(originals.octets(DIRECTORY))
    place = place_of(log.state(), 2)
    whole = log.read("log.1")[place.offset :][: place.size]
    log.write("log.1", bytes(8192), place.offset + 4096)
    before = log.contents()
    with pytest.raises(MessageGone):
        log.commit(CopyMessages(originals, octets))
    assert log.contents() == before
    log.write("log.1", whole, place.offset)
    log.commit(CopyMessages(originals, octets))
    bodies = log.bodies(log.state())
    assert [bodies[uid] for uid in (4, 5, 6)] == [bodies[uid] for uid in (1, 2, 3)]
    assert None not in bodies.values()


def test_a_copy_that_is_asked_again_is_made_once() -> None:
    """Where a batch finds no room at first, its copies have what they should have."""
    source, target = filled(), MailLog(simulated()).make(keywords=["b"])
    target.append()
    state = target.state()
    words = frozenset(["b", "e"])
    flags = SetFlags(known_of(state, [1]), FlagChange.ADD, Flag.SEEN, words)
    originals = originals_of(source, 1, 2)
    octets = source.run(originals.octets(DIRECTORY))
    copy = CopyMessages(originals, octets, known_of(state, ()))
    is_log = lambda path: "/log." in path  # noqa: E731 - a short one
    target.files.disk.faults = (Fault(WRITES, 1, errno.EDQUOT, where=is_log),)
    outcomes = target.commit_all(flags, copy)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert list(copy.uids) == [2, 3]
    state = target.state()
    assert state.facts.keywords == ["b", "e", "a", "c"]
    found = [state.columns.keywords_of(row) for row in range(3)]
    assert found == [0b0011, 0b0101, 0b1000]
    assert None not in target.bodies(state).values()
