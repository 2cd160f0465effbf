"""Stands between an MTA and an LMTP server, and cuts the connection when it hurts.

The server is given each message whole. Its reply to the first tries is not passed
on: both ends are closed instead, so that the MTA can't know what became of it.
"""

import re
import selectors
import socket
import threading
from collections import Counter
from contextlib import suppress
from typing import Final, Self

from benchmarks.servers import LOOPBACK

_MESSAGE_ID: Final = re.compile(
    rb"^message-id: *(<[^>]*>)", re.IGNORECASE | re.MULTILINE
)
_DATA: Final = re.compile(rb"^data\r\n", re.IGNORECASE | re.MULTILINE)
_END: Final = b"\r\n.\r\n"
_CHUNK: Final = 1 << 16


class Cutter:
    """Cuts the first tries of each message; leaving its ``with`` block ends it.

    Args:
        server: The LMTP server, (host, port).
        times: How many tries of each message are cut.

    Attributes:
        address: Where the MTA connects to.
        cuts: How often each message, by Message-ID, was cut off from its reply.
        replies: What was not passed on.
        said: The commands that came with the messages.
    """

    def __init__(self, server: tuple[str, int], times: int = 1) -> None:
        self.cuts: Counter[bytes] = Counter()
        self.replies: list[bytes] = []
        self.said: list[bytes] = []
        self._server = server
        self._times = times
        self._listener = socket.create_server((LOOPBACK, 0), backlog=200)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._ends, self._told_to_end = socket.socketpair()
        self._threads = [threading.Thread(target=self._listen)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        self._told_to_end.close()

    def _listen(self) -> None:
        with self._listener, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._told_to_end, selectors.EVENT_READ)
            while all(k.fileobj is self._listener for k, _ in selector.select()):
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),
            socket.create_connection(self._server) as server,
        ):
            relay = _Relay()
            with selectors.DefaultSelector() as selector:
                for each in (client, server, self._told_to_end):
                    selector.register(each, selectors.EVENT_READ)
                while True:
                    for key, _ in selector.select():
                        if key.fileobj is self._told_to_end:
                            return
                        data = key.fileobj.recv(_CHUNK)
                        if not data:
                            return
                        if key.fileobj is client:
                            relay.said(data)
                            server.sendall(data)
                        elif relay.message and self._is_cut(relay, data):
                            return
                        else:
                            client.sendall(data)

    def _is_cut(self, relay: "_Relay", reply: bytes) -> bool:
        """Say whether the reply to a message does not reach the client."""
        (name,) = _MESSAGE_ID.findall(relay.message)[:1]
        if self.cuts[name] >= self._times:
            return False
        self.cuts[name] += 1
        self.replies.append(reply)
        self.said.append(relay.commands)
        return True


class _Relay:
    """Where the client stands.

    Attributes:
        commands: What came before the message.
        message: One whose end was said, until the next command.
    """

    def __init__(self) -> None:
        self.commands = b""
        self.message = b""
        self._content: bytes | None = None

    def said(self, data: bytes) -> None:
        """Take note of what the client said."""
        if self._content is not None:
            self._content += data
            if (end := self._content.find(_END)) >= 0:
                self.message, self._content = self._content[:end], None
            return
        if self.message:
            self.commands, self.message = b"", b""
        self.commands += data
        if found := _DATA.search(self.commands):
            self._content = self.commands[found.end() :]
