"""What of a mailbox comes along when another one takes its place."""

import errno
import inspect
import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from imapbox.disk.steps import Steps
from imapbox.index.check import check_log
from imapbox.index.check_audit import MailboxAudit
from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.doubts import remove_doubts
from imapbox.model.errors import DiskFull, MailboxBusy
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX
from imapbox.store.restore import Restored, restore_mailbox
from tests.simulation.disk import OWNER, run
from tests.simulation.fault import WRITES, Fault
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Message,
    compacted,
    deliver,
    sees,
    settings_of,
    submit,
)
from tests.unit.store.restores import BODIES, LATER, Stores

DAY: Final = 24 * 3600.0
IMPORTANT = frozenset({"Important"})


def test_what_the_copy_could_not_give_back_is_kept() -> None:
    """A message that rotted in the copy is there as it is now, with its flags.

    What rotted here comes from the copy; what rotted in both, or only is here, is
    left out, and both mailboxes' UIDs are told.
    """
    stores = Stores()
    run(deliver(stores.account(), LATER), stores.process)
    stores.rot(BODIES[1], in_copy=True)
    stores.rot(BODIES[0], in_copy=False)
    done = stores.restore(INBOX)
    assert (done.messages, done.kept) == (1, 2)
    assert (done.broken, done.broken_here) == ([2], [])
    assert stores.look().messages == (
        Message(1, 0, frozenset(), BODIES[0]),
        Message(2, Flag.FLAGGED, IMPORTANT, BODIES[1]),
        Message(3, 0, frozenset(), LATER),
    )
    stores = Stores()
    run(deliver(stores.account(), LATER), stores.process)
    stores.rot(BODIES[1], in_copy=True)
    for body in (BODIES[1], LATER):
        stores.rot(body, in_copy=False)
    done = stores.restore(INBOX)
    assert (done.messages, done.kept) == (1, 0)
    assert (done.broken, done.broken_here) == ([2], [2, 3])


def test_what_is_here_more_often_is_kept() -> None:
    """Of equal messages as many come from the copy as it has; newer ones are kept.

    They have their flags of now. Done again, nothing is there twice.
    """
    stores = Stores()
    for _ in range(2):
        run(deliver(stores.account(), BODIES[0]), stores.process)
    run(stores.session().store({3}, Flag.FLAGGED, "keep"), stores.process)
    run(stores.session().store({1}, Flag.ANSWERED), stores.process)
    for _ in range(2):
        done = stores.restore(INBOX)
        assert (done.messages, done.kept) == (2, 2)
        assert stores.look().messages == (
            Message(1, 0, frozenset(), BODIES[0]),
            Message(2, Flag.FLAGGED, IMPORTANT, BODIES[1]),
            Message(3, Flag.FLAGGED, frozenset({"keep"}), BODIES[0]),
            Message(4, 0, frozenset(), BODIES[0]),
        )


def attempt(account: Account, key: bytes) -> Steps[DeliverOnce]:
    """Deliver a message, perhaps again."""
    wish = DeliverOnce(sees(key * 20)._replace(key=key), DeliveryKeys())
    yield from submit(account, wish, "deliver")
    return wish


def restore_while(
    stores: Stores, work: Steps[Any], number: int | None = None
) -> Restored:
    """Restore INBOX in place; do something while it is read.

    Args:
        stores: Where.
        work: What.
        number: Before so many other calls; None: before it asks for a lock.
    """
    settings, directory = settings_of(stores.process), stores.account().directory
    counter = itertools.count()

    def both() -> Steps[Restored]:
        restoring = restore_mailbox(ALICE, INBOX, INBOX, settings, in_place=True)
        go_on: Callable[[], Any] = partial(next, restoring)
        is_done = False
        while True:
            try:
                wanted = go_on()
            except StopIteration as stop:
                return stop.value
            if not is_done and (
                f"{directory}/lock" in wanted.arguments
                if number is None
                else next(counter) == number
            ):
                is_done = True
                yield from work
            try:
                go_on = partial(restoring.send, (yield wanted))
            except OSError as error:
                go_on = partial(restoring.throw, error)

    done: Restored = run(both(), stores.process)
    return done


def test_what_changes_meanwhile_is_changed() -> None:
    """Flags that are set, and what is expunged, while it is read is not forgotten.

    Of what came from the copy the flags are the copy's.
    """
    stores = Stores()
    for number in range(5):
        run(deliver(stores.account(), LATER + bytes([number])), stores.process)
    run(stores.session().store({4, 6}, Flag.SEEN, "old"), stores.process)

    def changes() -> Steps[None]:
        session = stores.session()
        yield from session.store({1, 3, 7}, Flag.FLAGGED, "new")
        yield from session.store({4}, Flag.ANSWERED)
        yield from session.store({5}, Flag.DELETED)
        yield from session.sync()
        yield from session.expunge()
        yield from deliver(stores.account(), b"last" * 50)

    done = restore_while(stores, changes())
    assert (done.messages, done.kept, done.broken_here) == (2, 5, [])
    assert stores.look().messages == (
        Message(1, 0, frozenset(), BODIES[0]),
        Message(2, Flag.FLAGGED, IMPORTANT, BODIES[1]),
        Message(3, Flag.FLAGGED, frozenset({"new"}), LATER + b"\0"),
        Message(4, Flag.SEEN | Flag.ANSWERED, frozenset({"old"}), LATER + b"\1"),
        Message(6, Flag.SEEN, frozenset({"old"}), LATER + b"\3"),
        Message(7, Flag.FLAGGED, frozenset({"new"}), LATER + b"\4"),
        Message(8, 0, frozenset(), b"last" * 50),
    )
    audit = run(
        check_log(stores.account().directory, MailboxAudit, OWNER), stores.process
    )
    assert audit.findings == []


def test_whenever_compaction_comes() -> None:
    """What compaction moves while it is read is kept, once, or it is to try again."""
    bodies = sorted([*BODIES, LATER, b"last" * 50])
    refused = 0
    for number in itertools.count():
        stores = Stores()
        account = stores.account()
        run(deliver(account, LATER), stores.process)
        for _ in range(20):
            run(deliver(account, bytes(5000)), stores.process)
        run(stores.session().store({*range(4, 24)}, Flag.DELETED), stores.process)
        run(stores.session().expunge(), stores.process)
        rotating = replace(account, settings=replace(account.settings, segment_limit=1))
        run(deliver(rotating, b"last" * 50), stores.process)
        compaction = compacted(account, grace=0.0, least=1 << 20)
        try:
            done = restore_while(stores, compaction, number)
        except MailboxBusy:
            refused += 1
            continue
        assert sorted(message.body for message in stores.look().messages) == bodies
        assert (done.kept, done.broken_here) == (2, [])
        if inspect.getgeneratorstate(compaction) == inspect.GEN_CREATED:
            break  # there were not so many calls
    assert number > 100
    assert refused < number / 2


def test_what_was_delivered_is_known_still() -> None:
    """A delivery that is tried again finds its message, for the rest of its week.

    Also if that was expunged, or came and went while the mailbox was restored. Of a
    client that doesn't say which message it sends, only what was in doubt counts.
    """
    stores = Stores()
    process, old = stores.process, stores.account()
    gone, kept, hasty = (bytes([n]) * 15 + b"\x02" for n in range(3))
    in_doubt, read = (bytes([n]) * 15 + b"\x03" for n in range(2))
    for key in (gone, kept, in_doubt, read):
        assert run(attempt(old, key), process).is_new
    run(remove_doubts(old.directory, {read}), process)
    run(stores.session().store({3}, Flag.DELETED), process)
    run(stores.session().expunge(), process)
    stores.disk.advance_clock(6 * DAY)

    def comes_and_goes() -> Steps[None]:
        yield from attempt(old, hasty)
        session = stores.session()
        yield from session.store({7}, Flag.DELETED)
        yield from session.sync()
        yield from session.expunge()

    done = restore_while(stores, comes_and_goes())
    assert (done.messages, done.kept) == (2, 3)
    new = stores.account()
    audit = run(check_log(new.directory, MailboxAudit, OWNER), process)
    assert audit.findings == []
    for key in (gone, kept, hasty, in_doubt):
        assert not run(attempt(new, key), process).is_new
    assert run(attempt(new, read), process).is_new
    assert len(stores.look().messages) == 6
    assert stores.restore(INBOX).kept == 4
    stores.disk.advance_clock(2 * DAY)
    new = stores.account()
    for key in (hasty, read):
        assert not run(attempt(new, key), process).is_new
    for key in (gone, kept, in_doubt):
        assert run(attempt(new, key), process).is_new


def test_nothing_is_forgotten_for_want_of_room() -> None:
    """Where there is none for what it is to remember, all stays as it was."""
    stores = Stores()
    run(attempt(stores.account(), b"\1" * 15 + b"\2"), stores.process)
    before, directories = stores.look(), stores.directories()
    full = Fault(WRITES, 1, errno.ENOSPC, where=lambda path: path.endswith("/log.2"))
    stores.disk.faults = (full,)
    with pytest.raises(DiskFull):
        stores.restore(INBOX)
    stores.disk.faults = ()
    assert stores.look() == before
    assert stores.directories() == directories
