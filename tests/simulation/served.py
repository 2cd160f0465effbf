"""A process that serves Alice, and what others then find of her mail.

A command goes in as octets, by LMTP or IMAP, and what was answered is a word
with its code, such as ``NO [OVERQUOTA]`` or ``452 4.3.1``.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from imapbox.model.names import MailboxName, UserName
from imapbox.store.deliveries import Deliveries
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.mailbox import (
    ACCOUNT,
    Account,
    Session,
    Snapshot,
    open_account,
    settings_of,
)
from tests.simulation.whole import WholeStore, account_in, whole_store
from tests.support.imap_client import Client, FakeLogins
from tests.support.lmtp_store import Conversation, statuses

SERVER: Final = 1
READER: Final = 40
MESSAGE: Final = b"Subject: one\r\n\r\nOne."
_FIRST_LINE: Final = b"Subject:"
_ANSWER: Final = re.compile(rb"^t (OK|NO|BAD)( \[[A-Z]+)?", re.MULTILINE)


class Mail(NamedTuple):
    """All that there is of an account.

    Attributes:
        mailboxes: By name.
        subscribed: Names; they need not exist.
        highest_uidvalidity: Ever given.
        meta: Facts of the account and its mailboxes, by id.
    """

    mailboxes: dict[str, Snapshot]
    subscribed: frozenset[str]
    highest_uidvalidity: int
    meta: dict[bytes, dict[str, bytes]]


async def knows_nobody(_: UserName) -> bool | None:
    """Answer as a site without a directory of its users."""
    return None


def _no_secret(size: int) -> str:
    """Let the ids of transactions be alike, and so what is stored."""
    return "00" * size


class Deliverer:
    """One process, with an LMTP client."""

    def __init__(self, disk: SimulatedDisk, pid: int = SERVER) -> None:
        self.disk = disk
        self.process = disk.process(pid)
        self.store = WholeStore(self.process)
        self.lmtp = Conversation(Deliveries(self.store, knows_nobody))
        self.lmtp.send(b"LHLO client\r\n")

    def deliver(self, body: bytes, detail: str = "") -> str:
        """Send a message; return what its recipient's reply begins with."""
        address = f"alice+{detail}" if detail else "alice"
        with patch("secrets.token_hex", _no_secret):
            self.lmtp.send(b"RSET\r\nMAIL FROM:<bob@example>\r\n")
        said = self.lmtp.send(b"RCPT TO:<%b@example>\r\n" % address.encode())
        if statuses(said)[-1] != "250 2.1.5":
            return statuses(said)[-1]
        self.lmtp.send(b"DATA\r\n")
        reply = statuses(self.lmtp.send(body + b"\r\n.\r\n"))
        return reply[0] if reply else ""

    def end(self) -> None:
        """Close the connection, and the store."""
        self.lmtp.transport.loseConnection()
        self.store.end()


class Served(Deliverer):
    """The same, with a session besides that has INBOX selected."""

    def __init__(self, disk: SimulatedDisk, pid: int = SERVER) -> None:
        super().__init__(disk, pid)
        self.imap = Client(logins=FakeLogins(account_in(self.store))).login().select()

    def say(self, command: bytes) -> str:
        """Send an IMAP command; return how it went."""
        said = self.imap.say(b"t " + command + b"\r\n")
        found = _ANSWER.search(said)
        if found is None:
            return "BYE" if b"* BYE" in said else "no answer"
        word, code = found.groups()
        if word == b"OK" or code is None:
            return word.decode()
        return f"{word.decode()}{code.decode()}]"

    def end(self) -> None:
        """Close the connections, and the store."""
        self.imap.drop()
        super().end()


def served_store(*others: MailboxName) -> SimulatedDisk:
    """Return a machine with a message in INBOX, recent no more; all of it durable."""
    disk = whole_store(*others)
    for pid in (8, 9):
        served = Served(disk, pid)
        if pid == 8:
            assert served.deliver(MESSAGE) == "250 2.0.0"
        served.end()
        disk.kill(pid)
    disk.settle()
    disk.acknowledged = disk.promised_before = ()
    return disk


def read_mail(process: SimulatedFileSystem) -> Mail:
    """Return what somebody finds who was not there before."""
    account: Account = run(open_account(settings_of(process)), process)
    found = {
        str(name): read_mailbox(replace(account, name=name), process)
        for name in account.state.names
    }
    return _mail(account, found)


def _mail(account: Account, found: dict[str, Snapshot]) -> Mail:
    state = account.state
    subscribed = frozenset(map(str, state.subscribed))
    return Mail(found, subscribed, state.highest_uidvalidity, state.meta)


def read_mailbox(account: Account, process: SimulatedFileSystem) -> Snapshot:
    """Return what somebody finds in the account's mailbox."""
    session = Session(account)
    run(session.open(), process)
    found = as_sent(run(session.snapshot(), process))
    run(session.close(), process)
    return found


class Memory:
    """Tells what is found on a disk; what is alike was looked at before.

    An account and a mailbox are each what is in one directory.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Any] = {}

    def mail(self, disk: SimulatedDisk) -> Mail:
        """Return what `read_mail` would; the disk stays as it is."""
        account: Account = self._once(
            disk,
            ACCOUNT,
            lambda process: run(open_account(settings_of(process)), process),
        )
        found = {}
        for name in account.state.names:
            there = replace(account, name=name)
            read = partial(read_mailbox, there)
            found[str(name)] = self._once(disk, there.directory, read)
        return _mail(account, found)

    def _once(
        self,
        disk: SimulatedDisk,
        directory: str,
        read: Callable[[SimulatedFileSystem], Any],
    ) -> Any:
        files = sorted(
            (path, inode)
            for path, inode in disk.names.items()
            if path.startswith(f"{directory}/")
        )
        key = disk.boot, hash(tuple((path, disk.data[inode]) for path, inode in files))
        if key not in self._known:
            self._known[key] = read(disk.copy().process(READER))
        return self._known[key]


def as_sent(found: Snapshot) -> Snapshot:
    """Return a mailbox without the header lines of its deliveries."""
    messages = tuple(
        each._replace(body=each.body[each.body.find(_FIRST_LINE) :])
        for each in found.messages
    )
    return found._replace(messages=messages)


def check_between(before: Mail, after: Mail, found: Mail, *, halfway: bool) -> None:
    """A change is done or not.

    Args:
        before: What was there without it.
        after: What should become of that.
        found: What is there.
        halfway: It is several changes, and may end between any two of them: a
            message that is moved is in one mailbox or in both.
    """
    if found in (before, after):
        return
    assert halfway, f"found {found}, neither {before} nor {after}"
    assert before.highest_uidvalidity <= found.highest_uidvalidity
    lost = bodies_in(before).keys() - bodies_in(found).keys()
    assert not lost, f"messages are nowhere: {lost}"
    for name, mailbox in found.mailboxes.items():
        most = bodies_in(before, name) | bodies_in(after, name)
        assert bodies_in(found, name) <= most, f"a message is twice in {name}"
        then = before.mailboxes.get(name, mailbox)
        assert then.uidnext <= mailbox.uidnext, "UIDs are given again"
        assert then.modseq <= mailbox.modseq, "MODSEQ goes back"


def bodies_in(mail: Mail, name: str = "") -> Counter[bytes]:
    """Return the messages of one mailbox, or of all."""
    return Counter(
        message.body
        for which, found in mail.mailboxes.items()
        if name in {"", which}
        for message in found.messages
    )
