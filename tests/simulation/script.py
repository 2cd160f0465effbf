"""What a process does next, for any results that its calls may have.

A generator can't be copied. But it is given nothing except the results of its
calls, so that those results say all about where it stands.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from imapbox.disk.steps import Call, Pause, Steps


class Returned(NamedTuple):
    """A process that came to its end."""

    value: Any


class Raised(NamedTuple):
    """A process that an error ended."""

    error: BaseException


class Script:
    """What one process does next, for any results it was given.

    Attributes:
        goes_on: Whether there is something to do, for each place.
    """

    def __init__(self, make: Callable[[], Steps[Any]]) -> None:
        self._make = make
        self._results: list[tuple[int, Any]] = [(-1, None)]
        self._next: list[Any] = []
        self.goes_on: list[bool] = []
        self._after: dict[tuple[int, Any], int] = {}
        self._live: dict[int, Steps[Any]] = {}
        self._append(self._ask(make(), None, 0))

    def next(self, place: int) -> Any:
        """Return the `Call`, `Pause`, `Returned` or `Raised` at a place."""
        return self._next[place]

    def after(self, place: int, result: Any) -> int:
        """Return the place behind ``result``."""
        key = (place, _key(result))
        found = self._after.get(key)
        if found is not None:
            return found
        new = len(self._results)
        self._results.append((place, result))
        generator = self._live.pop(place, None) or self._drive_to(place)
        self._append(self._ask(generator, result, new))
        self._after[key] = new
        return new

    def _append(self, wanted: Any) -> None:
        self._next.append(wanted)
        self.goes_on.append(isinstance(wanted, (Call, Pause)))

    def _ask(self, generator: Steps[Any], result: Any, place: int) -> Any:
        try:
            if isinstance(result, BaseException):
                wanted = generator.throw(result)
            else:
                wanted = generator.send(_thawed(result))
        except StopIteration as stop:
            return Returned(stop.value)
        except Exception as error:  # noqa: BLE001 - the explorer reports it
            return Raised(error)
        self._live[place] = generator
        return wanted

    def _drive_to(self, place: int) -> Steps[Any]:
        results = []
        while place > 0:
            place, result = self._results[place]
            results.append(result)
        generator = self._make()
        generator.send(None)
        for result in reversed(results):
            if isinstance(result, BaseException):
                generator.throw(result)
            else:
                generator.send(_thawed(result))
        return generator


def _key(result: Any) -> Any:
    if isinstance(result, OSError):
        return ("error", result.errno)
    return (type(result), result)


def _thawed(result: Any) -> Any:
    if type(result) is Names:
        return list(result)
    if type(result) is Mapped:
        return memoryview(bytearray(result))
    return result


class Names(tuple[str, ...]):
    """A list of names, as a value."""

    __slots__ = ()


class Mapped(bytes):
    """A private mapping, as a value."""

    __slots__ = ()


def frozen(result: Any) -> Any:
    """Return the result of a call as a value."""
    if isinstance(result, list):
        return Names(result)
    return Mapped(result) if isinstance(result, memoryview) else result
