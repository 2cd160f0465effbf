"""One LMTP connection, from the greeting to the last word."""

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.logger import Logger

from imapbox.lmtp.delivery import Delivery
from imapbox.lmtp.dialogue import Dialogue
from imapbox.lmtp.headers import Client, Trace
from imapbox.lmtp.interfaces import Deliveries, Doubt, Identity, Recipient
from imapbox.lmtp.limits import Limits
from imapbox.lmtp.peer import Interrupted, Peer, PeerGone, PeerTooSlow
from imapbox.lmtp.reception import Reception
from imapbox.lmtp.refusals import refuse, report_fault, too_late
from imapbox.lmtp.states import EXPECTED_IN, PERMITTED_IN, State
from imapbox.model.errors import MailError, MessageTooBig
from imapbox.wire.lmtp import replies
from imapbox.wire.lmtp.commands import (
    BadChunkSize,
    BadCommand,
    BadForwardPath,
    BadReversePath,
    Bare,
    Bdat,
    Command,
    Lhlo,
    Mail,
    Rcpt,
    UnknownParameter,
    Verb,
    Xforward,
    parse_command,
)
from imapbox.wire.lmtp.framer import BareLineEnding, CommandLine, LineTooLong

_log = Logger()


@dataclass(slots=True)
class _Transaction:
    """What MAIL, RCPT and BDAT have said."""

    reverse_path: str
    smtputf8: bool
    ident: str | None
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    recipients: list[Recipient] = field(default_factory=list)
    message: Reception | None = None


class _Goodbye(Exception):
    """The client has said QUIT."""


class _Lost(Exception):
    """Where the next command begins can't be told."""


class _TooManyMistakes(Exception):
    """The client doesn't speak LMTP."""


# What refuses a MAIL or RCPT, as much as the store does.
_REFUSED_WHEN_READ: Final = (BadReversePath, BadForwardPath, UnknownParameter)
_LAST_WORDS: Final[Mapping[type[Exception], bytes]] = {
    _Goodbye: replies.TO_BARE[Verb.QUIT],
    _Lost: replies.BAD_COMMAND[BadChunkSize],
    _TooManyMistakes: replies.TOO_MANY_MISTAKES,
    Interrupted: replies.SHUTTING_DOWN,
    PeerTooSlow: replies.TOO_SLOW,
    LineTooLong: replies.LINE_TOO_LONG,
}


class Session:
    """Serves one client."""

    def __init__(  # noqa: PLR0913 - all that a connection needs
        self,
        peer: Peer,
        deliveries: Deliveries,
        clock: Any,
        *,
        hostname: str,
        limits: Limits,
        is_trusted: bool,
    ) -> None:
        """Begin to serve ``peer``.

        Args:
            peer: The client.
            deliveries: The store.
            clock: An `IReactorTime` whose seconds count from 1970.
            hostname: How the server calls itself.
            limits: What the client may do.
            is_trusted: Whether the client may tell, with XFORWARD, which message
                comes.
        """
        self._peer = peer
        self._deliveries = deliveries
        self._clock = clock
        self._hostname = hostname
        self._limits = limits
        self._dialogue = Dialogue(peer, clock, limits)
        self._say = self._dialogue.say
        self._is_trusted = is_trusted
        self._name = ""
        self._ident: str | None = None
        self._doubts: OrderedDict[Doubt, None] = OrderedDict()
        self._transaction: _Transaction | None = None
        # Since the last MAIL or RCPT that was, no DATA came.
        self._refused = False
        self._mistakes = 0

    @property
    def state(self) -> State:
        """What the client has said so far."""
        if not self._name:
            return State.CONNECTED
        if self._transaction is None:
            return State.READY
        if self._transaction.message is not None:
            return State.CHUNKS_GIVEN
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
                line = await self._dialogue.command_line()
                await self._settle()
                await self._serve(line)
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
        finally:
            self._forget()
        self._dialogue.flush()

    async def _serve(self, line: CommandLine | BareLineEnding) -> None:
        if isinstance(line, BareLineEnding):
            self._mistake(replies.BARE_LINE_ENDING)
            return
        try:
            command = parse_command(line.text)
        except BadChunkSize as error:
            # How many octets follow that are no commands can't be told.
            raise _Lost from error
        except BadCommand as error:
            self._refused = self._refused or isinstance(error, _REFUSED_WHEN_READ)
            self._mistake(replies.BAD_COMMAND[type(error)])
            return
        state = self.state
        if state in PERMITTED_IN[command.verb]:
            await self._obey(command)
        else:
            await self._decline(command, replies.out_of_order(EXPECTED_IN[state]))

    async def _decline(self, command: Command, answer: bytes) -> None:
        """Say that a command has no place now, which may be nobody's mistake.

        Whoever pipelines has sent RCPT, and DATA or chunks, before it hears that
        MAIL was refused, or RCPT: RFC 2920 §3.1, RFC 2033 §4.2.
        """
        match command:
            case Bdat():
                await self._read_away(command)
                self._say(answer)
            case Rcpt() if self._refused:
                self._say(answer)
            case Bare(Verb.DATA) if self._refused:
                # Behind it nothing is pipelined that hangs on the same MAIL.
                self._refused = False
                self._say(answer)
            case _:
                self._mistake(answer)

    async def _obey(self, command: Command) -> None:
        match command:
            case Rcpt():
                await self._rcpt(command)
            case Mail():
                self._mail(command)
            case Bare(Verb.DATA):
                await self._data()
            case Bdat():
                await self._bdat(command)
            case Lhlo():
                self._lhlo(command)
            case Xforward():
                self._xforward(command)
            case Bare():
                self._bare(command.verb)

    def _lhlo(self, lhlo: Lhlo) -> None:
        self._name = lhlo.name
        self._forget()
        self._say(
            replies.capabilities(
                self._hostname, self._limits.size, xforward=self._is_trusted
            )
        )

    def _xforward(self, xforward: Xforward) -> None:
        """Take note of the next message's ident; of the rest we make no use."""
        if not self._is_trusted:
            self._mistake(replies.NOT_TRUSTED)
            return
        if "IDENT" in xforward.attributes:
            self._ident = xforward.attributes["IDENT"]
        self._say(replies.FORWARDED)

    def _mail(self, mail: Mail) -> None:
        transaction = _Transaction(mail.reverse_path, mail.smtputf8, self._ident)
        if mail.size is not None and mail.size > self._limits.size:
            self._refused = True
            self._say(refuse(mail.reverse_path, MessageTooBig(), transaction.id))
        else:
            self._refused = False
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
            self._refused = True
            self._say(too_late(address))
        except Exception as error:  # noqa: BLE001 - reported, and answered
            report_fault(error, transaction.id)
            self._refused = True
            self._say(refuse(address, error, transaction.id))
        else:
            transaction.recipients.append(recipient)
            self._say(replies.recipient_is_fine(address))

    def _bare(self, verb: Verb) -> None:
        if verb is Verb.QUIT:
            raise _Goodbye
        if verb is Verb.RSET:
            self._forget()
        self._say(replies.TO_BARE[verb])

    async def _data(self) -> None:
        transaction = self._begun()
        message = self._reception(transaction)
        self._say(replies.SEND_MESSAGE)
        self._dialogue.begin_content()
        await message.take(self._dialogue)
        await self._deliver(transaction, message)

    async def _bdat(self, bdat: Bdat) -> None:
        """Take in a chunk. RFC 3030 §2; RFC 2033 §4.2 for the replies."""
        transaction = self._begun()
        message = transaction.message or self._reception(transaction)
        self._dialogue.begin_chunk(bdat.size)
        await message.take(self._dialogue)
        if bdat.last:
            await self._deliver(transaction, message)
        elif message.error is None:
            self._say(replies.chunk_taken(bdat.size))
        else:
            self._say(refuse(transaction.reverse_path, message.error, transaction.id))

    async def _read_away(self, bdat: Bdat) -> None:
        """Read the octets of a chunk that has no place now. RFC 3030 §2."""
        self._dialogue.begin_chunk(bdat.size)
        while await self._dialogue.octets() is not None:
            pass

    async def _deliver(self, transaction: _Transaction, message: Reception) -> None:
        # Whatever becomes of the message: the next one begins with MAIL.
        self._transaction = None
        self._ident = None
        trace = Trace(
            transaction.reverse_path,
            Client(self._name, self._peer.host),
            self._hostname,
            smtputf8=transaction.smtputf8,
            transaction=transaction.id,
            seconds=self._clock.seconds(),
        )
        delivery = Delivery(
            self._deliveries,
            self._clock,
            trace,
            transaction.recipients,
            Identity(transaction.reverse_path, transaction.ident),
        )
        if message.error is not None:
            for answer in delivery.refuse(message.error):
                self._say(answer)
            return
        if transaction.ident is None or self._doubts:
            # A command that is on its way should come before the replies go out.
            self._peer.confirm()
        for answered in delivery.begin(message.spool, self._limits.answer):
            answer = await self._dialogue.wait(answered)
            if answer.startswith(b"2"):
                self._mistakes = 0
            self._say(answer)
        self._remember(delivery.doubts)
        if self._doubts:
            self._dialogue.look_for_a_sign()

    def _remember(self, doubts: Iterable[Doubt]) -> None:
        """Keep what is to be settled; of too many the oldest just stay in doubt."""
        for doubt in doubts:
            self._doubts[doubt] = None
            self._doubts.move_to_end(doubt)
            if len(self._doubts) > self._limits.doubts:
                self._doubts.popitem(last=False)

    async def _settle(self) -> None:
        """Conclude that the client has read our replies, if it has.

        What came before they were written shows nothing.
        """
        if not self._doubts or not self._dialogue.was_read:
            return
        doubts = list(self._doubts)
        self._doubts.clear()
        settled = Deferred.fromCoroutine(self._deliveries.settle(doubts))
        if not settled.called:
            settled.addTimeout(self._limits.lookup, self._clock)
        try:
            await self._dialogue.wait(settled)
        except (CancelledError, TookTooLong, MailError) as why:
            # The disk hangs, or whoever runs the store is ending it.
            _log.warn(
                "what was delivered stays in doubt: {why}", why=type(why).__name__
            )
        except Exception:  # noqa: BLE001 - reported
            _log.failure("what was delivered stays in doubt")

    def _reception(self, transaction: _Transaction) -> Reception:
        spool = self._deliveries.new_spool()
        self._refused = False
        transaction.message = Reception(spool, self._limits.size, transaction.id)
        return transaction.message

    def _forget(self) -> None:
        """End the transaction, and give back what it took in."""
        self._ident = None
        self._refused = False
        transaction, self._transaction = self._transaction, None
        if transaction is not None and transaction.message is not None:
            transaction.message.spool.discard()

    def _begun(self) -> _Transaction:
        if self._transaction is None:
            raise TypeError("PERMITTED_IN lets no one here without MAIL")
        return self._transaction

    def _mistake(self, answer: bytes) -> None:
        self._say(answer)
        self._mistakes += 1
        if self._mistakes >= self._limits.mistakes:
            raise _TooManyMistakes
