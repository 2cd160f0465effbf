"""Doing a thing again and again, and what that takes: wall time and CPU."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.load.imap import ImapClient, Refused, logged_in
from benchmarks.processes import cpu_seconds
from benchmarks.servers import Server

Figures = dict[str, float]

LEAST: Final = 3  # repetitions, however long one takes


class Stopwatch:
    """Times and CPU of one thing that is done again and again."""

    def __init__(self, server: Server) -> None:
        self._roots = server.roots
        self.times: list[float] = []
        self._cpu = 0.0

    @contextmanager
    def lap(self) -> Iterator[None]:
        """Count what is done in the block."""
        cpu = cpu_seconds(self._roots)
        start = time.perf_counter()
        yield
        self.times.append(time.perf_counter() - start)
        self._cpu += cpu_seconds(self._roots) - cpu

    def add(self, times: list[float], cpu: float) -> None:
        """Count what was measured elsewhere."""
        self.times += times
        self._cpu += cpu

    def enough(self, seconds: float) -> bool:
        """Say whether it was done often enough, and for so long."""
        return len(self.times) >= LEAST and sum(self.times) >= seconds

    def together(self) -> Figures:
        """Return what all of it took, in ms."""
        return {
            **self.figures(),
            "wall": sum(self.times) * 1e3,
            "cpu": self._cpu * 1e3,
        }

    def figures(self) -> Figures:
        """Return what was measured, in ms."""
        return {
            "wall": statistics.median(self.times) * 1e3,
            "cpu": self._cpu / len(self.times) * 1e3,
            "first": self.times[0] * 1e3,
            "times": len(self.times),
        }


@contextmanager
def inbox(server: Server) -> Iterator[ImapClient]:
    """Log the first user in, with INBOX selected."""
    user, password = next(iter(server.passwords.items()))
    with logged_in(server.imap, user, password) as client:
        yield client


def checked(
    client: ImapClient, command: bytes, part: bytes, count: int
) -> Callable[[], None]:
    """Return what does ``command``, whose answer holds ``part`` so often."""

    def do() -> None:
        if (told := client.bulk(command).count(part)) != count:
            raise Refused(command, told, count)

    return do


def repeated(
    server: Server, todo: Iterable[Callable[[], object]], seconds: float
) -> Figures:
    """Do one after the other for so long. Asking for the CPU costs: once only."""
    stopwatch = Stopwatch(server)
    times: list[float] = []
    cpu = cpu_seconds(server.roots)
    for do in todo:
        if len(times) >= LEAST and sum(times) >= seconds:
            break
        start = time.perf_counter()
        do()
        times.append(time.perf_counter() - start)
    stopwatch.add(times, cpu_seconds(server.roots) - cpu)
    return stopwatch.figures()
