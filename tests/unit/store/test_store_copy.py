"""What becomes of a copy where something is wrong."""

from dataclasses import replace
from typing import Final

import pytest

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import THERE
from imapbox.index.head import Head
from imapbox.index.log_copy import BeginningGone, LogCopy
from imapbox.model.errors import MailboxBusy
from imapbox.model.names import MailboxName, UserName
from imapbox.store.create import create_account
from imapbox.store.format import NotAStore, prepare_store
from imapbox.store.layout import (
    STORE_FILE,
    UNFINISHED,
    USERS,
    account_directory,
    mailboxes_directory,
)
from imapbox.store.store_copy import (
    CopiedUser,
    NotEmpty,
    Unfinished,
    begin_copy,
    copy_user,
    end_copy,
    there,
)
from imapbox.store.users import users_with_account
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    deliver,
    new_store,
    open_account,
    settings_of,
)

TRASH: Final = MailboxName("Trash")
BOB: Final = UserName("bob")
BODY: Final = b"a message" * 20


class Copied:
    """A store, and its copy."""

    def __init__(self) -> None:
        self.disk = new_store(TRASH)
        self.process = self.disk.process(1)
        self.account: Account = self.open()
        run(deliver(self.account, BODY), self.process)
        for path in (THERE, f"{THERE}/{USERS}"):
            self.process.make_directory(path)

    def open(self) -> Account:
        """Return what a process knows of the account."""
        account: Account = run(open_account(settings_of(self.process)), self.process)
        return account

    def copy(self) -> CopiedUser:
        """Copy Alice's mail."""
        settings = replace(settings_of(self.process), patience=0.1)
        done: CopiedUser = run(copy_user(ALICE, settings), self.process)
        return done

    def bodies(self) -> list[bytes]:
        """Return what is in INBOX, for who has the copy for a store."""
        copy = SimulatedDisk(boot=self.disk.boot)
        for path, inode in self.disk.names.items():
            if path.startswith(f"{THERE}/"):
                copy.names[path.removeprefix(f"{THERE}/")] = inode
                copy.data[inode] = self.disk.data[inode]
        process = copy.process(1)
        account: Account = run(open_account(settings_of(process)), process)
        session = Session(account)
        run(session.open(), process)
        found = run(session.snapshot(), process)
        return [message.body for message in found.messages]

    def touch(self, path: str) -> None:
        """Make a file."""
        self.process.close(self.process.open(path, Mode.CREATE))


@pytest.fixture
def copied() -> Copied:
    """A store in which Alice has a message."""
    return Copied()


def test_all_is_counted(copied: Copied) -> None:
    """What was copied is said: mailboxes, messages, octets of the logs."""
    done = copied.copy()
    assert (done.mailboxes, done.messages, done.damaged) == (2, 1, [])
    logs = [
        data
        for path, data in copied.disk.tree().items()
        if path.startswith(THERE) and path.rpartition("/")[2].startswith("log.")
    ]
    assert done.octets == sum(map(len, logs))
    assert copied.bodies() == [BODY]


def test_a_damaged_mailbox_is_copied_as_it_is(copied: Copied) -> None:
    """Mark and all, and it is said which one."""
    directory = copied.account.directory
    copied.touch(f"{directory}/damaged")
    done = copied.copy()
    assert (done.damaged, done.messages) == ([directory], 1)
    assert copied.process.exists(there(f"{directory}/damaged"))
    assert copied.bodies() == [BODY]


def test_of_a_damaged_account_the_mailboxes_are_copied(copied: Copied) -> None:
    """Its mailboxes take mail, and are worth a copy."""
    directory = account_directory(ALICE)
    copied.touch(f"{directory}/damaged")
    assert copied.copy().damaged == [directory]
    assert copied.bodies() == [BODY]


def test_a_mailbox_that_is_not_there_is_said(copied: Copied) -> None:
    """All others are copied."""
    directory = replace(copied.account, name=TRASH).directory
    for name in copied.process.list_directory(directory):
        copied.process.unlink(f"{directory}/{name}")
    copied.process.remove_directory(directory)
    done = copied.copy()
    assert (done.mailboxes, done.damaged, done.missing) == (1, [], [directory])
    assert copied.bodies() == [BODY]


@pytest.mark.parametrize("how", ["lost", "torn", "older"])
def test_a_head_that_does_not_tell_all_is_settled(copied: Copied, how: str) -> None:
    """Behind a power loss all that was acknowledged is in the copy, too."""
    path = f"{copied.account.directory}/head"
    before = copied.disk.content(path)
    run(deliver(copied.account, b"newer" * 20), copied.process)
    copied.process.unlink(path)
    if how != "lost":
        fd = copied.process.open(path, Mode.CREATE)
        copied.process.pwrite(fd, before if how == "older" else before[:30], 0)
        copied.process.close(fd)
    copied.disk.boot += 1
    assert copied.copy().messages == 2
    assert copied.bodies() == [BODY, b"newer" * 20]
    head = Head.decode(copied.disk.content(there(path)))
    assert head is not None
    assert head.boot == copied.disk.boot


def test_who_holds_the_lock_is_waited_for(copied: Copied) -> None:
    """An account's lock is needed for a moment, a mailbox's is not."""
    other = copied.disk.process(2)
    inbox = other.open(f"{copied.account.directory}/lock", Mode.WRITE)
    assert other.try_lock(inbox)
    account = other.open(f"{account_directory(ALICE)}/lock", Mode.WRITE)
    assert other.try_lock(account)
    with pytest.raises(MailboxBusy):
        copied.copy()
    other.close(account)
    assert copied.copy().messages == 1


def test_a_damaged_mailbox_that_goes_meanwhile(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is missed; all others are copied."""
    trash = replace(copied.account, name=TRASH).directory
    copied.touch(f"{trash}/damaged")
    take_all = LogCopy.take_all

    def removed_before(copy: LogCopy) -> Steps[None]:
        if copied.process.exists(trash):
            for name in copied.process.list_directory(trash):
                copied.process.unlink(f"{trash}/{name}")
            copied.process.remove_directory(trash)
        yield from take_all(copy)

    monkeypatch.setattr(LogCopy, "take_all", removed_before)
    done = copied.copy()
    assert (done.mailboxes, done.damaged, done.missing) == (1, [], [trash])
    assert copied.bodies() == [BODY]


def test_what_was_ended_already_is_copied_anew(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the last one changes meanwhile, as beneath a repair, all begin again."""
    mark = f"{account_directory(ALICE)}/damaged"
    copied.touch(mark)
    take_all = LogCopy.take_all

    def mended_before(copy: LogCopy) -> Steps[None]:
        if copied.process.exists(mark):
            copied.process.unlink(mark)
            raise BeginningGone
        yield from take_all(copy)

    monkeypatch.setattr(LogCopy, "take_all", mended_before)
    done = copied.copy()
    assert (done.mailboxes, done.damaged) == (2, [])
    assert copied.bodies() == [BODY]


def test_a_full_disk_leaves_no_account(copied: Copied) -> None:
    """Mail of whom not all could be copied is not taken for a user's."""
    copied.disk.room = 800
    with pytest.raises(OSError):
        copied.copy()
    assert not copied.process.exists(there(f"{account_directory(ALICE)}/log.1"))


def test_a_deleted_mailbox_is_not_copied(copied: Copied) -> None:
    """Nor is what no account names."""
    copied.process.make_directory(f"{mailboxes_directory(ALICE)}/{'f' * 32}")
    copied.copy()
    names = copied.process.list_directory(there(mailboxes_directory(ALICE)))
    assert names == sorted(each.hex() for each in copied.account.state.mailboxes)


def test_it_is_no_store_before_its_end() -> None:
    """A copy is begun in an empty directory, also of a file system of its own.

    It is a store once it is ended.
    """
    disk = SimulatedDisk()
    process = disk.process(1)
    with pytest.raises(NotAStore):
        run(begin_copy(), process)
    run(prepare_store(), process)
    process.make_directory(THERE)
    # The file system's own: mke2fs(8).
    process.make_directory(there("lost+found"))
    run(begin_copy(), process)
    with pytest.raises(Unfinished):
        run(begin_copy(), process)
    assert process.exists(there(UNFINISHED))
    assert not process.exists(there(STORE_FILE))
    run(end_copy(), process)
    assert not process.exists(there(UNFINISHED))
    assert disk.content(there(STORE_FILE)) == disk.content(STORE_FILE)
    with pytest.raises(NotEmpty):
        run(begin_copy(), process)


def test_who_has_mail_is_found() -> None:
    """Users whose account was made; litter and strangers are passed over."""
    disk = new_store()
    process = disk.process(1)
    run(create_account(BOB, settings_of(process), {}), process)
    process.make_directory(f"{USERS}/zz")
    process.make_directory(f"{USERS}/zz/%ff")
    process.make_directory(f"{USERS}/zz/carol")
    assert sorted(run(users_with_account(), process).users) == [ALICE, BOB]
