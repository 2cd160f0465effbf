"""A protocol beside which somebody else does something, at any of its calls."""

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from imapbox.disk.steps import Steps

T = TypeVar("T")


def interrupted(steps: Steps[T], number: int, act: Callable[[], object]) -> Steps[T]:
    """Let somebody act right before one of the calls of a protocol.

    Args:
        steps: The protocol.
        number: Before which call; the first is 0.
        act: Does it.
    """
    try:
        wanted = next(steps)
        for at in count():
            if at == number:
                act()
            try:
                answer = yield wanted
            except OSError as error:
                wanted = steps.throw(error)
            else:
                wanted = steps.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("it has no end")
