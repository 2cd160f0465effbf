"""NOTIFY, of imapbox and Dovecot: what is refused, and what is told in the end.

Where they differ in what they take, a row of the table in
docs/reference/differences.md says so and why.
"""

import contextlib
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from benchmarks.load.imap import ImapClient, Refused
from benchmarks.servers import dovecot, imapbox, short_directory
from tests.support.checked_clients import CheckedClient
from tests.support.told import Told

PAGE: Final = Path(__file__).parents[2] / "docs/reference/differences.md"
PASSWORDS: Final = {"alice": "wonderland"}
BOXES: Final = (b"INBOX", b"a", b"a/b", b"c")
STEPS: Final = 12
PATIENCE: Final = 10.0  # Dovecot gathers what happens within a second
# The same answer by both.
ALIKE: Final = (
    b"NONE",
    b"SET (selected NONE)",
    b"SET (personal NONE)",
    b"SET (selected (MessageNew MessageExpunge))",
    b"SET (selected-delayed (MessageNew (UID FLAGS) MessageExpunge FlagChange))",
    b"SET (mailboxes nowhere (MessageNew MessageExpunge))",
    b"SET (subtree (a c) (MailboxName SubscriptionChange))",
    b"SET STATUS (inboxes (MessageNew MessageExpunge FlagChange))",
    b"SET STATUS (subscribed (MessageNew MessageExpunge)) (personal (MailboxName))",
    b"SET (personal (MessageNew MessageExpunge AnnotationChange))",
    b"SET (selected (MessageNew))",
    b"SET (personal (MessageNew (UID) MessageExpunge))",
    b"SET (selected NONE) (selected-delayed NONE)",
    b"SET (personal ())",
    b"SET (selected MessageNew MessageExpunge)",
    b"SET (everywhere (MailboxName))",
    b"SET (subtree () (MailboxName))",
    b"SET (selected (MessageNew (ALL) MessageExpunge))",
)
# What ours says, and what Dovecot says; by the page's row.
UNLIKE: Final = {
    "Flags alone": (b"SET (personal (FlagChange))", b"BAD", b"OK"),
    "Expunges alone": (b"SET (personal (MessageExpunge))", b"BAD", b"OK"),
    "Names of the selected mailbox": (b"SET (selected (MailboxName))", b"BAD", b"OK"),
    "Events that nobody knows": (b"SET (personal (X-New))", b"NO", b"BAD"),
    "Annotations of mailboxes": (
        b"SET (personal (MailboxMetadataChange))",
        b"OK",
        b"NO",
    ),
    "No mailboxes at all": (b"SET STATUS", b"BAD", b"OK"),
    "Words behind NONE": (b"NONE x", b"BAD", b"OK"),
}
WISHES: Final = (
    b"(selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) "
    b"(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"
)
_COUNTS = re.compile(
    rb'\* STATUS "?([^ "]+)"? \(.*MESSAGES ([0-9]+).*UIDNEXT ([0-9]+).*\)\r\n'
)
_LISTED = re.compile(rb'\* LIST \(([^)]*)\) "/" "?([^ "\r]+)"?(.*)\r\n')
_ROW = re.compile(r"^\| ([^|`]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


class Watcher:
    """Who says nothing, and believes what it is told.

    Attributes:
        told: What it knows of INBOX.
        counts: And of others: how many messages, and what the next UID will be.
        names: Which mailboxes there are; whether each is subscribed.
    """

    def __init__(self, client: ImapClient) -> None:
        self.told = Told()
        self.counts: dict[bytes, tuple[int, int]] = {}
        self.names: dict[bytes, bool] = {}
        self._client = client

    def begin(self) -> None:
        for line in self._client.command(b'LIST (SUBSCRIBED) "" *'):
            self.hear(line)
        for command in (b"SELECT INBOX", b"NOTIFY SET STATUS " + WISHES):
            for line in self._client.command(command):
                self.hear(line)

    def hear_more(self) -> None:
        self.hear(self._client.response())

    def hear(self, line: bytes) -> None:
        self.told.hear([line.removesuffix(b"\r\n")])
        if found := _COUNTS.fullmatch(line):
            self.counts[found[1]] = int(found[2]), int(found[3])
        elif found := _LISTED.fullmatch(line):
            if old := re.search(rb'"OLDNAME" \("?([^ ")]+)"?\)', found[3]):
                self.names.pop(old[1], None)
                if old[1] in self.counts:
                    self.counts[found[2]] = self.counts.pop(old[1])
            if b"\\NonExistent" in found[1] or b"\\Noselect" in found[1]:
                self.names.pop(found[2], None)
            else:
                self.names[found[2]] = b"\\Subscribed" in found[1]


@pytest.fixture(scope="module")
def servers(
    require_program: Callable[[str], str], require_root: Callable[[], None]
) -> Iterator[list[tuple[ImapClient, ImapClient]]]:
    """Return, of ours and of theirs, who works and who watches."""
    require_root()
    require_program("dovecot")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        ours = stack.enter_context(imapbox(directory / "imapbox", PASSWORDS)).imap
        theirs = stack.enter_context(dovecot(directory / "dovecot", PASSWORDS)).imap
        found = [
            (ImapClient(ours), CheckedClient(ours, patience=PATIENCE)),
            (ImapClient(theirs), ImapClient(theirs, patience=PATIENCE)),
        ]
        for client in (each for pair in found for each in pair):
            client.login("alice", PASSWORDS["alice"])
        for worker, _ in found:
            for name in BOXES[1:]:
                worker.command(b"CREATE " + name)
        yield found
        for client in (each for pair in found for each in pair):
            client.logout()


def verdict(client: ImapClient, command: bytes) -> bytes:
    """How a NOTIFY is answered: OK, NO or BAD."""
    try:
        client.command(b"NOTIFY " + command)
    except Refused as refused:
        return bytes(refused.args[0]).split()[1]
    return b"OK"


def test_what_is_taken(servers: list[tuple[ImapClient, ImapClient]]) -> None:
    """Both take the same, but for what the page says."""
    (_, ours), (_, theirs) = servers
    for command in ALIKE:
        assert verdict(ours, command) == verdict(theirs, command), command
    for command, *said in UNLIKE.values():
        assert [verdict(ours, command), verdict(theirs, command)] == said, command
    section = PAGE.read_text().partition("## NOTIFY")[2].partition("\n## ")[0]
    assert [each.strip() for each in _ROW.findall(section)][1:] == list(UNLIKE)


def work(worker: ImapClient, chance: random.Random) -> None:
    """Do what the same chance does to the other server, too."""
    worker.command(b"SELECT INBOX")
    for step in range(STEPS):
        command = chance.choice(
            (
                *(b"APPEND %b (\\Seen) {6+}\r\na: b\r\n" % each for each in BOXES),
                b"STORE 1 +FLAGS.SILENT (\\Flagged)",
                b"STORE 1 +FLAGS.SILENT (\\Deleted)",
                b"EXPUNGE",
                b"CREATE n%d" % step,
                b"SUBSCRIBE %b" % chance.choice(BOXES),
                b"UNSUBSCRIBE %b" % chance.choice(BOXES),
            )
        )
        with contextlib.suppress(Refused):
            worker.command(command)
    worker.command(b"RENAME c d")


def truth(worker: ImapClient) -> Watcher:
    """What somebody knows who asks for all of it."""
    knows = Watcher(worker)
    for command in (b"SELECT INBOX", b"FETCH 1:* (UID FLAGS)", b'LIST "" *'):
        with contextlib.suppress(Refused):
            for line in worker.command(command):
                knows.hear(line)
    for line in worker.command(b'LIST (SUBSCRIBED) "" *'):
        knows.hear(line)
    for name in list(knows.names):
        if name != b"INBOX":
            for line in worker.command(b"STATUS %b (MESSAGES UIDNEXT)" % name):
                knows.hear(line)
    return knows


def test_what_is_told_in_the_end(
    servers: list[tuple[ImapClient, ImapClient]], seed: int
) -> None:
    """Who says nothing knows in the end what somebody knows who asks, by either."""
    for worker, client in servers:
        worker.command(b"APPEND INBOX {6+}\r\na: b\r\n")
        watcher = Watcher(client)
        for line in worker.command(b'LIST "" *'):
            watcher.hear(line)
        watcher.begin()
        for line in client.command(b"FETCH 1:* (UID FLAGS)"):
            watcher.hear(line)
        work(worker, random.Random(seed))
        knows = truth(worker)

        def knows_all(watcher: Watcher = watcher, knows: Watcher = knows) -> bool:
            counts = {name: watcher.counts.get(name, (0, 1)) for name in knows.counts}
            return (
                [(each.uid, each.flags) for each in watcher.told.messages]
                == [(each.uid, each.flags) for each in knows.told.messages]
                and counts == knows.counts
                and watcher.names == knows.names
            )

        if not isinstance(client, CheckedClient):
            # Dovecot tells of the selected mailbox half a minute later.
            for line in client.command(b"NOOP"):
                watcher.hear(line)
        while not knows_all():
            watcher.hear_more()
        client.command(b"NOTIFY NONE")
