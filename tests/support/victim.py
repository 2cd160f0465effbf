"""A real server under attack, and what it must not cost.

The kernel says how much memory the server took at most; another client, the
canary, asks NOOP all the time and says whether it felt anything.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.processes import alive
from benchmarks.servers import Server
from tests.support.checked_clients import CheckedClient, logged_in
from tests.support.missing import give_up

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Longer than this nobody waits for a NOOP, whatever somebody else does.
BOUND: Final = 0.25
_PAUSE: Final = 0.01


class Canary:
    """A client whose NOOPs are answered, and how slowly at worst.

    The kernel says for how long the server's reactor and this thread could have
    run and had no processor, since others had it: that is not the server's fault,
    and is taken off, of the very NOOP that it held up.

    Attributes:
        worst: Seconds that a NOOP took, apart from that.
        asked: How many there were.
    """

    def __init__(self, server: Server, user: str) -> None:
        self.worst = 0.0
        self.asked = 0
        self._reactor = Path(f"/proc/{server.roots[0]}/schedstat")
        self.error: Exception | None = None
        self._client = logged_in(server.imap, user, server.passwords[user])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sing)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def _sing(self) -> None:
        try:
            while True:
                held_up = self._held_up()
                began = time.monotonic()
                self._client.command(b"NOOP")
                took = time.monotonic() - began
                self.worst = max(self.worst, took - (self._held_up() - held_up))
                self.asked += 1
                if self._over.wait(_PAUSE):
                    return
        except Exception as error:  # noqa: BLE001 - the test reports it
            self.error = error

    def _held_up(self) -> float:
        """Return for how many seconds the two threads waited for a processor."""
        both = (self._reactor, Path("/proc/thread-self/schedstat"))
        # Documentation/scheduler/sched-stats.rst: "time spent waiting to run".
        return sum(int(path.read_text().split()[1]) for path in both) / 1e9


@contextmanager
def unharmed_by_it(server: Server, user: str) -> Iterator[None]:
    """Fail what another client felt, or what left a traceback, or an end."""
    with Canary(server, user) as canary:
        yield
    assert all(map(alive, server.roots))
    assert "Traceback" not in server.log.read_text()
    assert canary.error is None
    assert canary.asked > 0
    assert canary.worst < BOUND


@dataclass
class Growth:
    """How many bytes of memory a process took at most, beyond what it had."""

    peak: int = 0


@contextmanager
def growth(server: Server) -> Iterator[Growth]:
    """Measure what a server of one process takes while the block runs.

    Needs root: nobody else may look into a server.
    """
    if os.geteuid() != 0:
        give_up("only root sees how much memory a server takes")
    (pid,) = server.roots
    process = Path(f"/proc/{pid}")
    # proc(5): "5" makes the peak what there is now.
    (process / "clear_refs").write_text("5")
    before = _status(process, "VmRSS")
    measured = Growth()
    try:
        yield measured
    finally:
        measured.peak = _status(process, "VmHWM") - before


def descriptors(server: Server) -> int:
    """Return how many descriptors a server of one process has."""
    (pid,) = server.roots
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _status(process: Path, field: str) -> int:
    for line in (process / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * KIB
    raise LookupError(field)


def client_of(server: Server, user: str = "alice") -> CheckedClient:
    """Return a client that is logged in and has INBOX selected."""
    return logged_in(server.imap, user, server.passwords[user])


def until_closed(client: CheckedClient) -> bytes:
    """Return what the server still says, until it hangs up."""
    said = b""
    try:
        while True:
            said += client.line()
    except ConnectionError:
        return said
