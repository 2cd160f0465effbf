r"""Which messages are ``\Recent``: to the first session only that is told of them.

That is written down, as META `recentuid`, when a session opens the mailbox and,
for what it was told later, when it leaves: once for all of it, however much that
was. While it is open, whoever opens the mailbox besides may be told the same as
recent: of sessions at the same time the RFC leaves open which it is.

See Also:
    RFC 3501 §2.3.2; docs/decisions/recent-without-waiting.md.
"""

from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapbox.index.mailbox_transactions import SetMeta
from imapbox.index.transaction import Change
from imapbox.model.errors import MailError
from imapbox.store.open_mailbox import OpenMailbox

_log = Logger()

_RECENT_UID: Final = "recentuid"


def recent_after(mailbox: OpenMailbox) -> int:
    """Return above which UID no session was told of any message."""
    return max(_written(mailbox), mailbox.recent_uid)


class Recent:
    """What one session is the first to be told of.

    Args:
        mailbox: Which; synced.
        takes: Whether it will not be recent to others: not to who only looks.

    Attributes:
        after: Messages with a greater UID are recent to this session.
    """

    def __init__(self, mailbox: OpenMailbox, *, takes: bool) -> None:
        self.after = recent_after(mailbox)
        self._mailbox = mailbox
        self._takes = takes
        self._told = self.after

    def open(self) -> None:
        """Note that the session is told of all that is there."""
        counts = self._mailbox.state.counts
        if counts.exists:
            self.tell(counts.uidnext - 1)
        if self._is_news():
            self._submit().addErrback(_not_written)

    def tell(self, uid: int) -> None:
        """Note that the session is told of messages up to this UID."""
        self._told = max(self._told, uid)

    def close(self) -> None:
        """Write down what the session was told of since; does not wait for it."""
        if self._is_news():
            Deferred.fromCoroutine(self._catch_up()).addErrback(_not_written)

    def _is_news(self) -> bool:
        """Say whether there is something to be written; who asks writes it."""
        if not self._takes or self._told <= recent_after(self._mailbox):
            return False
        self._mailbox.recent_uid = self._told
        return True

    async def _catch_up(self) -> None:
        # Others may have been told of more: what is written never goes back.
        await self._mailbox.sync()
        if self._told > _written(self._mailbox):
            await self._submit()

    def _submit(self) -> "Deferred[Change | None]":
        meta = SetMeta(_RECENT_UID, self._told.to_bytes(4, "little"))
        return self._mailbox.submit(meta, command="select")


def _written(mailbox: OpenMailbox) -> int:
    value = mailbox.state.facts.meta.get(_RECENT_UID, b"")
    return int.from_bytes(value, "little")


def _not_written(failure: Failure) -> None:
    # Other processes have them recent again, then; only what nobody foresaw is worth
    # a word. That the store ends meanwhile is foreseen.
    if not isinstance(failure.value, MailError | CancelledError):
        _log.failure("what is recent was not written", failure)
