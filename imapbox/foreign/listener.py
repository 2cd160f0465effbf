"""Hears what a foreign mailbox tells of itself."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.mail.interfaces import IMailboxIMAPListener
from zope.interface import implementer


@implementer(IMailboxIMAPListener)
class Listener:
    """One session's ear at a mailbox.

    What it hears says that there is news, and no more: what is so is read.

    Attributes:
        flags_changed: Whether some flags did since this was last set to False.
    """

    def __init__(self) -> None:
        self.flags_changed = False
        self._waiting: list[Deferred[None]] = []

    def wait(self) -> Deferred[None]:
        """Return a Deferred that fires with the next news. It may be cancelled."""
        waiter: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiter)
        return waiter

    def wake(self) -> None:
        """Fire what waits."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def modeChanged(self, writeable: Any) -> None:
        """Hear that a mailbox may be written, or no longer: the next SELECT sees."""
        del writeable

    def flagsChanged(self, newFlags: Any) -> None:
        """Hear of new flags."""
        del newFlags
        self.flags_changed = True
        self.wake()

    def newMessages(self, exists: Any, recent: Any) -> None:
        """Hear of new messages."""
        del exists, recent
        self.wake()
