"""One client's day: whatever clients do, and again when their server was killed."""

import random
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Final, TypeAlias

from tests.kills.facts import Facts
from tests.soak.client import Answer, Talker, found_by, marks_in, opened, uid_set
from tests.soak.ledger import Key, Ledger
from tests.soak.meter import Meter
from tests.soak.servers import Address

WORD: Final = "soak"  # that passes
HOME: Final = "INBOX"
STORE: Final = "Archive"  # each account has one
_AGAIN: Final = 0.05  # seconds until a server that is gone is tried again
_PATIENCE: Final = 180.0

Deed: TypeAlias = Callable[["Day"], None]


class Broken(Exception):
    """A server that nobody killed broke a connection."""


class Day:
    """One client, which comes back whenever its server was killed.

    Args:
        name: No other has it.
        address: Of its server.
        user: Whose mail it is.
        ledger: Where what it adds and removes is written down.
        chance: Decides what it does.

    Attributes:
        client: The connection.
        mailbox: What is selected.
        uidvalidity: Of that.
        uids: What it held when this client last searched for all.
        lasting: Whether the server must live; else it is killed now and then.
        facts: Where it is written down what is noted.
        guest: To whom it gives rights to its mail; no other client of it does.
        twin: The user's other client.
        keyed: The mailbox whose URLs no other client authorises.
        lost: How often the connection was lost.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        user: str,
        ledger: Ledger,
        chance: random.Random,
    ) -> None:
        self.name = name
        self.address = address
        self.user = user
        self.ledger = ledger
        self.chance = chance
        self.lasting = False
        self.facts: Facts
        self.guest: str
        self.twin: Day
        self.keyed = HOME
        self.client: Talker
        self.mailbox = HOME
        self.uidvalidity = 0
        self.uids: list[int] = []
        self.lost = 0
        self._meter: Meter
        self._count = 0

    def work(self, meter: Meter, deeds: dict[Deed, int]) -> None:
        """Do what there is to do; stay logged in.

        Raises:
            Broken: The server is gone, and it must not be.
        """
        self._meter = meter
        self.log_in()
        while meter.goes_on():
            (deed,) = self.chance.choices(list(deeds), list(deeds.values()))
            try:
                deed(self)
            except OSError as error:
                self._come_back(deed.__name__, error)

    def be_there(self) -> None:
        """Come back, if the server was killed behind the last command.

        Raises:
            Broken: It must not be.
        """
        try:
            self.say(b"CAPABILITY")  # which looks for no news
        except OSError as error:
            self._come_back("be there", error)

    def _come_back(self, deed: str, error: OSError) -> None:
        if self.lasting:
            raise Broken(self.name, deed) from error
        self.lost += 1
        self.client.close()
        self.log_in()

    def log_in(self) -> None:
        """Connect, as soon as there is a server, and select INBOX."""
        for _ in range(int(_PATIENCE / _AGAIN)):
            with suppress(OSError):
                self.client = Talker(self.address)
                try:
                    self.say(f"LOGIN {self.user} {WORD}".encode())
                    self.select(HOME)
                except BaseException:
                    self.client.close()
                    raise
                return
            Event().wait(_AGAIN)
        raise Broken(self.name)

    def log_out(self) -> None:
        """Say goodbye."""
        self.say(b"LOGOUT")
        self.client.close()

    def say(self, *commands: bytes) -> list[Answer]:
        """Say commands at once, and have them counted."""
        answers = self.client.together(*commands)
        for command in commands:
            verb, _, rest = command.partition(b" ")
            if verb == b"UID":
                verb = b"UID " + rest.partition(b" ")[0]
            self._meter.note(verb.decode())
        return answers

    def select(self, mailbox: str) -> None:
        """Select a mailbox, and learn what is in it."""
        answer, found = self.say(f"SELECT {mailbox}".encode(), b"UID SEARCH ALL")
        self.mailbox = mailbox
        self.uidvalidity = opened(answer).uidvalidity
        self.uids = found_by(found)

    def idle(self, seconds: float) -> None:
        """Wait for news."""
        tag = self.client.idle()
        with suppress(TimeoutError):
            self.client._socket.settimeout(seconds)
            self.client.response()
        self.client._socket.settimeout(_PATIENCE)
        self.client.done(tag)
        self._meter.note("IDLE")

    def some(self, most: int) -> list[int]:
        """Return some UIDs of the mailbox, one at least; none if it is empty."""
        count = min(len(self.uids), self.chance.randint(1, most))
        return sorted(self.chance.sample(self.uids, count))

    def keys(self, uids: list[int]) -> list[Key]:
        """Return what messages of the mailbox are called in the ledger."""
        return [Key(self.user, self.uidvalidity, uid) for uid in uids]

    def marks(self, uids: list[int]) -> dict[int, str]:
        """Return the marks of those of these messages that are there."""
        if not uids:
            return {}
        (answer,) = self.say(b"UID FETCH %b ENVELOPE" % uid_set(uids))
        marks = marks_in(answer)
        self.ledger.found(self.user, self.uidvalidity, marks)
        return marks

    def mark(self) -> str:
        """Return what one more message is called."""
        self._count += 1
        return f"{self.name}-{self._count}"
