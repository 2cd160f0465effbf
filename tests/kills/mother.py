"""Starts processes one after the other, hears what they say, and ends them."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.kills.books import Books

HANGS: Final = 60.0
# What may have been done, whoever ends how.
_INTENTS: Final = frozenset({"tries", "expunges", "replaces", "sets"})


@dataclass(frozen=True)
class Plan:
    """One life.

    Attributes:
        name: What its messages are called.
        seed: Decides what it does.
        aim: Where it dies.
        patience: After so many lines it is ended, if it dies nowhere else.
    """

    name: str
    seed: int
    aim: tuple[str, int, bool] | None = None
    patience: int = 0


@dataclass
class Death:
    """How a process ended.

    Attributes:
        killed: Whether it was killed; else it was left alone.
        step: What it was doing.
        steps: How often it came to each step, if it was left alone.
    """

    killed: bool = False
    step: str = ""
    steps: dict[str, int] = field(default_factory=dict)


def kill(pid: int) -> None:
    """End a process as nothing can hinder."""
    with suppress(ProcessLookupError):  # it ended just now
        os.kill(pid, signal.SIGKILL)


class Mother:
    """Gives life on one store.

    Args:
        process: What forks.
        books: Where all that is said is written down.
    """

    def __init__(self, process: subprocess.Popen[bytes], books: Books) -> None:
        self._process = process
        self._books = books

    def give_life(
        self, plan: Plan, end: Callable[[int], None] = kill, *, trusts: bool = True
    ) -> Death:
        """Let one live, and die.

        Args:
            plan: Its life.
            end: Ends the process with a pid when its time has come.
            trusts: Whether what it says behind its end counts: it may have been
                said before.
        """
        uidnext, modseq = self._books.uidnext, self._books.modseq
        text = json.dumps({"name": plan.name, "seed": plan.seed, "aim": plan.aim})
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")
        self._process.stdin.flush()
        death = Death()
        ended = False
        pid = 0
        for number, line in enumerate(self._lines()):
            verb, *words = line.split(maxsplit=1)
            if verb == "ended":
                status, death.step = words[0].split(maxsplit=1)
                death.killed = int(status) == -signal.SIGKILL
                return death
            if verb == "born":
                pid = int(words[0])
            elif verb == "found":
                found = list(map(int, words[0].split()))
                assert found[0] >= uidnext, "a UID is used again"
                assert found[1] >= modseq, "a MODSEQ is used again"
            elif verb == "steps":
                death.steps = json.loads(words[0])
            elif trusts or not ended or verb in _INTENTS:
                assert verb != "failed", line
                self._books.note(line)
            if plan.patience and number == plan.patience:
                end(pid)
                ended = True
        return death

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
def mother(root: Path, books: Books) -> Iterator[Mother]:
    """Start what gives life on the store at ``root``."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kills.lives", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Mother(process, books)
        finally:
            process.kill()
