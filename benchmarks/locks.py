"""Two processes that want one lock all the time.

``python -m benchmarks.locks`` lets two processes, each with a reactor, take the
product's own lock through its own driver, hold it for a millisecond and ask
for it again at once. It prints five runs. A hand-off is the time from the end
of one process's turn to the beginning of the other's, where the other was
waiting already; a wait is the time from asking to having.
"""

import argparse
import json
import mmap
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import ensureDeferred

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.driver import Driver
from imapbox.disk.steps import Call, Steps, monotonic
from imapbox.disk.watch import Watch
from imapbox.locks.acquire import Identity, locked
from imapbox.locks.lock_file import new_lock_file

RUNS: Final = 5
PATIENCE: Final = 30.0
# When the last turn ended, and whose it was.
_TURN = struct.Struct("<dI")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run showed. Times are in milliseconds.

    Attributes:
        median: Of the hand-offs.
        p95: Of the hand-offs.
        longest: The longest hand-off.
        longest_wait: From asking to having.
        handoffs: How often the lock went from one process to the other.
        turns: How often each process had it.
    """

    median: float
    p95: float
    longest: float
    longest_wait: float
    handoffs: int
    turns: tuple[int, ...]

    @property
    def fairness(self) -> float:
        """Return the smallest share of turns by the largest: 1 is fair."""
        return min(self.turns) / max(self.turns)


class GreedyFileSystem(DiskFileSystem):
    """The product's file system, with a way to spend time while holding a lock."""

    def hold(self, seconds: float) -> None:
        """Keep the thread that long."""
        time.sleep(seconds)


class Greedy:
    """A process that wants the lock all the time."""

    def __init__(self, root: Path, hold: float, reactor: Any) -> None:
        self.handoffs: list[float] = []
        self.waits: list[float] = []
        filesystem = GreedyFileSystem(str(root))
        self._driver = Driver(filesystem, Watch(str(root), reactor), reactor, threads=2)
        self._identity = Identity(filesystem.node, filesystem.pid, "benchmark")
        self._hold = hold
        with (root / "turn").open("r+b") as file:
            self._turn = mmap.mmap(file.fileno(), _TURN.size)

    async def run(self, end: float) -> None:
        """Ask for the lock again and again until ``end``."""
        self._driver.start()
        while (asked := time.monotonic()) < end:
            until = asked + PATIENCE
            await self._driver.run(
                locked(["lock"], self._identity, until, lambda: self._section(asked))
            )
        await self._driver.stop()
        self._driver.watch.close()

    def _section(self, asked: float) -> Steps[None]:
        now = yield from monotonic()
        ended, whose = _TURN.unpack(self._turn[:])
        if whose != self._identity.pid and asked < ended:
            self.handoffs.append(now - ended)
        self.waits.append(now - asked)
        yield Call("hold", (self._hold,))
        now = yield from monotonic()
        self._turn[:] = _TURN.pack(now, self._identity.pid)


def measure(
    *, seconds: float, hold: float = 0.001, processes: int = 2, directory: Path
) -> Figures:
    """Let processes compete for one lock below ``directory``."""
    with tempfile.TemporaryDirectory(dir=directory) as root:
        (Path(root) / "lock").write_bytes(new_lock_file())
        (Path(root) / "turn").write_bytes(bytes(_TURN.size))
        children = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.locks",
                    *("--compete", root, str(hold), str(seconds)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[1],
            )
            for _ in range(processes)
        ]
        answers = []
        try:
            _begin_together(children)
            for child in children:
                output, _ = child.communicate(timeout=seconds + 60)
                answers.append(json.loads(output))
        finally:
            for child in children:
                child.kill()
                child.wait()
    return _figures(answers)


def _begin_together(children: list[Any]) -> None:
    """Wait until all are there, and tell them when to begin."""
    for child in children:
        if child.stdout.readline() != "ready\n":
            raise RuntimeError("a competitor did not come")
    begin = time.monotonic() + 0.2
    for child in children:
        child.stdin.write(f"{begin}\n")
        child.stdin.flush()


def _figures(answers: list[dict[str, list[float]]]) -> Figures:
    handoffs = [1000 * time for answer in answers for time in answer["handoffs"]]
    return Figures(
        median=statistics.median(handoffs),
        p95=statistics.quantiles(handoffs, n=20, method="inclusive")[-1],
        longest=max(handoffs),
        longest_wait=1000 * max(time for each in answers for time in each["waits"]),
        handoffs=len(handoffs),
        turns=tuple(len(answer["waits"]) for answer in answers),
    )


def _compete(root: Path, hold: float, seconds: float) -> None:
    # Importing it installs it, which only a competitor wants.
    from twisted.internet import reactor  # noqa: PLC0415 - this is a program

    greedy = Greedy(root, hold, reactor)
    print("ready", flush=True)
    begin = float(sys.stdin.readline())

    def start() -> None:
        delay = max(0.0, begin - time.monotonic())
        reactor.callLater(delay, work)  # type: ignore[attr-defined] # Twisted's own

    def work() -> None:
        ensureDeferred(greedy.run(begin + seconds)).addErrback(fail).addBoth(
            lambda _: reactor.stop()  # type: ignore[attr-defined] # Twisted's own
        )

    def fail(failure: Any) -> None:
        failure.printTraceback()
        os._exit(1)

    reactor.callWhenRunning(start)  # type: ignore[attr-defined] # Twisted's own
    reactor.run()  # type: ignore[attr-defined] # Twisted's own
    print(json.dumps({"handoffs": greedy.handoffs, "waits": greedy.waits}))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compete", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--directory", type=Path, default=Path.cwd())
    options = parser.parse_args()
    if options.compete:
        root, hold, seconds = options.compete
        _compete(Path(root), float(hold), float(seconds))
        return
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{options.processes} processes, hold 1 ms, think 0, load {load}")
    print("run  median   p95  longest  longest wait  hand-offs  turns       fairness")
    for number in range(1, options.runs + 1):
        figures = measure(
            seconds=options.seconds,
            processes=options.processes,
            directory=options.directory,
        )
        turns = "/".join(map(str, figures.turns))
        print(
            f"{number:3}  {figures.median:6.3f} {figures.p95:5.2f}"
            f"  {figures.longest:7.2f}  {figures.longest_wait:12.2f}"
            f"  {figures.handoffs:9}  {turns:10}  {figures.fairness:8.2f}"
        )


if __name__ == "__main__":
    main()
