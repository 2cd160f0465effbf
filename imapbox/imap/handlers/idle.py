"""IDLE: tell the client when something happens, until it says DONE.

RFC 2177, RFC 9051 §6.3.13.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from imapbox.imap.answers import Done, Mistaken
from imapbox.imap.changes import sync
from imapbox.imap.notices import tell_news
from imapbox.imap.session import Session
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.authenticated import Idle, is_done

_MAX_LINE = 64


async def idle(session: Session, _command: Idle) -> Done:
    """Tell at once what is new, then what happens, as it happens.

    Raises:
        Mistaken: Something else than DONE came.
        MailboxGone: The mailbox was deleted.
        CancelledError: The server stops; the client was told.
    """
    session.output.write(responses.continuation("idling"))
    news = _News(session)
    try:
        while (line := session.input.framer.next_line(_MAX_LINE)) is None:
            session.end_if_stopping()
            if news.arrived:
                news.listen()
                await sync(session, may_expunge=True)
                await session.output.room()
            elif session.notifying.has_hints:
                await tell_news(session, may_expunge=True)
            elif news.silent:
                news.speak()
            else:
                await session.input.more()
    finally:
        news.close()
    if not is_done(line):
        raise Mistaken("Only DONE ends IDLE.")
    await sync(session, may_expunge=True)
    return Done("IDLE ended.")


class _News:
    """Wakes a session that waits for its client, when there is something.

    Attributes:
        arrived: Whether a sync may have something to tell.
        silent: Whether it is time to say that we are still here.
    """

    def __init__(self, session: Session) -> None:
        self.arrived = True
        self.silent = False
        self._session = session
        self._changed: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._wait()

    def listen(self) -> None:
        """Notice whatever happens from now on; call it before a sync."""
        self.arrived = False
        self._changed = self._session.changed()
        # An error means nothing here: the sync that follows meets it too.
        self._changed.addBoth(self._arrive)

    def speak(self) -> None:
        """Say something, so that nobody on the way forgets the connection."""
        self._session.output.write(
            responses.untagged(responses.Status.OK, "Still here.")
        )
        self._wait()

    def close(self) -> None:
        """Give back what waits."""
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.cancel()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _wait(self) -> None:
        self.silent = False
        self._timer = self._session.clock.callLater(
            self._session.settings.patience.idling, self._fall_silent
        )

    def _fall_silent(self) -> None:
        self.silent = True
        self._session.input.wake()

    def _arrive(self, _: object) -> None:
        if self._changed is not None:
            self.arrived = True
            self._session.input.wake()
