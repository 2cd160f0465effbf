"""Work on a store from the command line, beside the servers or without them."""

import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from twisted.internet import reactor as _reactor  # noqa: TID251 - the roof installs it
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapbox.app.presence import (
    absent,
    find_store,
    of_another_format,
    something_else,
    unfinished,
    unreadable,
)
from imapbox.model.errors import UnknownFormat
from imapbox.store.format import NoStore, NotAStore, UnfinishedCopy
from imapbox.store.store import Store

T = TypeVar("T")

# The module is the reactor, which mypy can not know.
reactor: Final[Any] = _reactor


def on_store(
    root: Path, work: Callable[[Store], Awaitable[T]], *, make: bool = False
) -> T:
    """Open a store, do ``work``, close it, and return what came of it.

    To be called once in a process: a reactor runs only once, and root becomes
    the user whose store it is, so that nothing in it is root's afterwards.

    Args:
        root: The store's directory.
        work: What to do.
        make: Make the store if it is not there.

    Raises:
        Refused: There is none, or it can't be opened.
        KeyboardInterrupt: A signal came before the work was done.
    """
    if not make:
        find_store(root)
    become_owner(root)
    job = _Job(lambda: _opened(Store(str(root), reactor, make=make), work))
    reactor.callWhenRunning(job.start)
    # What a signal interrupts gives back what it took.
    reactor.addSystemEventTrigger("before", "shutdown", job.end)
    reactor.run()
    result: T = job.result()
    return result


def become_owner(root: Path) -> None:
    """Drop root's privileges for those of the store's owner."""
    if os.geteuid() == 0 and root.exists():
        owner = root.stat()
        if owner.st_uid != 0:
            os.setgroups([])
            os.setgid(owner.st_gid)
            os.setuid(owner.st_uid)


class _Job:
    """One coroutine, for which the reactor runs."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._work = work
        self._running: Deferred[Any] | None = None
        self._ending = False
        self._outcome: Any = None
        self._interrupted = True

    def start(self) -> None:
        self._running = Deferred.fromCoroutine(self._work()).addBoth(self._done)

    def end(self) -> "Deferred[Any] | None":
        """Cancel what runs; the reactor waits for what is returned."""
        self._ending = True
        if self._running is not None:
            self._running.cancel()
        return self._running

    def result(self) -> Any:
        """Return the outcome, or raise it."""
        if self._interrupted:
            raise KeyboardInterrupt
        if isinstance(self._outcome, Failure):
            self._outcome.raiseException()
        return self._outcome

    def _done(self, outcome: Any) -> None:
        self._outcome = outcome
        self._running = None
        # What could not be cancelled any more was done.
        if not self._ending or not isinstance(outcome, Failure):
            self._interrupted = False
        if not self._ending:
            reactor.stop()


async def _opened(store: Store, work: Callable[[Store], Awaitable[T]]) -> T:
    root = Path(store.root)
    try:
        await store.start()
    except NoStore as error:
        raise absent(root) from error
    except UnfinishedCopy as error:
        raise unfinished(root) from error
    except NotAStore as error:
        raise something_else(root) from error
    except UnknownFormat as error:
        raise of_another_format(root, error) from error
    except OSError as error:
        raise unreadable(root, error) from error
    try:
        return await work(store)
    finally:
        await store.stop()
