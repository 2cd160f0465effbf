"""The cleaner of deleted mailboxes."""

import errno
import itertools
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest

from imapbox.disk.filesystem import Mode
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.model.errors import MailboxDamaged
from imapbox.model.names import MailboxName
from imapbox.store.clean import remove_deleted
from imapbox.store.create import create_mailbox_log
from imapbox.store.delete import delete_mailbox
from imapbox.store.layout import mailbox_directory
from tests.simulation.crash import Crashes
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.fault import OPENINGS, UNOPENED, WRITES, Fault
from tests.simulation.ledger import is_damaged
from tests.simulation.mailbox import (
    ALICE,
    new_store,
    open_account,
    sees,
    settings_of,
    submit,
)
from tests.simulation.repairing import flip, frames_of, repair, worst

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
DRAFTS: Final = MailboxName("Drafts")


class Deleted:
    """A store in which a mailbox with a message was deleted a moment ago.

    Args:
        faults: What failed when its head was to say so.
    """

    def __init__(self, *faults: Fault) -> None:
        self.disk = new_store(DRAFTS)
        self.process = self.disk.process(1)
        self.settings = settings_of(self.process)
        account: Any = run(open_account(self.settings), self.process)
        self.mailbox_id = account.state.names[DRAFTS].mailbox_id
        self.directory = mailbox_directory(ALICE, self.mailbox_id)
        account.name = DRAFTS
        run(submit(account, AppendMessages([sees(b"x")]), "append"), self.process)
        steps = delete_mailbox(ALICE, account.state, DRAFTS, self.settings)
        head = f"{self.directory}/head"
        self.disk.faults = tuple(replace(each, where=head.__eq__) for each in faults)
        run(steps, self.process)
        self.disk.faults = ()

    def clean(self, mailbox_id: bytes | None = None) -> bool:
        """Remove it, if its time is over."""
        steps = remove_deleted(ALICE, mailbox_id or self.mailbox_id, DAY, self.settings)
        removed: bool = run(steps, self.process)
        return removed

    def is_there(self) -> bool:
        """Say whether anything of it is."""
        return any(path.startswith(self.directory) for path in self.disk.names)


def test_a_deleted_mailbox_stays_for_a_day() -> None:
    """Then nothing of it is left, and the next cleaner finds nothing to do."""
    deleted = Deleted()
    deleted.disk.advance_clock(DAY - HOUR)
    assert not deleted.clean()
    assert deleted.is_there()
    deleted.disk.advance_clock(2 * HOUR)
    assert deleted.clean()
    assert not deleted.is_there()
    assert not deleted.clean()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("short", [False, True])
def test_a_deleted_mailbox_without_its_mark_goes_too(error: int, short: bool) -> None:
    """Whatever happened to its head, also if that is torn since."""
    fault = Fault(WRITES, 1, error, short=short)
    deleted = Deleted(fault)
    deleted.disk.advance_clock(DAY + HOUR)
    assert deleted.clean()
    assert not deleted.is_there()


@pytest.mark.parametrize("error", UNOPENED)
def test_what_can_not_be_opened_is_removed_later(error: int) -> None:
    """For want of a descriptor, at whatever call, nobody marks what is to go."""
    for number in itertools.count(1):
        deleted = Deleted()
        deleted.disk.advance_clock(DAY + HOUR)
        fault = Fault(OPENINGS, number, error)
        deleted.disk.faults = (fault,)
        with suppress(OSError):
            deleted.clean()
        deleted.disk.faults = ()
        assert not is_damaged(deleted.disk)
        deleted.clean()
        assert not deleted.is_there()
        if not fault.fired:
            break
    assert number > 15


def test_what_no_delete_names_is_left_alone() -> None:
    """A mailbox that is being made, or that exists, is nobody's to remove."""
    deleted = Deleted()
    unknown = bytes(range(16))
    run(create_mailbox_log(ALICE, unknown, 1, deleted.settings), deleted.process)
    account: Any = run(open_account(deleted.settings), deleted.process)
    deleted.disk.advance_clock(9 * DAY)
    for mailbox_id in (unknown, *account.state.mailboxes):
        assert not deleted.clean(mailbox_id)
        assert mailbox_directory(ALICE, mailbox_id) in deleted.disk.names


@pytest.mark.parametrize("broken", [False, True], ids=["marked", "broken"])
def test_a_damaged_one_stays_until_it_is_repaired(broken: bool) -> None:
    """Somebody may want to look at it; a day after its repair it goes."""
    deleted = Deleted()
    deleted.disk.advance_clock(9 * DAY)
    deleted.process.close(
        deleted.process.open(f"{deleted.directory}/damaged", Mode.CREATE)
    )
    if broken:
        frame = frames_of(deleted.disk, deleted.directory)[1]
        flip(deleted.disk, f"{deleted.directory}/log.1", frame.start + 70)
    with pytest.raises(MailboxDamaged):
        deleted.clean()
    assert deleted.is_there()
    assert worst(deleted.disk, 4, deleted.directory)
    assert repair(deleted.disk, 5)
    assert not worst(deleted.disk, 6, deleted.directory)
    assert not repair(deleted.disk, 7)
    deleted.disk.advance_clock(DAY + HOUR)
    assert deleted.clean()
    assert not deleted.is_there()


def test_a_crash_leaves_what_the_next_one_removes() -> None:
    """Wherever it comes, by power loss too."""
    deleted = Deleted()
    deleted.disk.settle()
    deleted.disk.advance_clock(9 * DAY)
    crashes = 0

    def clean(disk: SimulatedDisk) -> None:
        deleted.disk = disk
        deleted.process = disk.process(2)
        assert deleted.clean()

    for crash in Crashes(deleted.disk, clean, random_subsets=20):
        crashes += 1
        deleted.disk, deleted.process = crash.disk, crash.disk.process(3)
        deleted.settings = settings_of(deleted.process)
        deleted.clean()
        assert not deleted.is_there()
    assert crashes > 20


def leave_litter(deleted: Deleted) -> None:
    """Be a process that has the mailbox open, and makes a snapshot of it."""
    late = deleted.disk.process(4)
    late.close(late.open(f"{deleted.directory}/snap.1.2.3", Mode.CREATE))


def test_what_a_reader_makes_meanwhile_goes_too() -> None:
    """Who had the mailbox open may write a snapshot while it is removed."""
    deleted = Deleted()
    deleted.disk.advance_clock(9 * DAY)
    unlink = deleted.process.unlink

    def and_then_make_one(path: str) -> None:
        unlink(path)
        if path == f"{deleted.directory}/lock":
            leave_litter(deleted)

    deleted.process.unlink = and_then_make_one  # type: ignore[method-assign] # a turn
    assert deleted.clean()
    assert not deleted.is_there()


def test_litter_without_a_lock_goes_the_next_time() -> None:
    """A crash may leave it behind the last of the mailbox's own files."""
    deleted = Deleted()
    deleted.disk.advance_clock(9 * DAY)
    for name in deleted.process.list_directory(deleted.directory):
        deleted.process.unlink(f"{deleted.directory}/{name}")
    leave_litter(deleted)
    assert deleted.clean()
    assert not deleted.is_there()
