"""Kill -9, ten thousand times, of processes that deliver and serve.

A kill keeps what the kernel has, so it finds no missing sync (the simulated disk
and the power cuts do); it finds what a death at any step leaves to the living.
"""

import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from imapbox.disk.filesystem import DiskFileSystem
from imapbox.store.check import StoreCheck
from tests.kills.life import message
from tests.support.mail_store import Stores
from tests.support.stage import Stage
from tests.support.watched_disk import changes

LIVES = 40
TORTURE = 10_000  # from an effort of 20 on
ON_ONE_STORE = 40
AT_ONCE = 2
HANGS = 60.0
MANY = 20  # lines, or times, that somebody lives
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
        assert not self.gone & set(marks.values()), "an expunged message is back"


class Deaths:
    """Where processes died, and where one should die next.

    Attributes:
        steps: How often at which step.
    """

    def __init__(self, chance: random.Random) -> None:
        self.steps: Counter[str] = Counter()
        self._chance = chance
        # The first one on a store makes much that the others find.
        self._seen: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}

    def learn(self, seen: dict[str, int], *, first: bool) -> None:
        """Take in how often a whole life came to each step."""
        self._seen[first] = Counter(
            {step: times for step, times in seen.items() if changes(step)}
        )

    def aim(self, *, first: bool) -> tuple[str, int, bool] | None:
        """Return where the next one dies; None if somebody else decides."""
        seen = self._seen[first]
        if not seen or self._chance.random() < 0.2:
            return None
        least = min(self.steps[step] for step in seen)
        step = self._chance.choice(
            [step for step in sorted(seen) if self.steps[step] == least]
        )
        times = self._chance.randrange(min(seen[step], MANY))
        return step, times, self._chance.random() < 0.5


class Lives:
    """One process after the other on one store."""

    def __init__(self, process: subprocess.Popen[bytes], books: Books) -> None:
        self._process = process
        self._books = books

    def run(
        self, name: str, seed: int, deaths: Deaths, patience: int, *, first: bool
    ) -> None:
        """Let one live, and die.

        Args:
            name: What its messages are called.
            seed: Decides what it does.
            deaths: Says where it dies.
            patience: After so many lines it is killed, if it is nowhere else.
            first: Whether nobody has lived here before.
        """
        aim = deaths.aim(first=first)
        uidnext, modseq = self._books.uidnext, self._books.modseq
        plan = {"name": name, "seed": seed, "aim": aim}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(plan).encode() + b"\n")
        self._process.stdin.flush()
        pid = 0
        for number, line in enumerate(self._lines()):
            verb, *words = line.split(maxsplit=1)
            assert verb != "failed", line
            if verb == "born":
                pid = int(words[0])
            elif verb == "found":
                found = list(map(int, words[0].split()))
                assert found[0] >= uidnext, "a UID is used again"
                assert found[1] >= modseq, "a MODSEQ is used again"
                self._books.modseq = max(self._books.modseq, found[1])
            elif verb == "steps":
                deaths.learn(json.loads(words[0]), first=first)
            elif verb == "ended":
                status, step = words[0].split(maxsplit=1)
                if int(status) == -signal.SIGKILL:
                    deaths.steps[step] += 1
                return
            self._books.note(line)
            if aim is None and patience and number == patience:
                with suppress(ProcessLookupError):  # it ended just now
                    os.kill(pid, signal.SIGKILL)

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        rest = b""
        give_up = time.monotonic() + HANGS
        while True:
            ready, _, _ = select.select([fd], [], [], give_up - time.monotonic())
            assert ready, "it hangs"
            rest += os.read(fd, 1 << 16)
            *lines, rest = rest.split(b"\n")
            yield from (line.decode() for line in lines)


@contextmanager
def mother(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start what gives life."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kills.lives", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def live_and_die(
    root: Path, name: str, books: Books, deaths: Deaths, chance: random.Random
) -> None:
    """Let as many live as one store bears, one after the other."""
    with mother(root) as process:
        lives = Lives(process, books)
        for number in range(ON_ONE_STORE // AT_ONCE):
            # Now and then one is left alone: what it does is what can be aimed at.
            patience = chance.randrange(MANY) if number % 10 != 1 else 0
            seed = chance.getrandbits(32)
            lives.run(f"{name}.{number}", seed, deaths, patience, first=not number)


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


@pytest.mark.slow
async def test_a_kill_anywhere_loses_nothing_that_was_answered(
    tmp_path: Path, effort: int, seed: int, tell: Callable[[object], None]
) -> None:
    """Whoever is killed, wherever: what it answered is there, once and whole.

    Two processes at a time deliver, append, flag and expunge in one mailbox and
    are killed, by themselves at a step of the disk or from outside at any moment.
    """
    chance = random.Random(seed)
    deaths = Deaths(chance)
    lives = TORTURE if effort >= 20 else LIVES * effort
    acknowledged = 0
    for number in range(lives // ON_ONE_STORE):
        directory = tmp_path / str(number)
        root = directory / "store"
        root.mkdir(parents=True)
        books = Books()
        await gatherResults(
            [
                deferToThread(
                    live_and_die,
                    root,
                    f"{one}",
                    books,
                    deaths,
                    random.Random(f"{seed} {number} {one}"),
                )
                for one in range(AT_ONCE)
            ],
            consumeErrors=True,
        )
        books.compare(await what_is_there(directory))
        assert [*StoreCheck(DiskFileSystem(str(root))).run()] == []
        acknowledged += len(books.has) + len(books.gone)
    killed = sum(deaths.steps.values())
    histogram = ", ".join(f"{step} {n}" for step, n in sorted(deaths.steps.items()))
    tell(f"{killed} killed of {lives}; {acknowledged} answered; {histogram}")
    assert killed > lives // 2
    assert acknowledged > killed
