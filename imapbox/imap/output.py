"""What we tell the client: one write for each turn, and never too much.

Long answers are made in slices. After each slice the session asks for `room`:
it waits while the client does not read, and gives other sessions their turn.
What a client that does not read can cost is one slice and the transport's own
buffer, for as long as it is patient with itself; then it is dropped.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, ITransport
from twisted.internet.task import deferLater
from zope.interface import implementer

from imapbox.imap.settings import SLICE, TURN
from imapbox.wire.deflate import Deflater


@implementer(IPushProducer)
class Output:
    """The sending half of a connection.

    Attributes:
        sent: Octets, since the connection began.
    """

    def __init__(
        self,
        transport: ITransport,
        clock: Any,
        patience: float,
        give_up: Callable[[], None],
    ) -> None:
        self.sent = 0
        self._transport = transport
        self._clock = clock
        self._patience = patience
        self._give_up = give_up
        self._pieces: list[bytes] = []
        self._last = b""
        self._size = 0
        self._deflater: Deflater | None = None
        self._turn_began: float = clock.seconds()
        self._stuck: IDelayedCall | None = None
        self._reader: Deferred[None] | None = None

    @property
    def full(self) -> bool:
        """Say whether a slice is complete: time to ask for `room`."""
        return self._size >= SLICE

    @property
    def empty(self) -> bool:
        """Say whether all that was said is handed over."""
        return not self._pieces

    @property
    def in_line(self) -> bool:
        """Say whether a line was begun that has not come to its end."""
        return bool(self._last) and not self._last.endswith(b"\r\n")

    def write(self, data: bytes) -> None:
        """Say ``data``, at the end of the turn."""
        self._last = data or self._last
        self._pieces.append(data)
        self._size += len(data)

    def deflate(self) -> None:
        """Compress what is said from now on. RFC 4978 §3."""
        self.flush()
        self._deflater = Deflater()

    def flush(self) -> None:
        """Hand over what was said: once a turn, or a slice, also if compressed."""
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
            if self._deflater is not None:
                data = self._deflater.deflate(data)
            self.sent += len(data)
            self._transport.write(data)

    def begin_turn(self) -> None:
        """Note that the reactor has called us: our time begins."""
        self._turn_began = self._clock.seconds()

    async def room(self) -> None:
        """Wait until there is more to be said to this client, and it is its turn.

        Returns at once where the slice is neither full nor took long.
        """
        if self.full:
            self.flush()
        elif self._stuck is None and self._clock.seconds() - self._turn_began < TURN:
            return
        self.flush()
        if self._stuck is None:
            await deferLater(self._clock, 0)
        while self._stuck is not None:
            self._reader = Deferred()
            try:
                await self._reader
            finally:
                self._reader = None
        self.begin_turn()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """Stop: the client has not read what we wrote."""
        if self._stuck is None:
            self._stuck = self._clock.callLater(self._patience, self._give_up)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """Go on: the client has read."""
        self.stopProducing()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.callback(None)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted calls it
        """Stop for good: the connection is gone."""
        stuck, self._stuck = self._stuck, None
        if stuck is not None and stuck.active():
            stuck.cancel()
