r"""Several IMAP clients on one store, played from a script.

A script says who says what, and what each then hears::

    A1: STORE 1 +FLAGS (\Deleted)
        * 1 FETCH (UID 1 FLAGS (\Deleted))
        OK
    B1: NOOP
        * 1 FETCH (UID 1 FLAGS (\Deleted))
        OK

The letter is the process, the digit the connection. What is heard is given
whole and in order: untagged responses, then how the command went. `OK` alone
stands for any text behind it; `...` stands for any number of lines, or for the
rest of one, and `<>` for any run of characters without a space. Without a word
on what is heard, a bare OK is meant. Which of several sessions is told `\Recent`
is chance, so nothing is compared of it. Besides commands there are

    A1 hears:            what comes without having been asked for (IDLE)
    A1 begins: NOOP      says it, and does not wait
    A1 ends:             what is then heard, up to the tagged answer
    A1 stops reading     and "A1 reads again"
    A1 hangs up
    B delivers: text     a message comes to INBOX
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from imapbox.imap.factory import IMAPFactory
from imapbox.imap.interfaces import Logins
from imapbox.imap.settings import Settings
from imapbox.mailbox.access import Visitor
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.sharing_account import open_sharing_account
from imapbox.model.names import UserName
from imapbox.store.store import Store
from tests.support.imap_client import NEAR, FakeTransport
from tests.support.mail_store import BOB, account_of, deliver
from tests.support.waiting import reactor, until

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_RECENT = re.compile(r"(?<=[ (])\\Recent ?| \\Recent(?=\))")
_LINE = re.compile(r"(?P<who>[A-Z][0-9]?)(?P<verb>:| [a-z ]+:?) ?(?P<rest>.*)")


class TimedTransport(FakeTransport):
    """Tells the time that a test takes to listen from the server's.

    Attributes:
        seconds: CPU seconds that writing took.
    """

    seconds = 0.0

    def write(self, data: bytes) -> None:
        began = time.thread_time()
        super().write(data)
        self.seconds += time.thread_time() - began


class StoreLogins:
    """Lets bob in, whatever he says."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, store: Store) -> None:
        self._store = store

    async def login(self, _user: bytes, _password: bytes) -> Account:
        account: UserAccount = await account_of(self._store)
        return account


class SharingLogins:
    """Lets anybody in who says a name; "root" is an administrator."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, store: Store) -> None:
        self._store = store

    async def login(self, user: bytes, _password: bytes) -> Account:
        visitor = Visitor(UserName(user.decode()), administers=user == b"root")
        account: Account = await open_sharing_account(self._store, visitor)
        return account


class Connection:
    """One client of one process."""

    def __init__(self, factory: IMAPFactory) -> None:
        self.transport = TimedTransport(NEAR)
        self.protocol = factory.buildProtocol(NEAR)
        self.protocol.makeConnection(self.transport)
        self._tags = 0
        self._lost = False

    @property
    def closed(self) -> bool:
        """Say whether the server has ended the connection."""
        return bool(self.transport.disconnecting)

    @property
    def unread(self) -> bytes:
        """What the server said, as far as nobody has taken it."""
        return self.transport.value()

    def take(self) -> bytes:
        """Return what the server said, once."""
        said = self.unread
        self.transport.clear()
        return said

    def say(self, octets: bytes) -> None:
        """Send octets."""
        self.protocol.dataReceived(self.transport.compress(octets))

    def begin(self, command: bytes) -> bytes:
        """Send a command, and return its tag."""
        self._tags += 1
        tag = b"t%d" % self._tags
        self.say(tag + b" " + command + b"\r\n")
        return tag

    async def end(self, tag: bytes) -> list[bytes]:
        """Return all responses once the tagged one is there, without its tag."""
        tag += b" "
        await until(
            lambda: any(each.startswith(tag) for each in responses_of(self.unread))
        )
        return [each.removeprefix(tag) for each in responses_of(self.take())]

    async def command(self, command: bytes) -> list[bytes]:
        """Say it, and return what is heard."""
        return await self.end(self.begin(command))

    def stop_reading(self) -> None:
        """Read no more: at most 64 KiB are taken in."""
        self.transport.read = False

    def read_again(self) -> None:
        """Read what has gathered, and what will come."""
        self.transport.read = True
        if self.transport.producer:
            self.transport.producer.resumeProducing()

    def hang_up(self) -> None:
        """End the connection, as a network does; once."""
        if not self._lost:
            self._lost = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class Stage:
    """Processes and their clients.

    Args:
        open_store: Starts a store on the directory of the test: a process.

    Attributes:
        settings: Of the listeners of processes that are started from now on.
        logins: Makes what lets clients of these in.
        users: Who connects, by the digit of the connection; bob, if not said.
    """

    def __init__(self, open_store: Callable[..., Awaitable[Store]]) -> None:
        self._open_store = open_store
        self.settings: Settings | None = None
        self.logins: Callable[[Store], Logins] = StoreLogins
        self.users: dict[str, bytes] = {}
        self.stores: dict[str, Store] = {}
        self._factories: dict[str, IMAPFactory] = {}
        self.connections: dict[str, Connection] = {}
        self._begun: dict[str, bytes] = {}

    async def store(self, process: str, **how: Any) -> Store:
        """Return the store of a process; the first time, start it."""
        if process not in self.stores:
            store = await self._open_store(**how)
            self.stores[process] = store
            await store.create_account(BOB)
            self._factories[process] = IMAPFactory(
                self.logins(store), reactor, settings=self.settings, tls="context"
            )
        return self.stores[process]

    def stranger(self, name: str) -> Connection:
        """Return a new client who has not logged in; the last of the name goes."""
        if before := self.connections.get(name):
            before.hang_up()
        self.connections[name] = Connection(self._factories[name[0]])
        return self.connections[name]

    async def client(self, name: str) -> Connection:
        """Return a client; the first time, let it log in."""
        if name not in self.connections:
            await self.store(name[0])
            connection = Connection(self._factories[name[0]])
            connection.take()
            user = self.users.get(name[1:], b"bob")
            login = b"LOGIN %b x" % user
            assert (await connection.command(login))[-1].startswith(b"OK")
            self.connections[name] = connection
        return self.connections[name]

    async def play(self, script: str) -> None:
        """Do what a script says, and compare what is heard."""
        for who, verb, rest, expected in _scenes(script):
            if verb == " delivers:":
                body = f"Subject: {rest}\r\n\r\n{rest}\r\n"
                await deliver(await self.store(who), body=body.encode())
                continue
            client = await self.client(who)
            match verb:
                case ":":
                    _compare(who, rest, await client.command(rest.encode()), expected)
                case " begins:":
                    self._begun[who] = client.begin(rest.encode())
                case " ends:":
                    heard = await client.end(self._begun.pop(who))
                    _compare(who, "", heard, expected)
                case " hears:":
                    await until(
                        lambda client=client, expected=expected: (
                            len(responses_of(client.unread)) >= len(expected)
                        )
                    )
                    _compare(who, "", responses_of(client.take()), expected)
                case " stops reading":
                    client.stop_reading()
                case " reads again":
                    client.read_again()
                case " hangs up":
                    client.hang_up()
                case _:
                    raise ValueError(verb)

    async def end(self) -> None:
        """Hang up all clients."""
        for connection in self.connections.values():
            connection.hang_up()
        for factory in self._factories.values():
            await factory.shutdown(1.0)
            assert factory.connections == set()


def responses_of(said: bytes) -> list[bytes]:
    """Cut octets into whole responses, each with its literals, without CRLF."""
    found = []
    at = 0
    while at < len(said):
        end = at
        while True:
            line_end = said.find(b"\r\n", end)
            if line_end < 0:
                return found
            end = line_end + 2
            literal = _LITERAL.search(said, at, end)
            if literal is None:
                break
            end += int(literal[1])
        found.append(said[at : end - 2])
        at = end
    return found


def _scenes(script: str) -> list[tuple[str, str, str, list[str]]]:
    scenes: list[tuple[str, str, str, list[str]]] = []
    for line in script.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        scene = _LINE.fullmatch(text)
        if scene:
            scenes.append((scene["who"], scene["verb"], scene["rest"], []))
        else:
            scenes[-1][3].append(text)
    return scenes


def _compare(who: str, said: str, heard: list[bytes], expected: list[str]) -> None:
    texts = [
        _RECENT.sub("", response.decode("latin-1")).replace("\r\n", "\\r\\n")
        for response in heard
        if not response.endswith(b" RECENT")
    ]
    pattern = "".join(map(_pattern, expected or ["OK"]))
    whole = "".join(f"{text}\n" for text in texts)
    assert re.fullmatch(pattern, whole), f"{who} said {said}, and heard:\n{whole}"


def _pattern(line: str) -> str:
    if line == "...":
        return r"(?:.*\n)*"
    if line in {"OK", "NO", "BAD"}:
        return line + r"(?: .*)?\n"
    text = line.removesuffix(" ...")
    rest = ".*" if text != line else ""
    return re.escape(text).replace("<>", r"[^ ]+") + rest + r"\n"
