"""Copies into one mailbox, which twisted.mail asks for one by one."""

from functools import partial
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.twisted_errors import told
from imapbox.mailbox.twisted_message import TwistedMessage
from imapbox.mailbox.values import Copied
from imapbox.model.names import MailboxName
from imapbox.model.numbers import Uid

# Who waits for the copy of which message.
_Wanted: TypeAlias = dict[Uid, list[Deferred[int]]]


class Copies:
    """Makes one change of all copies that are asked for in one turn.

    Args:
        name: Of the mailbox they go to.
        clock: Of the reactor, whose turns are meant.
    """

    def __init__(self, name: MailboxName, clock: Any) -> None:
        self._name = name
        self._clock = clock
        self._waiting: list[tuple[TwistedMessage, Deferred[int]]] = []

    def add(self, message: TwistedMessage) -> Deferred[int]:
        """Return the UID that the copy of a message of this account will have."""
        copied: Deferred[int] = Deferred()
        self._waiting.append((message, copied))
        if len(self._waiting) == 1:
            self._clock.callLater(0, self._copy_all)
        return copied

    def _copy_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        sources: dict[SelectedMailbox, _Wanted] = {}
        for message, copied in waiting:
            wanted = sources.setdefault(message.selected, {})
            wanted.setdefault(Uid(message.getUID()), []).append(copied)
        for source, wanted in sources.items():
            copying = told(source.copy(sorted(wanted), self._name))
            Deferred.fromCoroutine(copying).addCallbacks(
                partial(_tell_copied, wanted), partial(_tell_not_copied, wanted)
            )


def _tell_copied(wanted: _Wanted, copied: Copied | None) -> None:
    if copied is not None:
        for original, uid in zip(copied.originals, copied.uids, strict=True):
            for each in wanted[original]:
                each.callback(uid)


def _tell_not_copied(wanted: _Wanted, failure: Any) -> None:
    for waiting in wanted.values():
        for each in waiting:
            each.errback(failure)
