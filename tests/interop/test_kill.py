"""Deliver processes killed in the middle, while others read and deliver on.

A kill keeps the page cache, so it can not find a missing sync (the simulated
disk does); it finds what a death leaves to the living: locks, slots, frames
that were written and not published.
"""

import random
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import pytest

from benchmarks.load.connection import wait_until_listening
from benchmarks.load.imap import logged_in
from benchmarks.load.lmtp import LmtpClient, NotDelivered, stuffed
from benchmarks.servers import LOOPBACK, Server, free_ports, imapbox_process
from tests.conftest import EFFORT
from tests.support.users import PASSWORDS

USER = "alice"
ROUNDS = 5 if EFFORT == 1 else 8
CLIENTS = 3
PATIENCE = 30
STEADY = 10_000  # no turn has this number
Start: TypeAlias = Callable[[int], AbstractContextManager[subprocess.Popen[bytes]]]
_MARK = re.compile(rb"mark-([0-9]+)-([0-9]+)-([0-9]+)\.")


def deliver_until_killed(
    address: tuple[str, int], name: str, answered: threading.Semaphore
) -> tuple[int, int]:
    """Deliver numbered messages one by one; return how many were answered, sent."""
    acknowledged = sent = 0
    try:
        with LmtpClient(address) as client:
            while True:
                text = f"Subject: mark-{name}-{sent}.\r\n\r\n{'x' * 2000}\r\n"
                sent += 1
                client.must_deliver(stuffed(text.encode()), USER)
                acknowledged += 1
                answered.release()
    except (OSError, NotDelivered):
        return acknowledged, sent


@pytest.fixture
def one_more(
    start_imapbox: Callable[..., AbstractContextManager[Server]], tmp_path: Path
) -> Iterator[tuple[Server, Start]]:
    """A server, and what starts one more deliver process on its store."""
    with start_imapbox() as server:
        passwd = tmp_path / "passwd"
        passwd.write_text(f"{USER}:{{PLAIN}}{PASSWORDS[USER]}\n")

        def start(port: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
            return imapbox_process(
                server.store,
                "--lmtp",
                f"tcp:{port}:interface={LOOPBACK}",
                "--auth",
                f"passwd:{passwd}",
                log=tmp_path / "log",
            )

        yield server, start


def marks(server: Server) -> list[tuple[int, int, int]]:
    """Return the marks of all messages, in the order of their UIDs."""
    with logged_in(server.imap, USER, PASSWORDS[USER]) as client:
        data = client.bulk(b"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    found = _MARK.findall(data)
    return [(int(a), int(b), int(c)) for a, b, c in found]


def test_a_killed_deliverer_loses_nothing_that_it_answered(
    one_more: tuple[Server, Start],
    effort: int,
    seed: int,
) -> None:
    """What a killed process answered is there, once; the rest at most once."""
    chance = random.Random(seed)
    server, start = one_more
    answered: dict[tuple[int, int], tuple[int, int]] = {}
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        survivor, victim = threading.Event(), threading.Event()
        steady = pool.submit(_deliver_steadily, server, victim, survivor)
        for turn in range(ROUNDS * effort):
            (port,) = free_ports(1)
            replies = threading.Semaphore(0)
            with start(port) as process:
                wait_until_listening((LOOPBACK, port), hope=lambda: True)
                victim.set()
                clients: list[Future[tuple[int, int]]] = [
                    pool.submit(
                        deliver_until_killed, (LOOPBACK, port), f"{turn}-{n}", replies
                    )
                    for n in range(CLIENTS)
                ]
                for _ in range(chance.randint(1, 80)):
                    assert replies.acquire(timeout=PATIENCE), "no reply comes"
                process.send_signal(signal.SIGKILL)
                for number, client in enumerate(clients):
                    answered[turn, number] = client.result()
                victim.clear()
        survivor.set()
        victim.set()
        alone = steady.result()
    found = marks(server)
    assert len(found) == len(set(found)), "a message is there twice"
    for (turn, number), (acknowledged, sent) in answered.items():
        there = [n for a, b, n in found if (a, b) == (turn, number)]
        assert there == sorted(there)
        assert set(range(acknowledged)) <= set(there), "an answered message is lost"
        assert len(there) <= sent
    assert len([1 for a, _, _ in found if a == STEADY]) == alone
    assert sum(each for each, _ in answered.values()) > ROUNDS


def _deliver_steadily(
    server: Server, beside: threading.Event, end: threading.Event
) -> int:
    """Deliver through a process that lives, beside each victim; none may fail."""
    count = 0
    with LmtpClient(server.lmtp) as client:
        while beside.wait() and not end.is_set():
            text = f"Subject: mark-{STEADY}-0-{count}.\r\n\r\ny\r\n"
            client.must_deliver(stuffed(text.encode()), USER)
            count += 1
    return count
