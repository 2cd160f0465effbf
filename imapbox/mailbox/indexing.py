"""Reading of messages what is put into a full-text index."""

from collections.abc import Callable, Sequence

from imapbox.fulltext.documents import Document, emailid_number
from imapbox.fulltext.texts import Wanted, texts_of, wanted_of
from imapbox.mailbox.cards import READ, read_cards
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.messages import Message
from imapbox.mailbox.values import Piece
from imapbox.mime.card import Card

_Parts = list[tuple[Wanted, bytes]]


async def documents(
    mailbox: SelectedMailbox, messages: Sequence[Message]
) -> Callable[[], list[Document]]:
    """Read messages; return what makes documents of them, for another thread.

    Of one that is gone, and of one whose parts can't be told, there is a document
    without a word: it was looked at.

    Args:
        mailbox: Whose they are.
        messages: Some 256 KiB of them, or a single one.

    Raises:
        MailError: They can't be read.
    """
    cards = await read_cards(mailbox, messages)
    small = [message for message in messages if message.size <= READ]
    whole = await mailbox.read([Piece(each.uid, 0, each.size) for each in small])
    octets = dict(zip((each.uid for each in small), whole, strict=True))
    ready: list[tuple[Message, Card | None, _Parts]] = []
    for message, card in zip(messages, cards, strict=True):
        parts: _Parts = []
        if card is not None and message.uid in octets:
            parts = _cut(message, card, octets[message.uid] or b"")
        elif card is not None:
            parts = [
                (wanted, await _read(mailbox, message, wanted))
                for wanted in wanted_of(card)
            ]
        ready.append((message, card, parts))

    def make() -> list[Document]:
        return [_document(*each) for each in ready]

    return make


def _document(message: Message, card: Card | None, parts: _Parts) -> Document:
    texts = {} if card is None else texts_of(card, parts)
    return Document(message.uid, emailid_number(message.emailid), texts)


def _cut(message: Message, card: Card, octets: bytes) -> _Parts:
    start = message.header_size
    return [
        (each, octets[start + each.octets.start : start + each.octets.stop])
        for each in wanted_of(card)
    ]


async def _read(mailbox: SelectedMailbox, message: Message, wanted: Wanted) -> bytes:
    start = message.header_size + wanted.octets.start
    end = message.header_size + wanted.octets.stop
    pieces = [
        Piece(message.uid, at, min(READ, end - at)) for at in range(start, end, READ)
    ]
    # A quarter of a MiB at a time.
    found = [(await mailbox.read([piece]))[0] for piece in pieces]
    return b"".join(each or b"" for each in found)
