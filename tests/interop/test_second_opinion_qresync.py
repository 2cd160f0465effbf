"""QRESYNC after random histories, of imapbox and Dovecot. RFC 7162 §3.2.5.

The same is done to the same mailbox in both, and a client that was there before
comes back to both with what it knew then. What it knows in the end must be the
same; and of what ours tells it, nothing may be more than it must be told.
"""

import contextlib
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

import pytest

from benchmarks.load.imap import ImapClient, Refused
from benchmarks.servers import dovecot, imapbox, short_directory
from tests.support.checked_clients import CheckedClient
from tests.support.told import Told

PASSWORDS: Final = {"alice": "wonderland"}
HISTORIES: Final = 6
STEPS: Final = 25
FLAGS: Final = (b"\\Seen", b"\\Deleted", b"\\Flagged", b"\\Draft", b"one", b"$Two")
_VALIDITY = re.compile(rb"UIDVALIDITY ([0-9]+)")
_EARLIER = re.compile(rb"\* VANISHED \(EARLIER\) ([0-9,:]+)\r\n")


@dataclass
class Back:
    """One client of one server, each time it was there."""

    client: ImapClient
    validity: bytes = b""
    known: list[Told] = field(default_factory=list)

    def look(self, mailbox: bytes) -> None:
        """Be there, and remember all."""
        told = Told(hears_uids=True)
        heard = _said(self.client, b"SELECT " + mailbox)
        told.hear(heard)
        if told.messages:
            told.hear(_said(self.client, b"FETCH 1:* (UID FLAGS)"))
        found = _VALIDITY.search(b"".join(heard))
        assert found
        self.validity = found[1]
        self.known.append(told)
        self.client.command(b"UNSELECT")

    def come_back(
        self, mailbox: bytes, when: int, *, names_all: bool, pairs: bool
    ) -> tuple[Told, list[bytes]]:
        """Come back with what it knew then; return what it knows, and was told."""
        told = deepcopy(self.known[when])
        uids = [each.uid or 0 for each in told.messages]
        words = [self.validity, b"%d" % told.highestmodseq]
        if names_all and uids:
            words.append(b",".join(b"%d" % uid for uid in uids))
            if pairs:
                some = range(0, len(uids), 3)
                seqs = b",".join(b"%d" % (at + 1) for at in some)
                words.append(
                    b"(%b %b)" % (seqs, b",".join(b"%d" % uids[at] for at in some))
                )
        line = b"SELECT %b (QRESYNC (%b))" % (mailbox, b" ".join(words))
        heard = _said(self.client, line)
        told.come_back(heard)
        if told.unknown():
            numbers = b",".join(b"%d" % seq for seq in told.unknown())
            told.hear(_said(self.client, b"FETCH %b (UID FLAGS)" % numbers))
        self.client.command(b"UNSELECT")
        return told, heard


def _said(client: ImapClient, command: bytes) -> list[bytes]:
    return [each.removesuffix(b"\r\n") for each in client.command(command)]


@pytest.fixture(scope="module")
def servers(
    require_program: Callable[[str], str], require_root: Callable[[], None]
) -> Iterator[tuple[list[ImapClient], list[Back]]]:
    """Return who works, and who comes and goes, of ours and then of theirs."""
    require_root()
    require_program("dovecot")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        ours = stack.enter_context(imapbox(directory / "imapbox", PASSWORDS))
        theirs = stack.enter_context(dovecot(directory / "dovecot", PASSWORDS))
        workers = [CheckedClient(ours.imap), ImapClient(theirs.imap)]
        guests = [CheckedClient(ours.imap), ImapClient(theirs.imap)]
        for client in (*workers, *guests):
            client.login("alice", PASSWORDS["alice"])
        for client in guests:
            client.command(b"ENABLE QRESYNC")
        yield workers, [Back(client) for client in guests]
        for client in (*workers, *guests):
            client.logout()


def work(clients: list[ImapClient], chance: random.Random, mailbox: bytes) -> None:
    """Do the same to the same messages in both."""
    for _ in range(STEPS):
        flags = b" ".join(chance.sample(FLAGS, chance.randint(0, 2)))
        uids = chance.sample(range(1, 60), chance.randint(1, 8))
        some = b",".join(b"%d" % uid for uid in sorted(uids))
        command = chance.choice(
            (
                b"APPEND %b (%b) {6+}\r\na: b\r\n" % (mailbox, flags),
                b"APPEND %b (%b) {6+}\r\na: b\r\n" % (mailbox, flags),
                b"UID STORE %b %bFLAGS.SILENT (%b)"
                % (some, chance.choice((b"+", b"-", b"", b"+")), flags),
                b"UID STORE %b +FLAGS.SILENT (\\Deleted)" % some,
                b"UID EXPUNGE %b" % some,
                b"UID COPY %b %b" % (some, mailbox),
            )
        )
        for client in clients:
            # Of what is none at all Dovecot's COPY is refused.
            with contextlib.suppress(Refused):
                client.command(command)


def vanished_in(heard: list[bytes]) -> set[int]:
    """Which UIDs are told to have vanished."""
    gone: set[int] = set()
    for line in heard:
        if found := _EARLIER.fullmatch(line + b"\r\n"):
            for each in found[1].split(b","):
                low, _, high = each.partition(b":")
                gone |= set(range(int(low), int(high or low) + 1))
    return gone


def facts_of(told: Told) -> list[tuple[int | None, frozenset[str] | None]]:
    """What is known of each message, but for modseqs, which each server gives."""
    return [(each.uid, each.flags) for each in told.messages]


def test_who_comes_back_knows_the_same(
    servers: tuple[list[ImapClient], list[Back]], seed: int
) -> None:
    """After any history a client that comes back to either knows the same mailbox."""
    workers, (ours, theirs) = servers
    for history in range(HISTORIES):
        chance = random.Random(seed + history)
        mailbox = b"h%d" % history
        ours.known, theirs.known = [], []
        for client in workers:
            client.command(b"CREATE " + mailbox)
            client.command(b"SELECT " + mailbox)
        for _ in range(3):
            work(workers, chance, mailbox)
            for back in (ours, theirs):
                back.look(mailbox)
            assert facts_of(ours.known[-1]) == facts_of(theirs.known[-1])
        work(workers, chance, mailbox)
        for when in range(3):
            names_all, pairs = chance.random() < 0.7, chance.random() < 0.5
            told, heard = ours.come_back(
                mailbox, when, names_all=names_all, pairs=pairs
            )
            same, _ = theirs.come_back(mailbox, when, names_all=names_all, pairs=pairs)
            assert facts_of(told) == facts_of(same)
            before = {each.uid: each for each in ours.known[when].messages}
            now = {each.uid: each for each in told.messages}
            _check_no_more(before, now, heard, names_all=names_all)


def _check_no_more(
    before: dict[int | None, object],
    now: dict[int | None, object],
    heard: list[bytes],
    *,
    names_all: bool,
) -> None:
    """Nobody vanished who is there, or was not known; what is told did change."""
    gone = vanished_in(heard)
    assert not gone & now.keys()
    if names_all:
        assert gone == before.keys() - now.keys()
    else:
        assert gone >= before.keys() - now.keys()
    told = [
        int(found[1]) for each in heard if (found := re.search(rb"UID (\d+) F", each))
    ]
    assert len(told) == len(set(told))
    unchanged = {uid for uid, message in before.items() if now.get(uid) == message}
    assert not unchanged & set(told)
