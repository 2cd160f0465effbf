"""How the process that is never killed fares: samples, and the line through them."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from tests.soak.servers import Held, Server

MIB: Final = 1024 * 1024
_EVERY: Final = 5.0  # seconds


@dataclass
class Figures:
    """What the process held, and when.

    Attributes:
        began: When.
        rests: Time since, and what it held while nobody was logged in.
        busy: Time since, and its own memory under load.
    """

    began: float = field(default_factory=time.monotonic)
    rests: list[tuple[float, Held]] = field(default_factory=list)
    busy: list[tuple[float, int]] = field(default_factory=list)

    def rest(self, server: Server) -> Held:
        """Take a sample while nobody is logged in."""
        held = server.held()
        self.rests.append((time.monotonic() - self.began, held))
        return held

    def slope(self, warm_up: float) -> float:
        """Return MiB an hour, at rest, without the first seconds."""
        points = [(when, held.anonymous) for when, held in self.rests]
        return slope([each for each in points if each[0] >= warm_up])

    def busy_slope(self, warm_up: float) -> float:
        """Return MiB an hour under load, without the first seconds."""
        return slope([each for each in self.busy if each[0] >= warm_up])

    def slopes(self) -> Iterator[str]:
        """Say how the slope depends on where one begins to measure."""
        for warm_up in (0, 300, 600, 900):
            yield (
                f"from {warm_up} s on: {self.slope(warm_up):+.2f} MiB/h at rest,"
                f" {self.busy_slope(warm_up):+.2f} under load"
            )

    def descriptors(self, warm_up: float) -> tuple[set[int], set[int]]:
        """Return how many descriptors it had at rest, without the first seconds.

        Returns:
            How many of anything else, and how many of users' mail: a process
            keeps the mailboxes open that were used last.
        """
        counts = [held.counts for when, held in self.rests if when >= warm_up]
        fixed, mail = zip(*counts, strict=True)
        return set(fixed), set(mail)

    def last(self) -> str:
        """Say what it held when it last was at rest."""
        when, held = self.rests[-1]
        fixed, mail = held.counts
        return (
            f"{when:.0f} s: {held.anonymous / MIB:.2f} MiB of its own,"
            f" {held.blocks} blocks, {fixed} + {mail} descriptors"
        )

    def grown(self) -> str:
        """Say of which objects there are more than in the middle of the time."""
        middle = self.rests[len(self.rests) // 2][1].kinds
        last = self.rests[-1][1].kinds
        more = {kind: count - middle.get(kind, 0) for kind, count in last.items()}
        most = sorted(more.items(), key=lambda each: -each[1])[:8]
        return ", ".join(f"{kind} {count:+}" for kind, count in most)


def slope(points: list[tuple[float, int]]) -> float:
    """Return the slope by least squares of seconds and octets, in MiB an hour."""
    if len(points) < 2:
        return 0.0
    times, sizes = zip(*points, strict=True)
    return statistics.linear_regression(times, sizes).slope * 3600 / MIB


class Watched:
    """Samples of a server under load, while the block runs."""

    def __init__(self, server: Server, figures: Figures) -> None:
        self._server = server
        self._figures = figures
        self._end = Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(_EVERY):
            own, _ = self._server.memory()
            when = time.monotonic() - self._figures.began
            self._figures.busy.append((when, own))
