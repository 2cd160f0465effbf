"""Deliveries as an MTA makes them: again over another connection, if one is lost."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from benchmarks.load.lmtp import LmtpClient
from tests.soak.day import Broken
from tests.soak.ledger import Ledger
from tests.soak.meter import Meter
from tests.soak.servers import Address

_AT_ONCE: Final = 5
_AGAIN: Final = 0.05
_LINE: Final = b"All of this is said again and again, for it is a letter.\r\n"
_SIZES: Final = (4, 10, 20, 40, 60, 1000)  # in lines


@dataclass
class Letter:
    """One message on its way.

    Attributes:
        mark: Its subject.
        octets: All of it.
        recipients: Whose mailboxes it is for.
        named: Whether the server is told which message it is, by XFORWARD.
        answered: Those of whom it was answered that they have it.
    """

    mark: str
    octets: bytes
    recipients: list[str]
    named: bool
    answered: set[str] = field(default_factory=set)

    @property
    def wire(self) -> bytes:
        """Return all that is said to deliver it, in one go."""
        to = "".join(f"RCPT TO:<{each}>\r\n" for each in self.recipients)
        size = f"BDAT {len(self.octets)} LAST\r\n"
        name = f"XFORWARD IDENT={self.mark}\r\n" if self.named else ""
        sender = "MAIL FROM:<soak@example.org>\r\n"
        return (name + sender + to + size).encode() + self.octets

    @property
    def replies(self) -> int:
        """Return how many replies come before those that answer for it."""
        return self.named + 1 + len(self.recipients)


class Postman:
    """Delivers letters through one server, each until it is answered.

    Args:
        name: No other has it.
        address: Of the server's LMTP.
        users: Who gets mail.
        ledger: Where it is written down.
        chance: Decides who gets what.

    Attributes:
        lasting: Whether the server must live.
        again: How many letters had to be sent again.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        users: Sequence[str],
        ledger: Ledger,
        chance: random.Random,
    ) -> None:
        self.lasting = False
        self.again = 0
        self._name = name
        self._address = address
        self._users = users
        self._ledger = ledger
        self._chance = chance
        self._count = 0
        self._client: LmtpClient | None = None

    def work(self, meter: Meter) -> None:
        """Deliver until there is enough."""
        while meter.goes_on():
            # Without a name a letter is known again until its client says more.
            named = self._chance.random() < 0.5
            letters = [self._new(named=named) for _ in range(_AT_ONCE if named else 1)]
            while letters:
                try:
                    self._send(letters, meter)
                except OSError as error:
                    if self.lasting:
                        raise Broken(self._name) from error
                    self._hang_up()
                    self.again += len(letters)
                    Event().wait(_AGAIN)
        if self._client is not None:
            with suppress(OSError):
                self._client.quit()
        self._hang_up()

    def _new(self, *, named: bool) -> Letter:
        self._count += 1
        mark = f"{self._name}-{self._count}"
        lines = self._chance.choices(_SIZES, (20, 20, 20, 20, 20, 1))[0]
        octets = (
            f"From: soak@example.org\r\nSubject: {mark}\r\n"
            f"Message-ID: <{mark}@example.org>\r\nX-Soak: {lines}\r\n\r\n"
        ).encode() + _LINE * lines
        recipients = self._chance.sample(self._users, self._chance.choice((1, 1, 2)))
        for user in recipients:
            self._ledger.tries(user, mark)
        return Letter(mark, octets, recipients, named)

    def _send(self, letters: list[Letter], meter: Meter) -> None:
        """Send all of them at once; those that were answered are removed."""
        if self._client is None:
            self._client = LmtpClient(self._address)
        client = self._client
        client.send(b"".join(letter.wire for letter in letters))
        while letters:
            letter = letters[0]
            for _ in range(letter.replies):
                assert client.reply().startswith(b"250")
            for user in letter.recipients:
                reply = client.reply()
                assert reply.startswith(b"250"), reply
                if user not in letter.answered:
                    letter.answered.add(user)
                    self._ledger.has(user, letter.mark)
                    meter.note("delivery")
            del letters[0]

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
