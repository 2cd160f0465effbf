"""Noticing that this machine was cut off from the file system of the store.

A shared file system shuts out a machine that it takes for dead, and gives its
locks to others; one that a process makes (FUSE) is gone with that process.
What is there to be said then is said by one errno, once, to whoever makes the
next call, and a later call may seem to succeed. So the first such error is
the last word: nothing is begun any more, what goes on makes no further call,
and nothing is believed that ends after it.
"""

import errno
from collections.abc import Callable
from typing import Any, Final

CUT_OFF: Final = frozenset({errno.ESHUTDOWN, errno.ENOTCONN, errno.ESTALE})


class Fence:
    """Whether this process has been cut off: one answer for all its threads.

    Args:
        reactor: In whose thread ``tell`` is called.
        tell: Called once, with the error.
    """

    def __init__(self, reactor: Any, tell: Callable[[OSError], None]) -> None:
        self._reactor = reactor
        self._tell = tell
        self._error: OSError | None = None

    @property
    def is_down(self) -> bool:
        """Say whether the file system is there, as far as anybody knows."""
        return self._error is None

    def notice(self, error: OSError) -> None:
        """Look at an error. May be called in any thread."""
        if error.errno in CUT_OFF and self._error is None:
            self._error = error
            self._reactor.callFromThread(self._tell, error)

    def check(self) -> None:
        """Raise what `error` returns, if it is up."""
        if self._error is not None:
            raise self.error()

    def error(self) -> OSError:
        """Return what whoever wants the file system now is told."""
        code = errno.ESHUTDOWN
        text = "cut off from the mail store"
        if self._error is not None:
            code, text = self._error.errno or code, self._error.strerror or text
        return OSError(code, text)
