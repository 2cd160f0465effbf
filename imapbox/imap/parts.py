"""Where in a message its parts lie.

The card counts from behind our own header lines, so that it is the same for all
who got the message. Here they are counted in again: they belong to the header of
the message itself, which begins with them.

See Also:
    RFC 9051 §6.4.5.1 (sections).
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from imapbox.mime.card import Card, Located
from imapbox.mime.structure import Kind
from imapbox.wire.imap.fetch_items import Section, SectionText

_PLACES: Final[Mapping[SectionText, Callable[[Located], range | None]]] = {
    SectionText.ALL: lambda located: located.body,
    SectionText.MIME: lambda located: located.mime,
    SectionText.TEXT: lambda located: located.text,
    SectionText.HEADER: lambda located: located.header,
    SectionText.HEADER_FIELDS: lambda located: located.header,
    SectionText.HEADER_FIELDS_NOT: lambda located: located.header,
}


class Encoded(NamedTuple):
    """The octets of a part that may be decoded.

    Attributes:
        extent: Where they are in the message.
        encoding: Content-Transfer-Encoding, upper case.
    """

    extent: range
    encoding: bytes


def find_section(card: Card, header_size: int, section: Section) -> range | None:
    """Return where a section is; None if the message has no such part.

    Args:
        card: The message's.
        header_size: Of our own header lines.
        section: With part numbers or without; HEADER for its fields.
    """
    located = card.locate(section.part)
    return None if located is None else _place(located, header_size, section)


def _place(located: Located, header_size: int, section: Section) -> range | None:
    place = _PLACES[section.text](located)
    if place is None:
        return None
    start, stop = place.start + header_size, place.stop + header_size
    is_body = section.text is SectionText.TEXT or (
        section.part and section.text is SectionText.ALL
    )
    # The message's own header, and all of the message, begin with ours.
    return range(start if place.start or is_body else 0, stop)


def find_encoded(card: Card, header_size: int, part: tuple[int, ...]) -> Encoded | None:
    """Return what BINARY means; None if the message has no such part.

    What holds other parts has nothing to be decoded: RFC 2045 §6.4.
    """
    located = card.locate(part)
    if located is None:
        return None
    place = _place(located, header_size, Section(part))
    if place is None:
        return None
    is_whole = not part or located.kind is not Kind.LEAF
    return Encoded(place, b"BINARY" if is_whole else located.encoding)
