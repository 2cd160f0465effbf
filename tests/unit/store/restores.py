"""A store, its copy, and what is restored from it, on a simulated disk."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from imapbox.disk.filesystem import Mode
from imapbox.disk.two_roots import THERE
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.model.flags import Flag
from imapbox.model.names import INBOX, MailboxName
from imapbox.store.layout import USERS, mailboxes_directory
from imapbox.store.restore import Restored, restore_mailbox
from imapbox.store.store_copy import copy_user, there
from tests.simulation.disk import run
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    Snapshot,
    deliver,
    new_store,
    open_account,
    sees,
    settings_of,
    submit,
)

TRASH: Final = MailboxName("Trash")
BODIES: Final = (b"one" * 100, b"two" * 100)
LATER: Final = b"later" * 50


class Stores:
    """A store of which a copy is made.

    Args:
        more: Bodies of messages in INBOX that lie in one frame.

    Attributes:
        before: INBOX as it is in the copy.
    """

    def __init__(self, more: Sequence[bytes] = ()) -> None:
        self.disk = new_store(TRASH)
        self.process = self.disk.process(1)
        for body in BODIES:
            run(deliver(self.account(), body), self.process)
        if more:
            wish = AppendMessages([sees(body) for body in more])
            run(submit(self.account(), wish, "append"), self.process)
        session = self.session()
        run(session.store({2}, Flag.FLAGGED, "Important"), self.process)
        self.before = self.look()
        for path in (THERE, f"{THERE}/{USERS}"):
            self.process.make_directory(path)
        run(copy_user(ALICE, settings_of(self.process)), self.process)
        self.disk.settle()

    def change(self) -> None:
        """Let all be expunged, and mail come."""
        run(self.session().store({1, 2}, Flag.DELETED), self.process)
        run(self.session().expunge(), self.process)
        run(deliver(self.account(), LATER), self.process)
        self.disk.settle()

    def account(self, name: MailboxName = INBOX) -> Account:
        """Return what a process knows of a mailbox."""
        account: Account = run(open_account(settings_of(self.process)), self.process)
        return replace(account, name=name)

    def session(self, name: MailboxName = INBOX) -> Session:
        """Return a session that has a mailbox open."""
        session = Session(self.account(name))
        run(session.open(), self.process)
        return session

    def look(self, name: MailboxName = INBOX) -> Snapshot:
        """Return a mailbox as clients see it."""
        found: Snapshot = run(self.session(name).snapshot(), self.process)
        return found

    def restore(self, target: MailboxName, *, source: MailboxName = INBOX) -> Restored:
        """Restore a mailbox; in place, if it has the name that it had."""
        settings = settings_of(self.process)
        done: Restored = run(
            restore_mailbox(ALICE, source, target, settings, in_place=source == target),
            self.process,
        )
        return done

    def rot(self, body: bytes, *, in_copy: bool) -> None:
        """Spoil the octets of a message in INBOX."""
        path, at = self.place(body, in_copy=in_copy)
        fd = self.process.open(path, Mode.WRITE)
        self.process.pwrite(fd, b"rotten", at)
        self.process.close(fd)

    def place(self, body: bytes, *, in_copy: bool) -> tuple[str, int]:
        """Return in which file a message of INBOX lies, and where."""
        directory = self.account().directory
        path = f"{there(directory) if in_copy else directory}/log.1"
        fd = self.process.open(path, Mode.READ)
        at = self.process.pread(fd, self.process.size(fd), 0).index(body)
        self.process.close(fd)
        return path, at

    def directories(self) -> list[str]:
        """Return the directories of all mailboxes."""
        return self.process.list_directory(mailboxes_directory(ALICE))


def contents(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    """Return what the messages are, but for their UIDs."""
    return [message[1:] for message in snapshot.messages]
