"""A log tells what happened to its mailbox."""

from typing import Any

from imapbox.index.encoding import ranges_of
from imapbox.index.history import History, What
from imapbox.index.mailbox_transactions import SetMeta
from imapbox.index.opening import open_log
from imapbox.index.undone import Undone
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.numbers import ModSeq
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, simulated
from tests.unit.index.test_undo import LARGE, new_log, undone


def history_of(log: MailLog, since: int = 0) -> History:
    """Return what a log tells."""
    steps = open_log(DIRECTORY, log.settings, lambda: History(ModSeq(since)))
    history: History = log.run(steps).state
    return history


def told(log: MailLog, since: int = 0) -> list[tuple[Any, ...]]:
    """Return it in short: modseq, what, UIDs, and what else there is to say."""
    return [
        (each.modseq, each.what, list(map(list, each.uids)), each.more)
        for each in history_of(log, since).happened
    ]


def test_each_change_is_told() -> None:
    """Deliveries, flags, keywords, expunges and facts, with their modseqs and UIDs."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"one"), incoming(b"two"))
    log.set_flags([1, 2], FlagChange.ADD, Flag.SEEN, ["a"])
    log.set_flags([2], FlagChange.REMOVE, Flag.SEEN, ["a"])
    log.set_flags([1], FlagChange.REPLACE, Flag.DELETED)
    log.expunge([1])
    log.commit(SetMeta("recentuid", (2).to_bytes(4, "little")))
    log.commit(SetMeta("other", b"\1"))
    (created, came, *rest) = told(log)
    assert created[:2] == (1, What.CREATED)
    assert came[:3] == (2, What.DELIVERED, [[1, 2]])
    assert came[3]["octets"] == 2 * len(b"Return-Path: <>\r\none")
    assert rest == [
        (3, What.KEYWORD, [], {"keyword": "a"}),
        (3, What.FLAGS, [[1, 2]], {"add": ["\\Seen", "a"]}),
        (4, What.FLAGS, [[2]], {"remove": ["\\Seen", "a"]}),
        (5, What.FLAGS, [[1]], {"set": ["\\Deleted"]}),
        (6, What.EXPUNGED, [[1]], {}),
        (7, What.SELECTED, [], {"recent": 2}),
        (8, What.FACT, [], {"name": "other", "value": "01"}),
    ]
    assert told(log, since=5) == rest[4:]


def test_whence_a_message_came() -> None:
    """Lines of ours and the time say whether it was delivered, copied, or neither."""
    log = MailLog(simulated()).make()
    now = int(log.files.now())
    log.append(
        incoming(b"delivered"),
        incoming(b"copied", date=InternalDate(now - 60)),
        incoming(b"copied from another zone", date=InternalDate(now, 60)),
        incoming(b"appended", header=b""),
    )
    assert [each[1:3] for each in told(log)[1:]] == [
        (What.DELIVERED, [[1]]),
        (What.COPIED, [[2, 3]]),
        (What.ADDED, [[4]]),
    ]


def test_a_clock_that_is_behind_the_log_changes_no_word() -> None:
    """What is delivered then was delivered, what is copied then was copied."""
    log = MailLog(simulated()).make()
    log.append(incoming(b"one"))
    log.files.disk.advance_clock(-3600)
    earlier = InternalDate(int(log.files.now()) - 60)
    log.append(incoming(b"two"), incoming(b"copied", date=earlier))
    ways = [each[1:3] for each in told(log)[-2:]]
    assert ways == [(What.DELIVERED, [[2]]), (What.COPIED, [[3]])]


def test_who_came_back_is_told() -> None:
    """An undo says who came back as whom."""
    log = new_log()
    log.append(incoming(b"one"), incoming(b"two"), incoming(b"three"))
    log.expunge([1, 3])
    undone(log, 1)
    assert told(log)[-1] == (
        4,
        What.BROUGHT_BACK,
        [[4, 5]],
        {"from": ranges_of([1, 3])},
    )


def test_what_is_done_to_the_log_is_told() -> None:
    """New segments, holes and messages that were written again are, too."""
    log = MailLog(simulated(), segment_limit=60_000).make()
    for number in range(11):
        log.append(incoming(b"%d" % number + LARGE))
    log.expunge([2, 3, 4])
    log.files.disk.advance_clock(25 * 3600)
    log.compact()
    log.relocate([1])
    kinds = [each[1] for each in told(log)]
    assert kinds.count(What.NEW_SEGMENT) == log.head().position.segment - 1
    assert What.PUNCHED in kinds
    assert (What.WRITTEN_AGAIN, [[1]]) in [each[1:3] for each in told(log)]


def test_a_log_without_its_beginning_says_so() -> None:
    """What was in removed segments can't be told; the modseq of the rest is known."""
    log = MailLog(simulated(), segment_limit=60_000).make()
    for number in range(8):
        log.append(incoming(b"%d" % number + LARGE))
    log.expunge([1, 2, 3, 4])
    log.compact(grace=0.0)
    history = history_of(log)
    assert history.happened[0].what is What.BEGINS
    assert history.begins == history.happened[0].modseq == 5


def test_a_value_comes_back() -> None:
    """What an undo writes down is what is read."""
    undone = Undone(9, [1, 2, 5])
    assert Undone.decode(undone.encode()) == undone
