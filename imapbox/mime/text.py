"""What SEARCH looks through: headers and text parts, decoded and folded.

`stretches` says which octets of a message to read; what reads them feeds them
to a `TextDecoder` in pieces of any size, and gets text back. So a search can
stop between any two pieces, and nothing of a message must be in memory whole.
Text that was cut comes out cut: who looks for a string keeps the end of one
piece before the next.

HTML is searched as it is, tags and all.

See Also:
    RFC 9051 §6.4.4 (BODY, TEXT).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from imapbox.mime.card import Card, Located
from imapbox.mime.casemap import before_marks, fold
from imapbox.mime.charsets import open_decoder
from imapbox.mime.decode import (
    TransferDecoder,
    UnknownCTE,
    open_transfer_decoder,
)
from imapbox.mime.encoded_words import decode_words
from imapbox.mime.structure import Kind

_TEXTS: Final = (b"text/", b"message/")
# Nobody's field is longer; one that is may be cut anywhere.
_MAX_FIELD: Final = 64 * 1024
_FIELD_END = re.compile(rb"\n(?![ \t])")


class TextDecoder(Protocol):
    """Turns the octets of one stretch into text."""

    def feed(self, octets: bytes) -> str:
        """Return the text of the next piece, as far as it can be told."""
        ...

    def finish(self) -> str:
        """Return the rest. Ask once."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """Octets of a message that are text.

    Attributes:
        octets: Where.
        open: Returns what decodes them.
        is_header: A header, of the message or of one in it.
    """

    octets: range
    open: Callable[[], TextDecoder]
    is_header: bool


def stretches(card: Card, *, headers: bool) -> Iterator[Stretch]:
    """Yield what is searched in a message, in the order in which it lies.

    Text is what is text/* or message/*, but for the messages that are parts
    themselves: their own parts are.

    Args:
        card: The message's.
        headers: Whether headers, too, that of the message and those of parts:
            TEXT, not BODY.
    """
    for entity in card.entities():
        if headers and entity.mime is not None:
            yield Stretch(entity.mime, HeaderDecoder, is_header=True)
        if entity.kind is Kind.LEAF and entity.media_type.startswith(_TEXTS):
            yield Stretch(entity.body, _opener(entity), is_header=False)


def _opener(located: Located) -> Callable[[], TextDecoder]:
    return lambda: PartDecoder(located.encoding, located.charset)


class PartDecoder:
    """Decodes the body of a text part.

    One in an encoding that is not known has no text.
    """

    def __init__(self, encoding: bytes, charset: bytes) -> None:
        self._transfer: TransferDecoder | None
        try:
            self._transfer = open_transfer_decoder(encoding)
        except UnknownCTE:
            self._transfer = None
        self._charset = open_decoder(charset or b"us-ascii")
        self._marks = ""

    def feed(self, octets: bytes) -> str:
        """See `TextDecoder`."""
        if self._transfer is None:
            return ""
        return self._fold(self._charset.decode(self._transfer.feed(octets)))

    def finish(self) -> str:
        """See `TextDecoder`."""
        if self._transfer is None:
            return ""
        text = self._charset.decode(self._transfer.finish(), final=True)
        return fold(self._marks + text)

    def _fold(self, text: str) -> str:
        """Return ``text`` folded, but for what the next piece may change."""
        text = self._marks + text
        at = before_marks(text, len(text))
        self._marks = text[at:]
        return fold(text[:at])


class HeaderDecoder:
    """Decodes a header, field by field."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> str:
        """See `TextDecoder`."""
        octets = self._rest + octets
        at = 0
        for end in _FIELD_END.finditer(octets):
            # The last one may go on in the next piece.
            if end.end() < len(octets):
                at = end.end()
        if len(octets) - at > _MAX_FIELD:
            at = len(octets)
        self._rest = octets[at:]
        return _header_text(octets[:at])

    def finish(self) -> str:
        """See `TextDecoder`."""
        return _header_text(self._rest)


def _header_text(octets: bytes) -> str:
    fields = _FIELD_END.split(octets)
    return fold("\n".join(decode_words(field) for field in fields))
