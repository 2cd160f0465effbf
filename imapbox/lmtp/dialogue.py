"""What the client says, as the session asks for it, and what it is told.

Nothing is read ahead of the session, so the next command begins when the one
before has been answered. What is said is collected, and handed over in one
write when we begin to wait for something (RFC 2920 §3.2).
"""

from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imapbox.lmtp.limits import Limits
from imapbox.lmtp.peer import Interrupted, Peer
from imapbox.wire.lmtp.framer import (
    BareLineEnding,
    Chunk,
    CommandLine,
    ContentEnd,
    Event,
    Framer,
)

T = TypeVar("T")

# After so many commands in one go the other connections have their turn.
_TURN: Final = 100


class Dialogue:
    """Question and answer with one client.

    Attributes:
        was_read: Whether the client has shown, since `look_for_a_sign`, that it
            read what it was told: it said something, and none of that before.
    """

    def __init__(self, peer: Peer, clock: Any, limits: Limits) -> None:
        self.was_read = False
        self._looks_for_a_sign = False
        self._is_ahead = False
        self._peer = peer
        self._clock = clock
        self._limits = limits
        self._framer = Framer(limit=limits.line)
        self._unsaid: list[bytes] = []
        self._patience = limits.idle
        self._in_turn = 0
        self._idle = False
        self._stopping = False

    def say(self, answer: bytes) -> None:
        """Tell the client ``answer``, when we wait next."""
        self._unsaid.append(answer)

    def flush(self) -> None:
        """Tell the client now."""
        if self._unsaid:
            if self._looks_for_a_sign:
                # What it said by now it said without having read this.
                self._is_ahead = self._peer.is_ahead
            self._peer.write(b"".join(self._unsaid))
            self._unsaid.clear()

    def look_for_a_sign(self) -> None:
        """Note in `was_read` when the client has read all that was said so far."""
        self.was_read = False
        self._looks_for_a_sign = True

    def stop(self) -> None:
        """Let `command_line` raise `Interrupted`, now if it waits."""
        self._stopping = True
        if self._idle:
            self._peer.interrupt()

    async def command_line(self) -> CommandLine | BareLineEnding:
        """Return the next line, complete.

        Raises:
            Interrupted: `stop` was called.
            LineTooLong: There is no end to it.
            PeerGone, PeerTooSlow: As `Peer.more` does.
        """
        self._patience = self._limits.idle
        self._in_turn += 1
        if self._in_turn == _TURN:
            await self.wait(deferLater(self._clock, 0))
        if self._stopping:
            raise Interrupted
        self._idle = True
        try:
            event = await self._event()
        finally:
            self._idle = False
        if not isinstance(event, CommandLine | BareLineEnding):
            raise TypeError(event)
        return event

    def begin_content(self) -> None:
        """Read a message next, with `octets`."""
        self._patience = self._limits.idle
        self._framer.begin_content()

    def begin_chunk(self, size: int) -> None:
        """Read ``size`` octets of a message next, with `octets`."""
        self._patience = self._limits.idle
        self._framer.begin_chunk(size)

    async def octets(self) -> bytes | None:
        """Return the next octets of the message or chunk, or None at its end.

        Raises:
            PeerGone, PeerTooSlow: As `Peer.more` does.
        """
        event = await self._event()
        if isinstance(event, Chunk):
            return event.octets
        if not isinstance(event, ContentEnd):
            raise TypeError(event)
        return None

    def grant(self, octets: int) -> None:
        """Be patient for a message that grew by so many octets."""
        self._patience += octets / self._limits.rate

    async def wait(self, something: Deferred[T]) -> T:
        """Return the result of something of ours, and be polite meanwhile."""
        if not something.called:
            self.flush()
            self._in_turn = 0
        return await something

    async def _event(self) -> Event:
        while (event := self._framer.next_event()) is None:
            self.flush()
            self._in_turn = 0
            began = self._clock.seconds()
            # The rest of what was begun shows nothing: the network cuts anywhere.
            had_ended = self._framer.is_between
            self._framer.receive(await self._peer.more(self._patience))
            if self._looks_for_a_sign and had_ended:
                self._take_for_a_sign()
            self._patience -= self._clock.seconds() - began
        return event

    def _take_for_a_sign(self) -> None:
        """Conclude from what was said just now, if anything follows from it."""
        if not self._is_ahead and self._peer.has_taken_all:
            self.was_read = True
            self._looks_for_a_sign = False
