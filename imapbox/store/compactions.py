"""Compaction that happens by itself, in a process that serves a mailbox.

Whoever learns what is new in a mailbox has it considered here. Once an hour at
most it is looked whether much of what the log takes on the disk is dead; that
costs a directory's listing and takes no lock. If so it is compacted, one mailbox
at a time in a process, in a thread that may sync. Several processes may do so
at once: they wait for one another's lock, part by part, and so does nobody else.
"""

from collections import OrderedDict
from typing import Final

from twisted.internet.defer import CancelledError, DeferredLock, ensureDeferred
from twisted.logger import Logger

from imapbox.index.commit import Log
from imapbox.index.compact import Compacted, compact, has_much_dead
from imapbox.index.compact_plan import Policy
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.settings import Settings
from imapbox.model.errors import MailError
from imapbox.store.drivers import Drivers

# So much must be dead, and more than lives.
LEAST: Final = 16 * 1024 * 1024
_HOUR: Final = 3600.0
# What is dead may be in grace: there is nothing to do then for hours.
_IN_VAIN: Final = 6 * _HOUR
_REMEMBERED: Final = 4096


class Compactor:
    """Compacts the mailboxes of one process.

    Attributes:
        least: Octets that must be dead.
    """

    _log = Logger()

    def __init__(self, drivers: Drivers, settings: Settings) -> None:
        self.least = LEAST
        self._drivers = drivers
        self._settings = settings
        self._turn = DeferredLock()
        self._not_before: OrderedDict[str, float] = OrderedDict()
        self._stopped = False

    def consider(self, directory: str) -> None:
        """Begin to compact a mailbox, if that is due."""
        now = self._drivers.filesystem.monotonic()
        if self._stopped or self._not_before.get(directory, now) > now:
            return
        self._wait(directory, now + _HOUR)
        self._turn.run(lambda: ensureDeferred(self._compact_in_words(directory)))

    def stop(self) -> None:
        """Begin nothing new. What is going on ends with its part."""
        self._stopped = True

    async def idle(self) -> None:
        """Wait until nothing is going on."""
        await self._turn.run(lambda: None)

    def _wait(self, directory: str, until: float) -> None:
        self._not_before[directory] = until
        self._not_before.move_to_end(directory)
        if len(self._not_before) > _REMEMBERED:
            self._not_before.popitem(last=False)

    async def _compact_in_words(self, directory: str) -> None:
        try:
            if not self._stopped:
                await self._compact(directory)
        except CancelledError:
            pass  # the process ends
        except FileNotFoundError:
            pass  # the mailbox was deleted
        except (MailError, OSError) as error:
            self._log.info(
                "did not compact {directory}: {error!r}",
                directory=directory,
                error=error,
            )
        except Exception:  # noqa: BLE001 - mail goes on without compaction
            self._log.failure("could not compact {directory}", directory=directory)

    async def _compact(self, directory: str) -> None:
        look = has_much_dead(directory, self.least)
        if not await self._drivers.read.run(look):
            return
        log = Log(directory, MailboxFacts)
        work = compact(log, self._settings, Policy(least=self.least))
        done = await self._drivers.write.run(work)
        if not _came_to_something(done):
            now = self._drivers.filesystem.monotonic()
            self._wait(directory, now + _IN_VAIN)
            return
        self._log.info(
            "compacted {directory}: {before} -> {after} octets,"
            " {relocated} messages written again",
            directory=directory,
            before=done.before,
            after=done.after,
            relocated=done.relocated,
        )


def _came_to_something(done: Compacted) -> bool:
    return bool(done.punched or done.relocated or done.removed)
