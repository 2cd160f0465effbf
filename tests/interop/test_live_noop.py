"""The founding bug, live: separate processes, mail flat out, mtimes that lie."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load.imap import ImapClient, logged_in
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server
from tests.support.users import PASSWORDS

ROOT = Path(__file__).parents[2]
USER = "alice"
DELIVERIES = 5_000
DELIVERERS = 4
WATCHERS = 2
WIRE = stuffed(b"Subject: one of many\r\n\r\n" + 20 * b"A line of text.\r\n")


@contextmanager
def pinned_mtimes(directory: Path) -> Iterator[None]:
    """Let another process pin the mtimes of all that is under ``directory``."""
    pinner = subprocess.Popen(
        [sys.executable, "-m", "tests.support.pin_mtimes", directory],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert pinner.stdout.readline() == b"pinning\n"
        yield
        assert pinner.poll() is None, "the pinner ended early"
    finally:
        pinner.kill()
        pinner.communicate()


@dataclass
class Tally:
    """What the clients have seen.

    Attributes:
        read: For each deliverer, how many of its 250s it has read. Only that
            deliverer writes it, so no lock comes between a 250 and a NOOP.
        noops: How many NOOPs were said.
        missed: (250s read before a NOOP, EXISTS known after it), where it lied.
        covered: For each watcher, the 250s that its last NOOP had to cover.
    """

    read: list[int] = field(default_factory=lambda: [0] * DELIVERERS)
    noops: list[int] = field(default_factory=lambda: [0] * WATCHERS)
    covered: list[int] = field(default_factory=lambda: [0] * WATCHERS)
    missed: list[tuple[int, int]] = field(default_factory=list)


def deliver(number: int, address: tuple[str, int], count: int, tally: Tally) -> None:
    with LmtpClient(address) as client:
        for _ in range(count):
            client.must_deliver(WIRE, USER)
            tally.read[number] += 1


def watch(
    number: int, client: ImapClient, before: int, tally: Tally, end: threading.Event
) -> None:
    ended = False
    while not ended:
        # Once more after the last delivery, so that every 250 has its NOOP.
        ended = end.is_set()
        read = sum(tally.read)
        told = client.noop() - before
        tally.noops[number] += 1
        tally.covered[number] = read
        if told < read:
            tally.missed.append((read, told))


def deliver_and_watch(server: Server, count: int) -> Tally:
    """Deliver ``count`` messages, NOOPs going out all the while."""
    tally, end = Tally(), threading.Event()
    addresses = [server.lmtps[n % len(server.lmtps)] for n in range(DELIVERERS)]
    watchers = [logged_in(server.imap, USER, PASSWORDS[USER]) for _ in range(WATCHERS)]
    with ThreadPoolExecutor(DELIVERERS + WATCHERS) as pool:
        watching = [
            pool.submit(watch, number, client, client.exists, tally, end)
            for number, client in enumerate(watchers)
        ]
        try:
            delivering = [
                pool.submit(deliver, number, address, count // DELIVERERS, tally)
                for number, address in enumerate(addresses)
            ]
            for future in delivering:
                future.result()
        finally:
            end.set()
        for future in watching:
            future.result()
    for client in watchers:
        client.logout()
    return tally


def uids(answer: Sequence[bytes]) -> list[int]:
    return [int(line.partition(b"(UID ")[2].rstrip(b")\r\n")) for line in answer]


def test_no_noop_misses_a_delivery(
    start_imapbox: Callable[..., AbstractContextManager[Server]],
    effort: int,
    tell: Callable[[object], None],
) -> None:
    """A NOOP covers every 250 read before it, in any process, whatever mtimes say."""
    count = DELIVERIES * effort
    with start_imapbox(deliverers=2) as server:
        logged_in(server.imap, USER, PASSWORDS[USER]).logout()
        with pinned_mtimes(server.store):
            tally = deliver_and_watch(server, count)
        with logged_in(server.imap, USER, PASSWORDS[USER]) as client:
            numbers = uids(client.command(b"FETCH 1:* (UID)"))
    tell(
        f"{sum(tally.read)} deliveries by {DELIVERERS} clients of 2 processes,"
        f" {sum(tally.noops)} NOOPs in a third, {len(tally.missed)} missed"
    )
    assert tally.missed == []
    assert sum(tally.read) == count
    assert tally.covered == [count] * WATCHERS
    assert len(numbers) == count
    assert numbers == sorted(set(numbers))
