"""From what a client sends, and what it names, to messages that can be stored.

The size is looked at before the client is let send: a message that will be refused
is not sent at all. Then its octets pass through a spool at the store's speed, and
cost no memory however large they are. What of a message is in another one (CATENATE)
passes through it as well, piece by piece, in its turn.
"""

from collections.abc import Awaitable
from typing import Final

from twisted.internet.defer import CancelledError

from imapbox.imap.answers import Mistaken, Refused
from imapbox.imap.catenating import Links, blaming
from imapbox.imap.progress import in_progress
from imapbox.imap.session import Session
from imapbox.mailbox.values import NewMessage
from imapbox.model.errors import MessageTooBig
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.append import (
    Append,
    Coming,
    MessageFacts,
    Passage,
    parse_following,
)
from imapbox.wire.imap.events import AppendAnnounced, AppendEnded, LiteralChunk

# They are made ready one by one, and stored all at once.
_MOST: Final = 64
# Of their cards, in octets, where more messages come: each may be five times as
# long as what it is made of.
_MOST_CARDS: Final = 1024 * 1024
_EMPTY: Final = "A message has at least one octet."


class Intake:
    """The messages of one command while they come.

    Args:
        session: Who brings them.
        command: All about them that is known before octets of them come.
        messages: Where they are put, one by one.
    """

    def __init__(
        self, session: Session, command: Append, messages: list[NewMessage]
    ) -> None:
        self._session = session
        self._command = command
        self._messages = messages
        self._links = Links(session)
        self._facts = MessageFacts(frozenset(), None)
        # One for all: they share a file, and what of them is in memory is bounded.
        self._spool = session.account.new_spool()
        self._total = 0
        self._cards = 0

    def close(self) -> None:
        """Give everything back but the messages."""
        self._links.close()
        self._spool.discard()

    async def take_all(self, announced: AppendAnnounced | None) -> None:
        """Take in all that comes, and what is named; as `receiving.take_messages`.

        Args:
            announced: The first octets, if any come.
        """
        passages = self._command.passages
        while passages:
            following: AppendAnnounced | AppendEnded | None = None
            for each in passages:
                following = await self._take(each, announced)
            if following is None:
                return
            announced = following if isinstance(following, AppendAnnounced) else None
            passages = parse_following(
                following.parts,
                passages[-1],
                announced=announced is not None,
                utf8=self._session.dialect.utf8,
            )

    async def _take(
        self, passage: Passage, announced: AppendAnnounced | None
    ) -> AppendAnnounced | AppendEnded | None:
        """Do what a text says; return what follows the octets that it announces."""
        following = None
        if passage.facts is not None:
            self._begin(passage.facts)
        for url in passage.urls:
            await self._copy(url)
        if announced is not None and passage.coming is not Coming.NOTHING:
            if passage.coming is Coming.UTF8 and not self._session.dialect.utf8:
                raise Mistaken("ENABLE UTF8=ACCEPT comes first.")
            if passage.ends and not announced.size:
                raise Refused(_EMPTY, codes.CANNOT)
            following = await self._receive(announced)
        if passage.ends:
            await self._finish()
        return following

    def _begin(self, facts: MessageFacts) -> None:
        if self._messages and not self._command.may_be_several:
            raise BadSyntax("end of command")
        if self._messages and "MULTIAPPEND" in self._session.lacks:
            raise Mistaken("MULTIAPPEND is not offered here.")
        if len(self._messages) >= _MOST:
            raise Refused("Too many messages at once.", codes.LIMIT)
        if self._messages:
            self._bound_cards(self._messages[-1])
        self._facts = facts

    def _bound_cards(self, latest: NewMessage) -> None:
        """Leave out a card that is too much to be held until the others are there."""
        content = latest.content
        if self._cards + len(content.card) > _MOST_CARDS:
            content.card = b""
        self._cards += len(content.card)

    async def _finish(self) -> None:
        if not self._spool.size:
            raise Refused(_EMPTY, codes.CANNOT)
        content = await self._spool.finish()
        self._messages.append(NewMessage(content, *self._facts))

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > self._session.settings.message_limit:
            raise MessageTooBig

    async def _copy(self, url: bytes) -> None:
        """Add what a URL leads to. RFC 4469 §3."""
        with in_progress(self._session, "copying"), blaming(url):
            part = await self._links.part(url)
            self._count(part.size)
            async for piece in part.pieces():
                await self._spool.write(piece)

    async def _receive(
        self, announced: AppendAnnounced
    ) -> AppendAnnounced | AppendEnded:
        """Add octets that the client sends; return what follows them."""
        session = self._session
        self._count(announced.size)
        session.input.framer.accept_literal()
        if announced.synchronizing:
            session.output.write(responses.continuation("Send it."))
        with session.deadlines.steady():
            return await self._read_on()

    async def _read_on(self) -> AppendAnnounced | AppendEnded:
        """Read to the end of the octets, even where the spool fails before."""
        failure: Exception | None = None
        while True:
            event = await self._session.input.event()
            if isinstance(event, LiteralChunk):
                if failure is None:
                    failure = await _failure_of(self._spool.write(event.data))
            elif failure is not None:
                raise failure
            elif isinstance(event, AppendAnnounced | AppendEnded):
                return event
            else:
                self._session.output.write(responses.continuation("Go on."))


async def _failure_of(writing: Awaitable[None]) -> Exception | None:
    try:
        await writing
    except CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - raised when it is time
        return error
    return None
