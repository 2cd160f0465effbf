"""A process that serves Alice, and what others then find of her mail.

A command goes in as octets, by LMTP or IMAP, and what was answered is a word
with its code, such as ``NO [OVERQUOTA]`` or ``452 4.3.1``.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Final, NamedTuple

from imapbox.model.names import MailboxName, UserName
from imapbox.store.deliveries import Deliveries
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.mailbox import Session, Snapshot, open_account, settings_of
from tests.simulation.whole import WholeStore, account_in, whole_store
from tests.support.imap_client import Client, FakeLogins
from tests.support.lmtp_store import Conversation, statuses

SERVER: Final = 1
MESSAGE: Final = b"Subject: one\r\n\r\nOne."
_FIRST_LINE: Final = b"Subject:"
_ANSWER: Final = re.compile(rb"^t (OK|NO|BAD)( \[[A-Z]+)?", re.MULTILINE)


class Mail(NamedTuple):
    """All that there is of an account.

    Attributes:
        mailboxes: By name.
        subscribed: Names; they need not exist.
        highest_uidvalidity: Ever given.
    """

    mailboxes: dict[str, Snapshot]
    subscribed: frozenset[str]
    highest_uidvalidity: int


async def knows_nobody(_: UserName) -> bool | None:
    """Answer as a site without a directory of its users."""
    return None


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
    account = run(open_account(settings_of(process)), process)
    found = {}
    for name in account.state.names:
        session = Session(replace(account, name=name))
        run(session.open(), process)
        found[str(name)] = as_sent(run(session.snapshot(), process))
        run(session.close(), process)
    subscribed = frozenset(map(str, account.state.subscribed))
    return Mail(found, subscribed, account.state.highest_uidvalidity)


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
