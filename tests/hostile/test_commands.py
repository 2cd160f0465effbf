"""Clients that say anything: row 21 of the attacks, and all that follows from it."""

import ctypes
import errno
import gc
import mmap
import random
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from twisted.internet.task import deferLater

from imapbox.imap.settings import Patience, Settings
from imapbox.imap.states import State
from imapbox.model.quota import Quota
from imapbox.store.layout import SPOOL
from imapbox.store.store import Store
from tests.conftest import EFFORT
from tests.support.at_once import AtOnce
from tests.support.handler_lines import handler_lines
from tests.support.hostile_commands import (
    BOXES,
    GRAMMAR,
    LARGE,
    MESSAGES,
    OWN_BOXES,
    Hostile,
    HostileCommands,
)
from tests.support.mail_store import Fail, Stores, deliver, disk_of
from tests.support.response_checker import SHAPES
from tests.support.stage import Connection, Stage, responses_of
from tests.support.waiting import reactor, until

LONG = 20  # from this effort on
ROUND = 4_000 if EFFORT == 1 else 10_000  # commands, all on one store
TORTURE = 50  # rounds of each of two parts, then
NAMES = ("A1", "A2", "B1", "B2")
ROOMY = Quota(1 << 40, 1 << 30)
# Of the handlers' lines; to note them takes longer than to run them. What takes two
# things at once, or a disk that fails in between, comes up in the long form.
ENOUGH = 0.85 if EFFORT < LONG else 0.94
MANY = 60  # so many messages are enough
FILLER = b"x" * 1000 + b"\r\n"
NEEDS_MAILBOX = frozenset(
    {
        "CHECK",
        "CLOSE",
        "UNSELECT",
        "EXPUNGE",
        "FETCH",
        "STORE",
        "SEARCH",
        "SORT",
        "THREAD",
        "CANCELUPDATE",
        "COPY",
        "MOVE",
        "REPLACE",
    }
)
BEFORE_LOGIN = frozenset({"LOGIN", "AUTHENTICATE", "STARTTLS"})
SETTINGS = Settings(
    message_limit=2**20, url_refusal=0.001, patience=Patience(idling=0.02)
)
MIB = 1024 * 1024


class Attack:
    """Four clients on one mailbox, and what became of what they said.

    Attributes:
        tried: How often each verb was said.
        obeyed: How often it was answered OK.
        slowest: CPU seconds for which the reactor was kept at most, and by what.
    """

    def __init__(self, seed: int) -> None:
        self.tried: Counter[str] = Counter()
        self.obeyed: Counter[str] = Counter()
        self.slowest = (0.0, b"")
        self._chance = random.Random(seed)
        self._commands = HostileCommands(self._chance, damage=0.4)
        self._number = 0
        self._saying = b""

    async def begin(self, stage: Stage) -> None:
        """Take a new stage, and make the mailboxes that are spoken of."""
        self._stage = stage
        await self._make(BOXES)

    async def step(self) -> None:
        """Let somebody say something."""
        self._number += 1
        hostile = self._commands.next()
        client = await self._prepared(hostile.verb)
        if hostile.verb.removeprefix("UID ").split()[0] in NEEDS_MAILBOX:
            await self._select(client)
        tag = b"h%d" % self._number
        self._saying = hostile.text
        await self._say(client, tag, hostile)
        said = await self._sentinel(client)
        self._commands.heard(said)
        answers = [line for line in responses_of(said) if line.startswith(tag + b" ")]
        assert len(answers) == 1, (hostile, said)
        self.tried[hostile.verb] += 1
        self.obeyed[hostile.verb] += answers[0].startswith(tag + b" OK")

    async def _say(self, client: Connection, tag: bytes, hostile: Hostile) -> None:
        text = tag + b" " + hostile.text
        if hostile.verb == "IDLE" and not hostile.damaged and self._often(0.1):
            line, text = text.split(b"\r\n", 1)
            client.say(line + b"\r\n")
            await until(lambda: b"Still here" in client.unread or client.closed)
        # Small messages need no spool.
        with self._full_disk(
            0.5 if hostile.verb.endswith(("APPEND", "REPLACE")) else 0.0
        ):
            for piece in self._pieces(text):
                with self._stretch(client):
                    client.say(piece)
            await self._quiet(client)

    @contextmanager
    def _full_disk(self, share: float) -> Iterator[None]:
        """Let the disk have no room for spools, now and then."""
        disks = [disk_of(store) for store in self._stage.stores.values()]
        full = Fail("pwrite", SPOOL, errno.ENOSPC) if self._often(share) else None
        for disk in disks:
            disk.steer = full
        try:
            yield
        finally:
            for disk in disks:
                disk.steer = None

    def _often(self, share: float) -> bool:
        return self._chance.random() < share

    async def _make(self, names: Sequence[bytes]) -> None:
        keeper = await self._stage.client("A9")
        for name in names:
            await keeper.command(b"CREATE " + name)

    async def _prepared(self, verb: str) -> Connection:
        """Return somebody, logged in or not; see to it that there is mail."""
        if verb in BEFORE_LOGIN:
            before = self._stage.connections.get("A0")
            if before and not before.closed and self._often(0.2):
                return before
            return self._stage.stranger("A0")
        name = self._chance.choice(NAMES)
        client = await self._stage.client(name)
        session = client.protocol._session
        spent = session.compressed and verb == "COMPRESS" and self._often(0.9)
        if client.closed or spent or session.state is State.NOT_AUTHENTICATED:
            client.hang_up()
            del self._stage.connections[name]
            client = await self._stage.client(name)
        if self._number % 20 == 1:
            await self._refill()
        if verb in {"DELETE", "RENAME"} and self._often(0.6):
            await self._make(OWN_BOXES)
        return client

    async def _refill(self) -> None:
        store = self._stage.stores["A"]
        bodies = (*self._chance.choices(MESSAGES, k=3), LARGE)
        for body in bodies[: 4 if self._often(0.1) else 3]:
            await deliver(store, body=body)
        if await self._empty(b"INBOX"):
            for _ in range(3):
                await deliver(store, body=self._chance.choice(MESSAGES))
        # What is copied comes together elsewhere, and is copied from there.
        await self._empty(self._chance.choice(BOXES))

    async def _empty(self, mailbox: bytes) -> bool:
        """Remove all messages if there are many; say whether."""
        keeper = await self._stage.client("A9")
        *told, end = await keeper.command(b"STATUS %b (MESSAGES)" % mailbox)
        if not end.startswith(b"OK"):
            await self._make([mailbox])  # somebody has renamed it
            return False
        if int(told[-1].split()[-1].rstrip(b")")) <= MANY:
            return False
        await keeper.command(b"SELECT " + mailbox)
        await keeper.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        await keeper.command(b"CLOSE")
        return True

    async def _select(self, client: Connection) -> None:
        session = client.protocol._session
        if session.state is State.AUTHENTICATED:
            wanted = self._often(0.9)
        else:
            wanted = session.selection.mailbox.read_only and self._often(0.7)
        if wanted:
            await client.command(b"SELECT INBOX")

    def _pieces(self, text: bytes) -> list[bytes]:
        """Cut it anywhere, or nowhere."""
        count = self._chance.choice((0, 0, 1, 3))
        cuts = sorted(self._chance.sample(range(len(text)), min(count, len(text))))
        edges = [0, *cuts, len(text)]
        return [text[a:b] for a, b in pairwise(edges)]

    async def _sentinel(self, client: Connection) -> bytes:
        """Say NOOP until it is answered: a literal may swallow a few."""
        tag = b"z%d" % self._number
        said = b""
        while True:
            client.say(tag + b" NOOP\r\n")
            await self._quiet(client)
            said += client.take()
            if client.closed or b"\r\n" + tag + b" OK " in b"\r\n" + said:
                return said
            client.say(FILLER)

    async def _quiet(self, client: Connection) -> None:
        """Wait until the server waits for the client, or has done with it."""
        session = client.protocol._session
        give_up = time.monotonic() + 60
        while not (session.input.waiting or client.closed):
            assert time.monotonic() < give_up, "it hangs"
            with self._stretch(client):
                await deferLater(reactor, 0)

    @contextmanager
    def _stretch(self, client: Connection) -> Iterator[None]:
        """Note how long the reactor was kept, but for what the test itself does."""

        def ours() -> float:
            return time.thread_time() - client.transport.seconds - AtOnce.seconds

        began = ours()
        yield
        took = ours() - began
        self.slowest = max(self.slowest, (took, self._saying))


def resident() -> int:
    """Return how much memory this process holds, but for what its allocator keeps.

    What a turn takes at most is measured on a server of its own:
    tests/attack/test_memory.py.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * mmap.PAGESIZE


def grown(memory: Sequence[int]) -> int:
    """Return how many octets more are held in the end than soon after the beginning.

    What four clients have open comes and goes, by dozens of MiB, so the least counts
    that was held in a tenth of the time: nothing that is kept for ever is ever less.
    """
    tenth = max(1, len(memory) // 10)
    return min(memory[-tenth:]) - min(memory[tenth : 2 * tenth])


@contextmanager
def without_the_tests_own_garbage() -> Iterator[None]:
    """Keep the collector from looking through all that tests have loaded."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()
        gc.freeze()  # as it was: tests/conftest.py


@asynccontextmanager
async def new_stage(directory: Path) -> AsyncIterator[Stage]:
    """Give a stage on an empty store; nothing is left of it."""
    stores = Stores(directory)

    async def start() -> Store:
        # Without threads nobody need sleep while they work.
        store = await stores.start(threads=False)
        store.quota = ROOMY
        return store

    stage = Stage(start)
    stage.settings = SETTINGS
    try:
        yield stage
    finally:
        await stage.end()
        await stores.stop()
    shutil.rmtree(directory / "store")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(1 if EFFORT < LONG else 2))
async def test_any_command_has_one_answer(
    tmp_path: Path, part: int, seed: int, effort: int, tell: Callable[[object], None]
) -> None:
    """Whatever four clients say, each command has one answer, soon, and costs little.

    A fifth of what is said of each command is obeyed, and what obeys is nearly all
    tried, so it is not the first syntax error that is tested four thousand times.
    """
    attack = Attack(seed + part)
    rounds = TORTURE if effort >= LONG else effort
    memory = []
    with without_the_tests_own_garbage(), handler_lines() as lines:
        for _ in range(rounds):
            async with new_stage(tmp_path) as stage:
                await attack.begin(stage)
                for step in range(ROUND):
                    await attack.step()
                    if step % 500 == 0:
                        lines.stop_at(ENOUGH)
                    if step % (ROUND // 5) == 0:
                        memory.append(resident())
            assert SHAPES.take_faults() == []
    rates = {
        verb: attack.obeyed[verb] / attack.tried[verb]
        for verb in GRAMMAR
        if verb != "SETQUOTA"  # only the administrator sets quotas
    }
    least = min(rates, key=rates.__getitem__)
    tell(
        f"{rounds * ROUND} commands; {least} was obeyed least, {rates[least]:.0%}; "
        f"handlers' lines {lines.share():.1%}; slowest {attack.slowest[0] * 1000:.0f} "
        f"ms of CPU; memory in MiB: {[each // MIB for each in memory]}"
    )
    assert rates[least] >= (0.1 if EFFORT == 1 else 0.2)  # of 60 each, by chance
    assert lines.share() >= ENOUGH, " ".join(lines.missed())
    # On a machine that does nothing else it is less than a tenth of that.
    assert attack.slowest[0] < 1, attack.slowest
    assert grown(memory) < 64 * MIB
