"""What was said by processes that lived on one store, and what is there."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.store.check import Finding, StoreCheck
from tests.kills.facts import Facts, facts_there, guest_of, rights_there
from tests.kills.life import message
from tests.support.mail_store import Stores
from tests.support.stage import SharingLogins, Stage

_MESSAGE = re.compile(
    rb"UID ([0-9]+) BODY\[\] \{([0-9]+)\}\r\n(Subject: ([^\r]+)\r\n)", re.DOTALL
)


@dataclass
class Books:
    """What was said by all that lived on one store.

    Attributes:
        tried: Marks of messages that may be there.
        has: The UIDs of those that must be, by mark.
        doomed: UIDs that may be gone.
        gone: UIDs that must be.
        replaced: Marks of those that take the place of a UID's.
        facts: Of the account.
        uidnext: Behind the greatest UID that was told.
        modseq: The greatest that was told.
    """

    tried: set[str] = field(default_factory=set)
    has: dict[str, int] = field(default_factory=dict)
    doomed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    replaced: dict[int, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    uidnext: int = 1
    modseq: int = 0

    def note(self, line: str) -> None:
        """Take in what somebody says."""
        verb, *words = line.split(maxsplit=2)
        match verb:
            case "tries":
                self.tried.add(words[0])
            case "has":
                assert words[0] not in self.has
                self.has[words[0]] = int(words[1])
                self.uidnext = max(self.uidnext, int(words[1]) + 1)
            case "expunges":
                self.doomed.add(int(words[0]))
            case "expunged":
                self.gone.add(int(words[0]))
            case "replaces":
                self.doomed.add(int(words[0]))
                self.replaced[int(words[0])] = words[1]
            case "modseq":
                self.modseq = max(self.modseq, int(words[0]))
            case "sets":
                self.facts.tries(*words)
            case "set":
                self.facts.has(*words)
            case "holds":
                self.facts.compare(json.loads(line.partition(" ")[2]))

    def compare(self, there: "There") -> None:
        """Hold what is there against what was said."""
        self.compare_messages(there.messages)
        self.facts.compare(there.facts)

    def compare_messages(self, there: "Messages") -> None:
        """Hold the messages that are there against what was said."""
        marks = {mark: uid for uid, mark, _ in there}
        assert len(marks) == len(there), "a message is there twice"
        assert len(set(self.has.values())) == len(self.has), "a UID had two messages"
        assert marks.keys() <= self.tried
        for uid, mark, octets in there:
            assert octets == message(mark), "a part of a message"
            assert self.has.get(mark, uid) == uid
        for mark, uid in self.has.items():
            assert mark in marks or uid in self.doomed, "an answered message is lost"
        assert self.gone & set(marks.values()) == set(), "an expunged message is back"
        for uid, mark in self.replaced.items():
            is_there = mark in marks or self.has.get(mark) in self.doomed
            assert is_there or uid in marks.values(), "neither the old nor the new one"


Messages: TypeAlias = list[tuple[int, str, bytes]]


class There(NamedTuple):
    """What is there, as clients get it.

    Attributes:
        messages: UID, mark and octets of each.
        facts: By their names.
    """

    messages: Messages
    facts: dict[str, str]


async def what_is_there(directory: Path, families: Iterable[str]) -> There:
    """Return every message, and the facts of these families."""
    stores = Stores(directory)
    stage = Stage(stores.start)
    stage.logins = SharingLogins
    facts: dict[str, str] = {}
    try:
        client = await stage.client("A")
        await client.command(b"SELECT INBOX")
        told = b"".join(await client.command(b"FETCH 1:* (UID BODY.PEEK[])"))
        for family in families:
            facts |= await facts_there(client, family)
            rights = facts[f"rights.{family}"]
            stage.users[family] = guest_of(family).encode()
            guest = await stage.client(f"A{family}")
            assert await rights_there(guest, family) == rights, "his guest sees others"
    finally:
        await stage.end()
        await stores.stop()
    messages = [
        (
            int(found[1]),
            found[4].decode(),
            told[found.start(3) : found.start(3) + int(found[2])],
        )
        for found in _MESSAGE.finditer(told)
    ]
    return There(messages, facts)


def faults(root: Path, *, deep: bool = False) -> list[Finding]:
    """Return what `imapbox check` finds wrong with a store."""
    disk = DiskFileSystem(str(root))
    found = list(StoreCheck(disk, deep=deep).run())
    disk.release()
    return found
