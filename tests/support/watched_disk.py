"""A disk that says what its process is about to do, and ends the process there."""

import mmap
import os
import re
import signal
from collections import Counter
from typing import Any, Final, NamedTuple, Self

from imapbox.disk.filesystem import FileSystem, Mode

BOARD_SIZE: Final = 4096
BETWEEN: Final = "between two calls"
_NUMBER: Final = re.compile(r"[0-9a-f]{16,}|[0-9]+")
# Clocks and dice: not asked of the disk.
_ELSEWHERE: Final = frozenset({"now", "monotonic", "random", "is_alive", "is_locked"})
_CHANGES: Final = {
    *("create", "open_unnamed", "pwrite", "fdatasync", "truncate", "punch", "unlink"),
    *("make_directory", "sync_directory", "try_lock", "unlock"),
}
_CREATE: Final = {Mode.CREATE, Mode.ENSURE}


class Aim(NamedTuple):
    """Where a process ends.

    Attributes:
        step: What it does: a method of `FileSystem` and what for.
        times: How often it may do that before.
        after: Whether it is done then; of a write, else only its first half.
    """

    step: str
    times: int
    after: bool


class Board:
    """What another process does just now, for whoever outlives it."""

    def __init__(self, fd: int) -> None:
        os.ftruncate(fd, BOARD_SIZE)
        self._memory = mmap.mmap(fd, BOARD_SIZE)
        self.write(BETWEEN)

    @classmethod
    def new(cls) -> Self:
        """Return an empty one, which a process that is forked shares."""
        fd = os.memfd_create("board")
        try:
            return cls(fd)
        finally:
            os.close(fd)

    def write(self, step: str) -> None:
        """Say what is done now."""
        self._memory[:64] = step.encode()[:64].ljust(64)

    def read(self) -> str:
        """Return what was said last."""
        return self._memory[:64].decode().rstrip()


class WatchedDisk:
    """A `FileSystem` that passes all calls on to another, and counts its steps.

    Args:
        filesystem: Does them.
        board: Where each is announced.
        aim: Which of them is the last one.

    Attributes:
        seen: How often it was at each step.
    """

    def __init__(self, filesystem: FileSystem, board: Board, aim: Aim | None) -> None:
        self._filesystem = filesystem
        self._board = board
        self._aim = aim
        self.seen: Counter[str] = Counter()
        self._paths: dict[int, str] = {}

    def __getattr__(self, method: str) -> Any:
        passed_on = getattr(self._filesystem, method)
        if not callable(passed_on) or method in _ELSEWHERE:
            return passed_on

        def call(*arguments: Any) -> Any:
            subject = arguments[0] if arguments else ""
            path = (
                self._paths.get(subject, "?") if isinstance(subject, int) else subject
            )
            step = step_of(method, path, arguments)
            self._board.write(step)
            die = self._dies_at(step)
            if die and not self._aim.after:
                if method == "pwrite":
                    fd, data, offset = arguments
                    passed_on(fd, data[: len(data) // 2], offset)
                os.kill(os.getpid(), signal.SIGKILL)
            result = passed_on(*arguments)
            if die:
                os.kill(os.getpid(), signal.SIGKILL)
            self._board.write(BETWEEN)
            if method in {"open", "open_unnamed"}:
                self._paths[result] = path
            return result

        return call

    def _dies_at(self, step: str) -> bool:
        self.seen[step] += 1
        return (
            self._aim is not None
            and step == self._aim.step
            and self.seen[step] > self._aim.times
        )


def step_of(method: str, path: str, arguments: tuple[Any, ...]) -> str:
    """Return what a call is for, whoever's mailbox it is."""
    above, _, name = path.rpartition("/")
    kind = "account " if above.endswith("/account") else ""
    verb = "create" if method == "open" and arguments[1] in _CREATE else method
    return f"{verb} {kind}{_NUMBER.sub('#', name) or 'store'}"


def changes(step: str) -> bool:
    """Say whether a step changes anything: files, or who holds a lock."""
    return step.split(maxsplit=1)[0] in _CHANGES
