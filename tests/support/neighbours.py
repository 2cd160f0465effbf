"""Two users of one store who know each other's names, and say anything.

Each has a canary: a word that is in all that is theirs, their messages, the names
of some mailboxes, their keywords. What a user's clients hear is searched for the
other's canary.
"""

import base64
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.internet.testing import StringTransportWithDisconnection

from imapbox.app.logins import StoreLogins
from imapbox.auth.login import Login
from imapbox.imap.states import State
from imapbox.lmtp.factory import LMTPFactory
from imapbox.model.names import UserName
from imapbox.model.quota import Quota
from imapbox.store.deliveries import Deliveries
from imapbox.store.layout import user_directory
from imapbox.store.quotas import quota_facts
from imapbox.store.store import Store
from tests.support.hostile_commands import (
    BOXES,
    FLAGS,
    MESSAGES,
    OWN_BOXES,
    TEXTS,
    HostileCommands,
    Vocabulary,
)
from tests.support.stage import Connection, Stage, responses_of
from tests.support.waiting import reactor, until

USERS: Final = ("ana", "bob")
PROCESSES: Final = "AB"
BEFORE_LOGIN: Final = frozenset({"LOGIN", "AUTHENTICATE", "STARTTLS"})
WITHOUT_MAILBOX: Final = frozenset(
    {
        *("SETACL", "DELETEACL", "GETACL", "LISTRIGHTS", "MYRIGHTS"),
        *("CAPABILITY", "NOOP", "LOGOUT", "ID", "SELECT", "EXAMINE", "CREATE"),
        *("DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "NAMESPACE"),
        *("STATUS", "APPEND", "IDLE", "ENABLE", "COMPRESS", "UNAUTHENTICATE"),
        *("GENURLAUTH", "RESETKEY", "URLFETCH"),
    }
)
ROOMY: Final = Quota(1 << 40, 1 << 30)
MANY: Final = 40  # so many messages are enough


class Leak(AssertionError):
    """Somebody was told what is another's."""


class Person:
    """A user, what is theirs, and what their clients heard.

    Attributes:
        name: Theirs.
        canary: The word that is in all that is theirs.
        heard: How often they were told of it.
    """

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.password = b"the password of " + name.encode()
        self.canary = b"canary%b" % chance.randbytes(12).hex().encode()
        self.box = b"secret-" + self.canary
        self.keyword = b"k" + self.canary
        self.heard = 0
        self._tails: dict[int, bytes] = {}

    @property
    def messages(self) -> tuple[bytes, ...]:
        """Return messages of theirs."""
        canary, word = self.canary, base64.b64encode(self.canary)
        return (
            b"Subject: %b\r\nFrom: %b@example.org\r\n\r\n%b\r\n" % ((canary,) * 3),
            b"Subject: %b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b\r\n"
            % (canary, word),
            b"Subject: =?utf-8?b?%b?=\r\nContent-Type: multipart/mixed; boundary=b;"
            b" name=%b\r\n\r\n--b\r\n\r\n%b\r\n--b--\r\n" % (word, canary, canary),
            *(b"X-Of: %b\r\n%b" % (canary, each) for each in MESSAGES[:4]),
        )

    def hear(self, client: Connection, other: "Person") -> bytes:
        """Take what a client was told.

        Raises:
            Leak: Some of it is the other's.
        """
        said = client.take()
        whole = self._tails.get(id(client), b"") + said
        self._tails[id(client)] = whole[-len(other.canary) :]
        self.heard += self.canary in said
        if other.canary in whole:
            raise Leak(self.name, whole)
        return said


def spellings(other: str, ids: Sequence[str]) -> tuple[bytes, ...]:
    """Return how one might try to name what is somebody else's."""
    name = other.encode()
    directory = user_directory(UserName(other)).encode()
    one = ids[0].encode()
    below = (
        *(b"Other Users/%b", b"Other Users/%b/INBOX", b"user/%b", b"user.%b", b"~%b"),
        *(b"~%b/INBOX", b"#user/%b/INBOX", b"#shared/%b", b"Shared/%b", b"../%b"),
        *(b"../../%b/account", b"%%2e%%2e/%b", b"..%%2f%b", b"&AC4ALg-/%b"),
        *(b"&AC4ALgAv-%b", b"INBOX/../../%b", b"./%b", b"/%b", b"%b", b"%b/INBOX"),
        *(b"%b/%%", b"*%b*", b'"%b\\\\..\\\\x"', b"&AAA-%b", b"%b&AAA-", b"&-/%b"),
    )
    return (
        *(form % name for form in below),
        *(b"../mailboxes/" + one, b"/" + directory, directory + b"/mailboxes/" + one),
        *(each.encode() for each in ids),
    )


class Neighbours:
    """What two users say, and what each is told.

    Args:
        seed: Of all chance.

    Attributes:
        obeyed: How often each verb was answered OK.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.people = {name: Person(name, self.chance) for name in USERS}
        self.said: Counter[str] = Counter()
        self.obeyed: Counter[str] = Counter()
        self._number = 0
        self._steps = 0
        self._postmen: dict[str, Postman] = {}

    async def begin(self, stage: Stage) -> None:
        """Take a new stage: both users, their mailboxes, and mail."""
        self._stage = stage
        stage.logins = self._logins
        self._postmen.clear()
        for process in PROCESSES:
            store = await stage.store(process)
            self._postmen[process] = Postman(store)
        for person in self.people.values():
            client = await self.client(person, "A")
            for box in (*BOXES, person.box):
                await client.command(b"CREATE " + box)
            await client.command(b"SUBSCRIBE " + person.box)
            account = await self._stage.stores["A"].account(UserName(person.name))
            await account.set_meta(quota_facts(ROOMY))
            for message in person.messages:
                # Of both, what is alike lies at the same places.
                await client.command(_append(person, b"INBOX", message))
        self._commands = {name: await self._commands_of(name) for name in self.people}

    async def step(self) -> None:
        """Let somebody say something."""
        person = self.people[self.chance.choice(USERS)]
        process = self.chance.choice(PROCESSES)
        self._steps += 1
        if self._steps % 100 == 1:
            for each in self.people.values():
                await self._refill(each)
        if self._steps % 500 == 1:
            await self.look_at_everything()
        if self.chance.random() < 0.05:
            await self._postmen[process].bring(self._letter(person), self._canaries())
            return
        hostile = self._commands[person.name].next()
        if _gives(hostile.text, self._other(person)):
            return  # by damage
        verb = hostile.verb.removeprefix("UID ").split()[0]
        if verb in BEFORE_LOGIN:
            client = self._stage.stranger(f"{process}0")
        else:
            client = await self.client(person, process)
            session: Any = client.protocol
            state = session._session.state
            if verb not in WITHOUT_MAILBOX and state is State.AUTHENTICATED:
                boxes = (b"INBOX", b"other", person.box)
                await self._say(person, client, b"SELECT " + self.chance.choice(boxes))
        if verb in {"DELETE", "RENAME"} and self.chance.random() < 0.6:
            for box in OWN_BOXES:
                await self._say(person, client, b"CREATE " + box)
        answer = await self._say(person, client, hostile.text.removesuffix(b"\r\n"))
        self.said[verb] += 1
        self.obeyed[verb] += answer == b"OK"
        self._overhear()

    async def look_at_everything(self) -> None:
        """Let both read all that they have."""
        for person in self.people.values():
            client = await self.client(person, self.chance.choice(PROCESSES))
            await self._say(person, client, b'LSUB "" *')
            for box in await self._boxes(person):
                await self._say(person, client, b"SELECT " + box)
                items = b"(FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])"
                await self._say(person, client, b"FETCH 1:* " + items)
                notes = b"GETMETADATA (DEPTH infinity) %b (/private /shared)"
                await self._say(person, client, notes % box)
        self._overhear()

    def _other(self, person: Person) -> Person:
        (other,) = (each for each in self.people.values() if each is not person)
        return other

    def _canaries(self) -> list[bytes]:
        return [person.canary for person in self.people.values()]

    def _logins(self, store: Store) -> StoreLogins:
        passwords = InMemoryUsernamePasswordDatabaseDontUse(
            **{name: person.password for name, person in self.people.items()}
        )
        return StoreLogins(store, Login([passwords]))

    async def _commands_of(self, name: str) -> HostileCommands:
        person, other = self.people[name], self._other(self.people[name])
        store = self._stage.stores["A"]
        account = await store.account(UserName(other.name))
        ids = [each.hex() for each in account.state.mailboxes]
        foreign = spellings(other.name, ids[:3])
        return HostileCommands(
            self.chance,
            damage=0.2,
            vocabulary=Vocabulary(
                boxes=(*BOXES * 3, person.box, *foreign),
                texts=(*TEXTS, person.canary, other.canary[:-1], *foreign[:5]),
                messages=person.messages,
                flags=(*FLAGS, person.keyword),
                # Rights that the other one had would be no leak.
                people=(
                    *(b"carol",) * 8,
                    name.encode(),
                    b"anyone",
                    b"-carol",
                    b"\xc3\xb6",
                ),
            ),
        )

    async def client(self, person: Person, process: str) -> Connection:
        """Return a client of a user, logged in."""
        name = process + person.name
        client = self._stage.connections.get(name)
        if client is None or client.closed:
            client = self._stage.stranger(name)
            client.take()
        session: Any = client.protocol
        if session._session.state is State.NOT_AUTHENTICATED:
            login = b'LOGIN %b "%b"' % (person.name.encode(), person.password)
            assert (await client.command(login))[-1].startswith(b"OK")
        return client

    async def _say(self, person: Person, client: Connection, text: bytes) -> bytes:
        """Say it, and return how it was answered; without an answer, hang up."""
        if client not in self._stage.connections.values():
            return b""  # we hung up
        self._number += 1
        tag = b"n%d" % self._number
        client.say(tag + b" " + text + b"\r\n")
        session: Any = client.protocol
        await until(lambda: session._session.input.waiting or client.closed)
        said = person.hear(client, self._other(person))
        for line in responses_of(said):
            if line.startswith(tag + b" "):
                return line.split()[1]
        client.hang_up()
        self._stage.connections = {
            name: each
            for name, each in self._stage.connections.items()
            if each is not client
        }
        return b""

    def _overhear(self) -> None:
        """Take what the other clients were told meanwhile."""
        for name, client in self._stage.connections.items():
            if (person := self.people.get(name[1:])) is not None:
                person.hear(client, self._other(person))

    async def _boxes(self, person: Person) -> list[bytes]:
        """Return the names of a user's mailboxes, as they are said."""
        store = self._stage.stores["A"]
        account = await store.account(UserName(person.name))
        names = [name for name in account.state.names if name.isascii()]
        quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
        return [b'"%b"' % name.replace("&", "&-").encode() for name in quoted]

    async def _refill(self, person: Person) -> None:
        """See to it that there is mail, and not too much."""
        client = await self.client(person, "A")
        for box in (*BOXES, person.box):
            await self._say(person, client, b"CREATE " + box)
            if await self._say(person, client, b"SELECT " + box) != b"OK":
                continue
            session: Any = client.protocol
            if session._session.selection.mailbox.exists > MANY:
                await self._say(person, client, b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
                await self._say(person, client, b"EXPUNGE")
        for message in self.chance.sample(person.messages, 3):
            letter = Letter(person.name.encode(), message)
            await self._postmen["B"].bring(letter, self._canaries())
        message = self.chance.choice(person.messages)
        await self._say(person, client, _append(person, person.box, message))
        box = self.chance.choice((b'""', *BOXES, person.box))
        note = b'SETMETADATA %b (/private/comment "%b" /shared/comment "%b")'
        await self._say(person, client, note % (box, person.canary, person.canary))

    def _letter(self, person: Person) -> "Letter":
        """Return a message to an address that may lead anywhere."""
        other = self._other(person).name.encode()
        name = person.name.encode()
        message = self.chance.choice(person.messages)
        detail = self.chance.choice(
            (b"other", person.box, b"../" + other, b"Other Users/" + other, other)
        )
        if self.chance.random() < 0.7:
            return Letter(name + b"+" + detail, message)
        address = self.chance.choice(
            (
                *(
                    b"../" + other,
                    b"%b/../%b" % (name, other),
                    b"%b%%%b" % (name, other),
                ),
                *(
                    b'"../%b"' % other,
                    b'"%b\\\0"' % other,
                    b"users/" + other,
                    b"+" + other,
                ),
            )
        )
        return Letter(address, MESSAGES[0])


class Letter(NamedTuple):
    """A message on its way.

    Attributes:
        address: Whom it is for.
        message: What it says.
    """

    address: bytes
    message: bytes


class Postman:
    """Brings messages by LMTP."""

    def __init__(self, store: Store) -> None:
        self._deliveries = Deliveries(store, _knows)

    async def bring(self, letter: Letter, canaries: Sequence[bytes]) -> None:
        """Deliver a message, and hear nobody's secrets."""
        factory = LMTPFactory(self._deliveries, reactor, hostname="mx.example.org")
        transport = StringTransportWithDisconnection()
        protocol = factory.buildProtocol(None)
        transport.protocol = protocol
        protocol.makeConnection(transport)
        for line in (
            b"LHLO client.example\r\n",
            b"MAIL FROM:<a@example.org>\r\n",
            b"VRFY %b\r\n" % letter.address,
            b"RCPT TO:<%b>\r\n" % letter.address,
            b"BDAT %d LAST\r\n%b" % (len(letter.message), letter.message),
            b"QUIT\r\n",
        ):
            if not transport.connected:
                break
            protocol.dataReceived(line)
            await until(
                lambda: protocol._waiting is not None or not transport.connected
            )
        await factory.shutdown(1.0)
        said = transport.value().replace(letter.address, b"")
        if any(canary in said for canary in canaries):
            raise Leak("the postman", said)


def _append(person: Person, box: bytes, message: bytes) -> bytes:
    literal = b"~{%d+}\r\n%b" % (len(message), message)
    return b"APPEND %b (%b) %b" % (box, person.keyword, literal)


def _gives(text: bytes, other: Person) -> bool:
    """Say whether a command may give rights to the other user."""
    return b"SETACL" in text.upper() and other.name.encode() in text.lower()


async def _knows(user: UserName) -> bool:
    return user in USERS
