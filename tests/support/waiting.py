"""Waiting on the real reactor for what threads and other processes do."""

from collections.abc import Callable
from pathlib import Path

from twisted.internet import reactor  # noqa: TID251 - pytest-twisted's
from twisted.internet.task import deferLater

__all__ = ["open_files", "reactor", "turn", "until"]

SOON = 20.0


async def turn() -> None:
    """Let the reactor and the threads do what there is to do."""
    await deferLater(reactor, 0.001)


async def until(condition: Callable[[], object]) -> None:
    """Return when ``condition`` holds; fail if it never does."""
    give_up = reactor.seconds() + SOON
    while not condition():
        assert reactor.seconds() < give_up, "it never came true"
        await turn()


def open_files() -> list[str]:
    """Return what this process's descriptors name."""
    names = []
    for fd in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(fd.readlink()))
        except FileNotFoundError:  # the directory's own
            continue
    return names
