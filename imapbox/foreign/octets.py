"""The octets of a foreign message, as a file.

An `IMessageFile` has them. Any other message is put together from its header, its
body and its parts, as the stock server does it. The files are the application's:
they may be the same ones each time, so they are read from where we want, and never
closed.
"""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.mail.imap4 import MessageProducer
from twisted.mail.interfaces import IMessageIMAPFile

from imapbox.disk.spool import MEMORY_LIMIT
from imapbox.foreign.calls import ask, turn

# So much is put together between two turns of others.
OCTETS_AT_ONCE: Final = 1 << 20
_END: Final = 2
# Twisted's, which has no types.
_Producer: Any = MessageProducer


async def octets_file(message: Any, clock: Any) -> Any:
    """Return a file of all octets of a message.

    Args:
        message: The application's.
        clock: For turns of others.
    """
    file: Any = IMessageIMAPFile(message, None)
    if file is not None:
        return await ask(file.open)
    buffer = SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - the caller's
    turns = 0

    def run_through(work: Iterator[object]) -> Deferred[None]:
        """Put it together, or a part of it, without a turn for each piece."""

        async def run() -> None:
            nonlocal turns
            for piece in work:
                if isinstance(piece, Deferred):
                    await piece
                if buffer.tell() // OCTETS_AT_ONCE > turns:
                    turns += 1
                    await turn(clock)

        return Deferred.fromCoroutine(run())

    producer: Any = _Producer(message, buffer, run_through)
    await ask(producer.beginProducing, None)
    return buffer


def size_of(file: Any) -> int:
    """Return how many octets a file has."""
    file.seek(0, _END)
    return int(file.tell())


def piece_of(file: Any, start: int, size: int) -> bytes:
    """Return octets of a file; fewer only at its end."""
    file.seek(start)
    octets = b""
    while len(octets) < size:
        more: bytes = file.read(size - len(octets))
        if not more:
            break
        octets += more
    return octets
