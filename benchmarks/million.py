"""What a mailbox of a million messages costs, beside one of a thousand.

``python -m benchmarks.million [--messages N] [--rounds N] [--directory DIR]``
makes both through the engine, measures in turn, and prints a JSON object.
Times are medians in milliseconds: by the clock, and of this process's CPUs.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater, react

from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import perform
from imapbox.index.commit import Log, commit
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.mailbox_transactions import AppendMessages, Incoming
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.selected import Selected
from imapbox.model.flags import Flag, FlagChange
from imapbox.model.names import INBOX, UserName
from imapbox.model.numbers import Uid
from imapbox.store.layout import mailbox_directory
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.store import Store

SMALL: Final = 1000
BATCH: Final = 5000
SESSIONS: Final = 50
TURNS: Final = 5
HEADER: Final = b"Return-Path: <a@example.org>\r\n"
OTHER: Final = UserName("other")


def message(number: int) -> Incoming:
    """Return a small message."""
    octets = b"Subject: %d\r\n\r\nHello.\r\n" % number
    return Incoming(
        HEADER,
        zlib.crc32(HEADER),
        MemoryContent(octets),
        blake2b(HEADER + octets, digest_size=16).digest(),
        None,
        Flag.SEEN if number % 100 else Flag(0),
        frozenset(),
    )


class Mailbox:
    """One user's INBOX, used by one process and changed by another."""

    def __init__(self, root: str, reactor: Any, user: str) -> None:
        self.root = root
        self.reactor = reactor
        self.user = UserName(user)

    async def fill(self, messages: int) -> None:
        """Bring it to so many messages."""
        store = await self.open()
        await store.create_account(self.user)
        account = await store.account(self.user)
        mailbox_id = account.named(INBOX).mailbox_id
        log = Log(mailbox_directory(self.user, mailbox_id), MailboxFacts)
        files = store.drivers.filesystem
        for start in range(0, messages, BATCH):
            batch = range(start, min(start + BATCH, messages))
            wish = AppendMessages([message(number) for number in batch])
            steps = commit(log, store.settings, lambda: [wish], command="fill")  # noqa: B023 - used before the next turn
            perform(steps, files)
        await store.stop()

    async def open(self) -> Store:
        """Return the store as a new process has it."""
        store = Store(self.root, self.reactor, make=True)
        await store.start()
        return store

    async def select(self, store: Store) -> Selected:
        """Do what SELECT does, up to its answer."""
        account = UserAccount(store, await store.account(self.user))
        selected = await account.select(INBOX, read_only=True)
        assert selected.exists  # noqa: S101 - it is part of the answer
        selected.first_unseen()
        return selected


class Times:
    """Durations by name."""

    def __init__(self) -> None:
        self.found: dict[str, list[tuple[float, float]]] = {}

    async def measure(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Take the time of ``work``."""
        wall, cpu = time.perf_counter(), time.process_time()
        result = await work()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        self.found.setdefault(name, []).append(spent)
        return result

    def medians(self) -> dict[str, dict[str, float]]:
        """Return what each name costs."""
        return {
            name: {
                "clock": round(statistics.median(one for one, _ in spent) * 1000, 3),
                "cpu": round(statistics.median(two for _, two in spent) * 1000, 3),
                "times": len(spent),
            }
            for name, spent in self.found.items()
        }


class Session:
    """A client with the mailbox selected, and another process that delivers."""

    def __init__(self, mailbox: Mailbox, times: Times, label: str) -> None:
        self._mailbox = mailbox
        self._times = times
        self._label = label

    async def begin(self) -> None:
        """Open both."""
        self.reads = await self._mailbox.open()
        self.delivers = await self._mailbox.open()
        self.selected = await self._mailbox.select(self.reads)
        account = await self.reads.account(self._mailbox.user)
        self._opened = self.reads.mailbox(account, account.named(INBOX).mailbox_id)
        account = UserAccount(self.reads, account)
        self.writable = await account.select(INBOX, read_only=False)
        other = await self.delivers.account(self._mailbox.user)
        self._target = self.delivers.mailbox(other, other.named(INBOX).mailbox_id)

    @property
    def opened(self) -> OpenMailbox:
        """Return what the reading process shares."""
        return self._opened

    async def round(self, number: int, suffix: str = "") -> None:
        """Do each of what is measured once."""
        measure, label = self._times.measure, f"{self._label}{suffix}"
        await self.selected.sync(may_expunge=True)
        await measure(f"{label} noop", lambda: self.selected.sync(may_expunge=True))
        append = AppendMessages([message(number)])
        await measure(
            f"{label} delivery",
            lambda: self._target.submit(append, command="deliver"),
        )
        news = await measure(
            f"{label} noop with news", lambda: self.selected.sync(may_expunge=True)
        )
        assert news  # noqa: S101 - or what was measured is something else
        uid = Uid(number % SMALL + 1)
        what = FlagChange.ADD if number % 2 else FlagChange.REMOVE
        await self.writable.sync(may_expunge=True)
        await measure(
            f"{label} store",
            lambda: self.writable.set_flags([uid], what, frozenset({"\\Answered"})),
        )
        self.writable.first_unseen()

    async def end(self) -> None:
        """Close both."""
        self.selected.close()
        self.writable.close()
        await self.reads.stop()
        await self.delivers.stop()


async def memory_of_a_session(mailbox: Mailbox) -> int:
    """Return the octets of a further session."""
    store = await mailbox.open()
    sessions = [await mailbox.select(store)]
    # What is read and checked behind the first SELECT is not a session's.
    await deferLater(mailbox.reactor, 2.0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        more = [await mailbox.select(store) for _ in range(SESSIONS)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for session in (*sessions, *more):
        session.close()
    await store.stop()
    return (after - before) // SESSIONS


async def make_snapshot(session: Session) -> float:
    """Let the reading process make one now; return how long that took."""
    begun = time.perf_counter()
    session.opened.state.age = 1 << 30
    session.reads.snapshots.consider(session.opened)
    await session.reads.snapshots.idle()
    return time.perf_counter() - begun


async def measure(root: str, reactor: Any, messages: int, rounds: int) -> Any:
    """Return all figures."""
    small = Mailbox(root, reactor, "small")
    large = Mailbox(root, reactor, "large")
    begun = time.perf_counter()
    await small.fill(SMALL)
    await large.fill(messages)
    filling = time.perf_counter() - begun
    times = Times()
    for name, mailbox in (("small", small), ("large", large)):
        await measure_openings(mailbox, times, name, max(5, rounds // 10))
    sessions = [Session(small, times, "small"), Session(large, times, "large")]
    for session in sessions:
        await session.begin()
    makings = []
    for turn in range(TURNS):
        # Side by side: other work on the machine comes and goes.
        for number in range(rounds // TURNS):
            for session in sessions:
                await session.round(turn * rounds + number)
        makings.append(await measure_a_making(sessions, turn * rounds))
    for session in sessions:
        await session.end()
    return {
        "messages": messages,
        "load": os.getloadavg(),
        "seconds to fill": round(filling, 1),
        "seconds to make a snapshot": makings,
        "octets of a further session": await memory_of_a_session(large),
        "times": times.medians(),
        "ratios": ratios(times.medians()),
    }


async def measure_openings(
    mailbox: Mailbox, times: Times, name: str, count: int
) -> None:
    """Select in new processes: first from the log, then from a snapshot."""
    store = await mailbox.open()
    label = f"{name} first select, no snapshot"
    selected = await times.measure(label, partial(mailbox.select, store))
    selected.close()
    await store.snapshots.idle()
    await store.stop()
    for _ in range(count):
        store = await mailbox.open()
        await store.account(mailbox.user)
        for which in ("first", "second"):
            label = f"{name} {which} select"
            selected = await times.measure(label, partial(mailbox.select, store))
            selected.close()
        await store.stop()


async def measure_a_making(sessions: Sequence[Session], number: int) -> float:
    """Measure while a snapshot is made of the last session's mailbox.

    Returns:
        How many seconds that took.
    """
    making = ensureDeferred(make_snapshot(sessions[-1]))
    while not making.called:
        for session in sessions:
            await session.round(number, " (making)")
        number += 1
    return round(await making, 2)


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return how many times what it costs in the small mailbox.

    While a snapshot is made that is said twice: beside the small mailbox at the
    same time, and beside it at rest.
    """
    found = {}
    for name, large in figures.items():
        if not name.startswith("large") or "select" in name:
            continue
        what = name.removeprefix("large ")
        for small in (f"small {what}", f"small {what.removeprefix('(making) ')}"):
            for clock in ("clock", "cpu"):
                ratio = round(large[clock] / figures[small][clock], 2)
                found[f"{name} : {small}, {clock}"] = ratio
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--directory", type=Path, help="where; it is kept")
    options = parser.parse_args()

    async def run(reactor: Any) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            root = str(options.directory or Path(scratch, "store"))
            figures = await measure(root, reactor, options.messages, options.rounds)
            print(json.dumps(figures, indent=1))

    react(lambda reactor: ensureDeferred(run(reactor)))


if __name__ == "__main__":
    main()
