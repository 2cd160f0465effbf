"""One LMTP connection, from the greeting to the last word."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.logger import Logger

from imapbox.disk.spool import Spool
from imapbox.lmtp.delivery import Delivery
from imapbox.lmtp.dialogue import Dialogue
from imapbox.lmtp.headers import Client, Trace
from imapbox.lmtp.interfaces import Deliveries, Recipient
from imapbox.lmtp.limits import Limits
from imapbox.lmtp.peer import Interrupted, Peer, PeerGone, PeerTooSlow
from imapbox.lmtp.refusals import refuse, report_fault, too_late
from imapbox.lmtp.states import EXPECTED_IN, PERMITTED_IN, State
from imapbox.model.errors import MessageTooBig
from imapbox.wire.lmtp import replies
from imapbox.wire.lmtp.commands import (
    BadCommand,
    Bare,
    Lhlo,
    Mail,
    Rcpt,
    Verb,
    parse_command,
)
from imapbox.wire.lmtp.framer import BareLineEnding, CommandLine, LineTooLong

_log = Logger()


@dataclass(slots=True)
class _Transaction:
    """What MAIL and RCPT have said."""

    reverse_path: str
    smtputf8: bool
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    recipients: list[Recipient] = field(default_factory=list)


class _Goodbye(Exception):
    """The client has said QUIT."""


class _TooManyMistakes(Exception):
    """The client doesn't speak LMTP."""


_LAST_WORDS: Final[Mapping[type[Exception], bytes]] = {
    _Goodbye: replies.TO_BARE[Verb.QUIT],
    _TooManyMistakes: replies.TOO_MANY_MISTAKES,
    Interrupted: replies.SHUTTING_DOWN,
    PeerTooSlow: replies.TOO_SLOW,
    LineTooLong: replies.LINE_TOO_LONG,
}


class Session:
    """Serves one client."""

    def __init__(
        self,
        peer: Peer,
        deliveries: Deliveries,
        clock: Any,
        *,
        hostname: str,
        limits: Limits,
    ) -> None:
        self._peer = peer
        self._deliveries = deliveries
        self._clock = clock
        self._hostname = hostname
        self._limits = limits
        self._dialogue = Dialogue(peer, clock, limits)
        self._say = self._dialogue.say
        self._name = ""
        self._transaction: _Transaction | None = None
        self._mistakes = 0

    @property
    def state(self) -> State:
        """What the client has said so far."""
        if not self._name:
            return State.CONNECTED
        if self._transaction is None:
            return State.READY
        if not self._transaction.recipients:
            return State.SENDER_GIVEN
        return State.RECIPIENTS_GIVEN

    def stop(self) -> None:
        """Say goodbye: at once, or when the current command is answered."""
        self._dialogue.stop()

    async def run(self) -> None:
        """Serve the client until it or we have had enough. Never fails."""
        self._say(replies.greeting(self._hostname))
        try:
            while True:
                await self._serve(await self._dialogue.command_line())
        except PeerGone:
            return
        except tuple(_LAST_WORDS) as why:
            if not isinstance(why, _Goodbye):
                _log.info(
                    "hung up on {name!r}: {why}",
                    name=self._name,
                    why=type(why).__name__,
                )
            self._say(_LAST_WORDS[type(why)])
        except Exception:  # noqa: BLE001 - reported, and answered
            _log.failure("LMTP session failed")
            self._say(replies.OUR_FAULT)
        self._dialogue.flush()

    async def _serve(self, line: CommandLine | BareLineEnding) -> None:
        if isinstance(line, BareLineEnding):
            self._mistake(replies.BARE_LINE_ENDING)
            return
        try:
            command = parse_command(line.text)
        except BadCommand as error:
            self._mistake(replies.BAD_COMMAND[type(error)])
            return
        state = self.state
        if state not in PERMITTED_IN[command.verb]:
            self._mistake(replies.out_of_order(EXPECTED_IN[state]))
            return
        match command:
            case Rcpt():
                await self._rcpt(command)
            case Mail():
                self._mail(command)
            case Bare(Verb.DATA):
                await self._data()
            case Lhlo():
                self._lhlo(command)
            case Bare():
                self._bare(command.verb)

    def _lhlo(self, lhlo: Lhlo) -> None:
        self._name = lhlo.name
        self._transaction = None
        self._say(replies.capabilities(self._hostname, self._limits.size))

    def _mail(self, mail: Mail) -> None:
        transaction = _Transaction(mail.reverse_path, mail.smtputf8)
        if mail.size is not None and mail.size > self._limits.size:
            self._say(refuse(mail.reverse_path, MessageTooBig(), transaction.id))
        else:
            self._transaction = transaction
            self._say(replies.SENDER_IS_FINE)

    async def _rcpt(self, rcpt: Rcpt) -> None:
        transaction = self._begun()
        if len(transaction.recipients) >= self._limits.recipients:
            self._say(replies.TOO_MANY_RECIPIENTS)
            return
        address = rcpt.forward_path
        lookup = Deferred.fromCoroutine(self._deliveries.find(address))
        if not lookup.called:
            lookup.addTimeout(self._limits.lookup, self._clock)
        try:
            recipient = await self._dialogue.wait(lookup)
        except TookTooLong:
            _log.warn(
                "{transaction}: no answer who {address} is",
                transaction=transaction.id,
                address=address,
            )
            self._say(too_late(address))
        except Exception as error:  # noqa: BLE001 - reported, and answered
            report_fault(error, transaction.id)
            self._say(refuse(address, error, transaction.id))
        else:
            transaction.recipients.append(recipient)
            self._say(replies.recipient_is_fine(address))

    def _bare(self, verb: Verb) -> None:
        if verb is Verb.QUIT:
            raise _Goodbye
        if verb is Verb.RSET:
            self._transaction = None
        self._say(replies.TO_BARE[verb])

    async def _data(self) -> None:
        transaction = self._begun()
        # Whatever becomes of the message: the next one begins with MAIL.
        self._transaction = None
        spool = self._deliveries.new_spool()
        try:
            self._say(replies.SEND_MESSAGE)
            error = await self._receive(spool, transaction.id)
        except BaseException:
            spool.discard()
            raise
        trace = Trace(
            transaction.reverse_path,
            Client(self._name, self._peer.host),
            self._hostname,
            smtputf8=transaction.smtputf8,
            transaction=transaction.id,
            seconds=self._clock.seconds(),
        )
        delivery = Delivery(
            self._deliveries, self._clock, trace, transaction.recipients
        )
        if error is not None:
            for answer in delivery.refuse(error):
                self._say(answer)
            return
        for answered in delivery.begin(spool, self._limits.answer):
            self._say(await self._dialogue.wait(answered))

    async def _receive(self, spool: Spool, transaction: str) -> Exception | None:
        """Read a message to its end.

        Returns:
            Why it is not in ``spool``. What came after the error is thrown
            away: the client hears of it only at the end.
        """
        size = 0
        error: Exception | None = None
        self._dialogue.begin_content()
        while (octets := await self._dialogue.octets()) is not None:
            if error is not None:
                continue
            size += len(octets)
            try:
                if size > self._limits.size:
                    raise MessageTooBig
                self._dialogue.grant(len(octets))
                await spool.write(octets)
            except Exception as failure:  # noqa: BLE001 - `_data` reports it
                error = failure
                report_fault(error, transaction)
                spool.discard()
        return error

    def _begun(self) -> _Transaction:
        if self._transaction is None:
            raise TypeError("PERMITTED_IN lets no one here without MAIL")
        return self._transaction

    def _mistake(self, answer: bytes) -> None:
        self._say(answer)
        self._mistakes += 1
        if self._mistakes >= self._limits.mistakes:
            raise _TooManyMistakes
