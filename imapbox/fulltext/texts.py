"""The texts of one message, as they are indexed.

Of text/html what a reader sees (`mime.preview.strip_tags`); of attachments that are
no text nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from imapbox.fulltext.words import plain
from imapbox.mime.card import Card, Field
from imapbox.mime.casemap import fold
from imapbox.mime.preview import strip_tags
from imapbox.mime.structure import Kind
from imapbox.mime.text import HeaderDecoder, PartDecoder

# Of one message so many octets are indexed, and so many of its texts.
MOST_OCTETS: Final = 1024 * 1024
MOST_TEXTS: Final = 1000

_TEXTS: Final = (b"text/", b"message/")
_FIELDS: Final = {
    "subject": Field.SUBJECT,
    "from": Field.FROM,
    "to": Field.TO,
    "cc": Field.CC,
    "bcc": Field.BCC,
}


class Wanted(NamedTuple):
    """Octets of a message that are indexed.

    Attributes:
        octets: Where, counted as the card counts.
        is_header: Whether it is a header, of the message or of one in it.
        is_html: Whether it is text/html.
        encoding: Its Content-Transfer-Encoding.
        charset: Its charset.
    """

    octets: range
    is_header: bool
    is_html: bool
    encoding: bytes
    charset: bytes


def wanted_of(card: Card) -> list[Wanted]:
    """Return what is indexed of a message, in the order in which it lies."""
    room = MOST_OCTETS
    wanted = []
    for each in _stretches(card):
        octets = each.octets[:room]
        room -= len(octets)
        if octets:
            wanted.append(each._replace(octets=octets))
        if not room or len(wanted) >= MOST_TEXTS:
            break
    return wanted


def texts_of(
    card: Card, parts: Iterable[tuple[Wanted, bytes]]
) -> Mapping[str, list[str]]:
    """Return the texts of a message, by the names of the index's fields.

    Args:
        card: The message's.
        parts: What `wanted_of` returned, each with its octets.
    """
    headers, bodies = [], []
    for wanted, octets in parts:
        if wanted.is_header:
            header = HeaderDecoder()
            headers.append(plain(header.feed(octets) + header.finish()))
        else:
            bodies.append(plain(_body(wanted, octets)))
    texts = {name: [plain(card.field(at) or "")] for name, at in _FIELDS.items()}
    return {**texts, "header": headers, "body": bodies}


def _body(wanted: Wanted, octets: bytes) -> str:
    decoder = PartDecoder(wanted.encoding, wanted.charset)
    text = decoder.feed(octets) + decoder.finish()
    # Entities stand for characters that were not folded yet.
    return fold(strip_tags(text)) if wanted.is_html else text


def _stretches(card: Card) -> Iterator[Wanted]:
    for entity in card.entities():
        if entity.mime is not None:
            yield Wanted(entity.mime, True, False, b"", b"")  # noqa: FBT003 - a row
        if entity.kind is Kind.LEAF and entity.media_type.startswith(_TEXTS):
            yield Wanted(
                entity.body,
                is_header=False,
                is_html=entity.media_type == b"text/html",
                encoding=entity.encoding,
                charset=entity.charset,
            )
