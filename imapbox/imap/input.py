"""What the client sends, as the session asks for it.

The session takes one event at a time and nothing is read ahead of it, so the
next command begins when the one before has been answered, whatever was
pipelined: a strict queue, by construction (RFC 9051 §5.5).
"""

from collections.abc import Awaitable, Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer

from imapbox.wire.deflate import Inflater
from imapbox.wire.imap.events import Event
from imapbox.wire.imap.framer import CommandFramer

# Of compressed input so much is made readable at a time, octets.
INFLATED: Final = 16 * 1024


class Input:
    """The receiving half of a connection.

    Attributes:
        framer: Turns octets into events.
        received: Octets, since the connection began.
    """

    def __init__(
        self,
        source: IPushProducer,
        before_waiting: Callable[[], None],
        limit: int,
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self.framer = CommandFramer()
        self.received = 0
        self._source = source
        self._before_waiting = before_waiting
        self._limit = limit
        self._room = room
        self._inflater: Inflater | None = None
        self._paused = False
        self._ended = False
        self._waiter: Deferred[None] | None = None

    @property
    def waiting(self) -> bool:
        """Say whether the session waits for the client."""
        return self._waiter is not None

    @property
    def unread(self) -> int:
        """How many octets have come that nobody has asked for."""
        inflater = self._inflater
        return self.framer.buffered + (0 if inflater is None else inflater.buffered)

    def inflate(self) -> None:
        """Take what comes from now on for compressed. RFC 4978 §3."""
        self._inflater = Inflater()

    def receive(self, data: bytes) -> None:
        """Take in what arrived, and wake the session if it waits for it."""
        self.received += len(data)
        if self._ended:
            return  # who was told BYE may not fill our memory on the way out
        if self._inflater is None:
            self.framer.receive(data)
        else:
            self._inflater.receive(data)
        self.wake()
        is_too_much = self.unread > self._limit and not self.waiting
        # What came may just have ended the session.
        if is_too_much and not self._paused and not self._ended:
            self._paused = True
            self._source.pauseProducing()

    async def event(self) -> Event:
        """Return what the client sends next, once it is complete.

        Raises:
            WireError: As `CommandFramer.next_event` and `more` do.
        """
        while (event := self.framer.next_event()) is None:
            await self.more()
        return event

    async def line(self, limit: int) -> bytes:
        """Return the next line, without its CRLF.

        Raises:
            Unreadable: It has more than ``limit`` octets, or as `more` does.
        """
        while (line := self.framer.next_line(limit)) is None:
            await self.more()
        return line

    def forget(self) -> None:
        """Begin anew: nothing that came is part of what will come."""
        self.framer = CommandFramer()

    def end(self) -> None:
        """Let nothing more come: the connection ends."""
        self._ended = True

    def wake(self) -> None:
        """Let `more` return, though nothing may have come."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    async def more(self) -> None:
        """Wait until more comes, or `wake` is called.

        Of what came compressed a little is taken at a time, since it may become
        a thousand times as long; in between, others have their turn.

        Raises:
            StreamBroken: It should be compressed, and is not.
        """
        if self._inflater is not None and self._inflater.pending:
            self.framer.receive(self._inflater.next(INFLATED))
            await self._room()
            return
        self._before_waiting()
        waiter: Deferred[None] = Deferred()
        self._waiter = waiter
        if self._paused and not self._ended:
            self._paused = False
            self._source.resumeProducing()
        try:
            await waiter
        finally:
            self._waiter = None
