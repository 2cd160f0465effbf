"""A listener between an IMAP client and its server: every response is checked.

It is a TCP proxy in a thread, so that it hears real clients as well as ours.
"""

import contextlib
import selectors
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.response_checker import COMPRESSED, ResponseChecker

_PIECE = 256 * 1024
_KEPT = 256 * 1024  # of a conversation, for whoever has to find out


@dataclass(eq=False)
class _Side:
    """One end of a connection through the proxy, read here, written to ``other``."""

    end: socket.socket
    checker: ResponseChecker | None
    other: "_Side | None" = None
    _inflater: "zlib._Decompress | None" = None

    def hear(self, data: bytes) -> None:
        """Check what the server said, compressed or not."""
        if self.checker is None:
            return
        if self._inflater is None:
            plain, found, data = data.partition(COMPRESSED)
            self.checker.receive(plain + found)
            if not found:
                return
            self._inflater = zlib.decompressobj(-15)
        self.checker.receive(self._inflater.decompress(data))


@dataclass
class Overheard:
    """What went through the proxy.

    Attributes:
        address: Where to connect, (host, port).
    """

    address: tuple[str, int]
    _said: list[tuple[str, bytes]] = field(default_factory=list)
    _size: int = 0

    def note(self, who: str, data: bytes) -> None:
        """Keep the beginning of what was said."""
        if self._size < _KEPT:
            self._size += len(data)
            if self._said and self._said[-1][0] == who:
                data = self._said.pop()[1] + data
            self._said.append((who, data))

    def transcript(self) -> str:
        """Return the conversation, a line each, with who said it before it."""
        lines = [
            f"{who}: {line.decode('utf-8', 'backslashreplace')}"
            for who, data in self._said
            for line in data.splitlines()
        ]
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def overhearing(server: tuple[str, int]) -> Iterator[Overheard]:
    """Listen on a port of its own, and hand all on to ``server``.

    Ends with the block, and ends all connections then.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stop, stopper = socket.socketpair()
        stack.enter_context(stop)
        heard = Overheard(listener.getsockname()[:2])
        thread = threading.Thread(target=_serve, args=(listener, stop, server, heard))
        thread.start()
        try:
            yield heard
        finally:
            stopper.close()
            thread.join()


def _serve(
    listener: socket.socket,
    stop: socket.socket,
    server: tuple[str, int],
    heard: Overheard,
) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stop, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is stop:
                        return
                    if key.fileobj is listener:
                        _accept(listener, server, selector)
                    else:
                        _hand_on(key.data, selector, heard)
        finally:
            for key in tuple(selector.get_map().values()):
                if isinstance(key.data, _Side):
                    key.data.end.close()


def _accept(
    listener: socket.socket,
    server: tuple[str, int],
    selector: selectors.BaseSelector,
) -> None:
    client, _ = listener.accept()
    try:
        upstream = socket.create_connection(server)
    except OSError:
        client.close()
        return
    sides = _Side(client, None), _Side(upstream, ResponseChecker())
    for side, other in (sides, sides[::-1]):
        side.other = other
        side.end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(side.end, selectors.EVENT_READ, side)


def _hand_on(side: _Side, selector: selectors.BaseSelector, heard: Overheard) -> None:
    """Hand on what arrived at ``side``; the end of a connection, too."""
    other = side.other
    if other is None:
        return  # it ended in this very round
    try:
        data = side.end.recv(_PIECE)
        if data:
            # Blocks for a client that doesn't read, and so does the server.
            other.end.sendall(data)
    except OSError:
        data = b""
    if data:
        heard.note("S" if side.checker else "C", data)
        side.hear(data)
        return
    for each in (side, other):
        each.other = None
        selector.unregister(each.end)
        each.end.close()
