"""Commands as the stock server keeps them, and how overriding reaches them."""

from typing import Any


def rebind_commands(server: type) -> None:
    """Let ``server``'s methods count where its base class bound others.

    The stock server keeps each command as a tuple of functions, of its own
    class: ``select_NOOP = (do_NOOP,)``. Overriding ``do_NOOP`` alone changes
    nothing. This puts the functions that ``server`` has now into all tuples.
    """

    def current(function: Any) -> Any:
        if not callable(function):
            return function
        return getattr(server, function.__name__, function)

    for name in dir(server):
        command = getattr(server, name, None)
        if isinstance(command, tuple) and command and callable(command[0]):
            setattr(server, name, tuple(map(current, command)))
