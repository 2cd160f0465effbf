"""A store that only remembers what LMTP gave it, and a client to give it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection

from imapbox.disk.spool import Content, Spool
from imapbox.disk.steps import Finished, Steps, advance
from imapbox.lmtp.factory import LMTPFactory
from imapbox.lmtp.interfaces import Delivered, Doubt, Identity, Recipient
from imapbox.lmtp.limits import Limits
from imapbox.model.errors import NoSuchUser
from imapbox.model.names import INBOX, UserName
from imapbox.model.numbers import Uid

LOCAL = IPv4Address("TCP", "127.0.0.1", 4711)
CONTENT = b"Subject: hello\r\n\r\nworld\r\n"


class MemoryFiles:
    """As much of a `FileSystem` as a spool needs; `keep` False forgets octets."""

    def __init__(self) -> None:
        self.files: dict[int, bytearray] = {}
        self.keep = True
        self.error: OSError | None = None
        self.opened = 0

    def open_unnamed(self, directory: str) -> int:
        del directory
        self.opened += 1
        self.files[self.opened] = bytearray()
        return self.opened

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        if self.error is not None:
            raise self.error
        if self.keep:
            assert offset == len(self.files[fd])
            self.files[fd] += data
        return len(data)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        return bytes(self.files[fd][offset : offset + size])

    def close(self, fd: int) -> None:
        del self.files[fd]


class Disk:
    """Drives steps at once, or, if it is slow, when `go_on` is called."""

    def __init__(self) -> None:
        self.filesystem = MemoryFiles()
        self.slow = False
        self._waiting: list[Callable[[], None]] = []

    def run(
        self, steps: Steps[Any], ended: Callable[[], None] | None = None
    ) -> Deferred[Any]:
        if not self.slow:
            return self._result(steps, ended)
        result: Deferred[Any] = Deferred()
        self._waiting.append(lambda: self._result(steps, ended).chainDeferred(result))
        return result

    def give_back(self, steps: Steps[Any]) -> None:
        self.run(steps).addErrback(lambda _: None)

    def go_on(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each()

    def _result(
        self, steps: Steps[Any], ended: Callable[[], None] | None
    ) -> Deferred[Any]:
        try:
            outcome = advance(steps, self.filesystem)
        except OSError:
            return fail()
        finally:
            if ended is not None:
                ended()
        assert isinstance(outcome, Finished)
        return succeed(outcome.value)


class FakeDeliveries:
    """Finds everybody at ``example.test``, and delivers, unless told otherwise.

    Attributes:
        found: What `find` does for an address: raise, or wait first.
        delivered: What `deliver` does for an address: raise, or wait first.
        stored: Address, header and octets of what was delivered.
        looked_up: All addresses that `find` was asked for.
        identities: What was said of each that was stored.
        settling: What `settle` does: raise, or wait first.
        settled: Addresses of the deliveries that the client knows of.
        doubts: For an address, where that is not another one for each message.
    """

    def __init__(self) -> None:
        self.disk = Disk()
        self.found: dict[str, Exception | Deferred[None]] = {}
        self.delivered: dict[str, Exception | Deferred[None]] = {}
        self.stored: list[tuple[str, bytes, bytes]] = []
        self.looked_up: list[str] = []
        self.begun: list[str] = []
        self.identities: list[Identity | None] = []
        self.settling: Exception | Deferred[None] | None = None
        self.settled: list[str] = []
        self.doubts: dict[str, Doubt] = {}

    @property
    def open_files(self) -> int:
        return len(self.disk.filesystem.files)

    def new_spool(self) -> Spool:
        return Spool(self.disk, "spool")

    async def find(self, address: str) -> Recipient:
        self.looked_up.append(address)
        await _happens(self.found.get(address))
        local, at, domain = address.rpartition("@")
        if at and domain != "example.test":
            raise NoSuchUser
        return Recipient(address, UserName(local or address), INBOX)

    async def deliver(
        self,
        recipient: Recipient,
        header: bytes,
        content: Content,
        identity: Identity | None = None,
    ) -> Delivered:
        self.begun.append(recipient.address)
        await _happens(self.delivered.get(recipient.address))
        outcome = advance(content.read(content.size, 0), self.disk.filesystem)
        assert isinstance(outcome, Finished)
        self.stored.append((recipient.address, header, outcome.value))
        self.identities.append(identity)
        doubt = Doubt(recipient.address, header) if identity else None
        doubt = self.doubts.get(recipient.address, doubt)
        return Delivered(Uid(len(self.stored)), is_new=True, doubt=doubt)

    async def settle(self, doubts: Sequence[Doubt]) -> None:
        await _happens(self.settling)
        self.settled += [doubt.directory for doubt in doubts]


async def _happens(what: Exception | Deferred[None] | None) -> None:
    if isinstance(what, Deferred):
        await what
    elif what is not None:
        raise what


class Conversation:
    """A client on a transport of memory, and the clock of both."""

    def __init__(
        self, deliveries: Any = None, *, peer: Any = None, **limits: Any
    ) -> None:
        self.deliveries = FakeDeliveries() if deliveries is None else deliveries
        self.clock = Clock()
        self.factory = LMTPFactory(
            self.deliveries,
            self.clock,
            hostname="mx.example.test",
            limits=Limits(**limits),
        )
        self.peer = peer
        self.connect()

    def connect(self) -> None:
        self.transport = StringTransportWithDisconnection(peerAddress=self.peer)
        self.protocol = self.factory.buildProtocol(None)
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> list[str]:
        """Send ``data``; return the lines that came back."""
        if self.transport.connected:
            self.protocol.dataReceived(data)
        return self.heard()

    def heard(self) -> list[str]:
        """Return the lines that came since the last time."""
        text = self.transport.value().decode("ascii")
        self.transport.clear()
        assert text == "" or text.endswith("\r\n")
        lines = text.split("\r\n")[:-1]
        assert all(line.isprintable() for line in lines)
        return lines

    def begin(self, *recipients: str) -> None:
        """Say everything that comes before the message."""
        names = recipients or ("alice@example.test",)
        self.send(b"LHLO client.example\r\nMAIL FROM:<bob@example.org>\r\n")
        for name in names:
            self.send(f"RCPT TO:<{name}>\r\n".encode())
        assert self.send(b"DATA\r\n")[-1].startswith("354 ")

    def say_in_pieces(self, data: bytes, size: int) -> list[str]:
        """Send ``data``, ``size`` octets at a time."""
        for at in range(0, len(data), size):
            if not self.transport.connected:
                break
            self.protocol.dataReceived(data[at : at + size])
        return self.heard()


def codes(lines: list[str]) -> list[str]:
    """Return the code of each reply, without the lines that go on."""
    return [line[:3] for line in lines if line[3] == " "]


def statuses(lines: list[str]) -> list[str]:
    """Return code and enhanced code of each reply."""
    return [" ".join(line.split(" ")[:2]) for line in lines if line[3] == " "]


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    """Cut ``data`` at these places."""
    edges = sorted({0, *(min(place, len(data)) for place in places), len(data)})
    for begin, end in pairwise(edges):
        yield data[begin:end]


def three_ways(data: bytes) -> Iterator[list[bytes]]:
    """Cut ``data`` not at all, everywhere, and at each single place."""
    yield [data]
    yield list(cut(data, list(range(len(data)))))
    for place in range(1, len(data)):
        yield list(cut(data, [place]))
