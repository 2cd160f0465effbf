"""What was said by processes that lived on one store, and what is there."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from imapbox.disk.filesystem import DiskFileSystem
from imapbox.store.check import Finding, StoreCheck
from tests.kills.life import message
from tests.support.mail_store import Stores
from tests.support.stage import Stage

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
        uidnext: Behind the greatest UID that was told.
        modseq: The greatest that was told.
    """

    tried: set[str] = field(default_factory=set)
    has: dict[str, int] = field(default_factory=dict)
    doomed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
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
            case "modseq":
                self.modseq = max(self.modseq, int(words[0]))

    def compare(self, there: list[tuple[int, str, bytes]]) -> None:
        """Hold what is there against what was said."""
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


async def what_is_there(directory: Path) -> list[tuple[int, str, bytes]]:
    """Return UID, mark and octets of every message, as a client gets them."""
    stores = Stores(directory)
    stage = Stage(stores.start)
    try:
        client = await stage.client("A1")
        await client.command(b"SELECT INBOX")
        told = b"".join(await client.command(b"FETCH 1:* (UID BODY.PEEK[])"))
    finally:
        await stage.end()
        await stores.stop()
    return [
        (
            int(found[1]),
            found[4].decode(),
            told[found.start(3) : found.start(3) + int(found[2])],
        )
        for found in _MESSAGE.finditer(told)
    ]


def faults(root: Path, *, deep: bool = False) -> list[Finding]:
    """Return what `imapbox check` finds wrong with a store."""
    disk = DiskFileSystem(str(root))
    found = list(StoreCheck(disk, deep=deep).run())
    disk.release()
    return found
