"""What is kept of a message's structure, so that nobody parses it twice.

A card is made once, at delivery, and never changes. It lies beside the message,
and whoever keeps it has its length and its CRC. Little-endian::

    offset  size  field
         0     4  magic "IBC0"; the digit is the version
         4     4  fields: bit n is set if the message has field n (see `Field`)
         8     8  seconds from 1970 UTC to the sent date, signed
        16     2  zone of the sent date, minutes ahead of UTC, signed
        18     2  flags: bit 0 there is a sent date
        20    72  18 offsets (4 bytes each): where each section ends; the first
                  begins at 92, each other where the one before ends, and the
                  last ends with the card
        92     n  the sections, one behind the other

Sections, in this order: ENVELOPE, BODY and BODYSTRUCTURE as they are sent;
parts; names; preview and base subject (UTF-8, the latter folded); then one for
each field in the order of `Field`, decoded and folded (UTF-8), several values
with a line feed between; empty if there is none.

Parts is one record for each part, each before the parts in it::

    offset  size  field
         0     8  where its header begins, in the message
         8     8  where its header ends and its body begins
        16     8  where its body ends
        24     4  line feeds in its body
        28     4  number of the record behind it and all that is in it
        32     4  offset in names
        36     2  length there
        38     1  kind (see `structure.Kind`)
        39     1  flags: bit 0 it is a message, with a header of its own

In names are media type ("text/plain", lower case), charset (lower case, may be
empty) and encoding (upper case), separated by NULs.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from imapbox.mime.bodystructure import render_body
from imapbox.mime.casemap import fold
from imapbox.mime.dates import SentDate, parse_date
from imapbox.mime.encoded_words import decode_words
from imapbox.mime.envelope import last, render_envelope
from imapbox.mime.preview import make_preview
from imapbox.mime.structure import Kind, Part
from imapbox.mime.subject import base_subject

MAGIC: Final = b"IBC0"
# A longer name is cut: it is on no list of ours.
_MAX_NAME: Final = 100


class Field(IntEnum):
    """Fields that are in a card. Numbers are on disk: never use one again."""

    SUBJECT = 0
    FROM = 1
    TO = 2
    CC = 3
    BCC = 4
    SENDER = 5
    REPLY_TO = 6
    DATE = 7
    MESSAGE_ID = 8
    IN_REPLY_TO = 9
    REFERENCES = 10


_FIELD_NAMES: Final = {
    field: field.name.lower().replace("_", "-").encode() for field in Field
}
FIELD_BY_NAME: Final = {name: field for field, name in _FIELD_NAMES.items()}


class _Section(IntEnum):
    ENVELOPE = 0
    BODY = 1
    BODYSTRUCTURE = 2
    PARTS = 3
    NAMES = 4
    PREVIEW = 5
    BASE_SUBJECT = 6
    FIELDS = 7  # the first of them


_SECTIONS: Final = _Section.FIELDS + len(Field)
_START = struct.Struct("<4sIqhH")
_ENDS = struct.Struct(f"<{_SECTIONS}I")
_PART = struct.Struct("<QQQIIIHBB")
_FIRST: Final = _START.size + _ENDS.size
_HAS_DATE: Final = 1
_IS_MESSAGE: Final = 1


class CardUnreadable(Exception):
    """These bytes are no card, or one of a version that is not known."""


def make_card(root: Part) -> bytes:
    """Return the card of a message.

    Args:
        root: What `Scanner.finish` returned.
    """
    fields = root.fields
    texts = [
        [decode_words(value) for value in fields.get(name, ())]
        for name in _FIELD_NAMES.values()
    ]
    present = sum(1 << field for field in Field if texts[field])
    date = parse_date(last(fields, b"date") or b"")
    subject = texts[Field.SUBJECT][-1] if texts[Field.SUBJECT] else ""
    records, names = _encode_parts(root)
    sections = [
        render_envelope(fields),
        *render_body(root),
        records,
        names,
        _utf8(make_preview(root)),
        _utf8(fold(base_subject(subject))),
        *(_utf8(fold("\n".join(values))) for values in texts),
    ]
    ends = []
    end = _FIRST
    for section in sections:
        end += len(section)
        ends.append(end)
    seconds, zone = date or (0, 0)
    start = _START.pack(
        MAGIC, present, seconds, zone, _HAS_DATE if date is not None else 0
    )
    return b"".join((start, _ENDS.pack(*ends), *sections))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _encode_parts(root: Part) -> tuple[bytes, bytes]:
    """Return the records of all parts, and the names in them."""
    order: list[Part] = []
    todo = [root]
    while todo:
        part = todo.pop()
        order.append(part)
        todo.extend(reversed(part.parts))
    # From the last one on: a part's own are counted before it.
    sizes: dict[int, int] = {}
    for part in reversed(order):
        sizes[id(part)] = 1 + sum(sizes[id(inner)] for inner in part.parts)
    names = bytearray()
    known: dict[bytes, int] = {}
    records = []
    for number, part in enumerate(order):
        name = _names(part)
        if (at := known.get(name)) is None:
            at = known[name] = len(names)
            names += name
        records.append(
            _PART.pack(
                part.header.start,
                part.body.start,
                part.body.stop,
                part.lines,
                number + sizes[id(part)],
                at,
                len(name),
                part.kind,
                _IS_MESSAGE if part.is_message else 0,
            )
        )
    return b"".join(records), bytes(names)


def _names(part: Part) -> bytes:
    type_, subtype = part.media_type
    charset = part.content.parameter(b"charset")
    if charset is None and (encoded := part.content.parameter(b"charset*")):
        charset = encoded.rpartition(b"'")[2]
    return b"%b/%b\0%b\0%b" % (
        type_[:_MAX_NAME].lower(),
        subtype[:_MAX_NAME].lower(),
        (charset or b"")[:_MAX_NAME].lower().replace(b"\0", b""),
        (part.content.encoding or b"7bit")[:_MAX_NAME].upper(),
    )


class _Record(NamedTuple):
    header_start: int
    body_start: int
    body_end: int
    lines: int
    after: int
    name: int
    name_size: int
    kind: int
    flags: int


@dataclass(frozen=True, slots=True)
class Located:
    """A part of a message, and where its octets are. RFC 9051 §6.4.5.1.

    Attributes:
        body: BODY[n]; of the message itself, ``BODY[]``, all of it.
        mime: BODY[n.MIME]; None for the message itself.
        header: BODY[n.HEADER], of a message or a message/rfc822; else None.
        text: BODY[n.TEXT], likewise.
        lines: Line feeds in the body.
        kind: What the body holds.
        media_type: Lower case: ``text/plain``.
        charset: Lower case; b"" if none is named.
        encoding: Content-Transfer-Encoding, upper case; ``7BIT`` if none is named.
    """

    body: range
    mime: range | None
    header: range | None
    text: range | None
    lines: int
    kind: Kind
    media_type: bytes
    charset: bytes
    encoding: bytes

    @property
    def is_message(self) -> bool:
        """Whether there is a header and a text."""
        return self.header is not None


class Card:
    """Reads a card, one thing at a time, each when it is asked for.

    Raises:
        CardUnreadable: It is none, or of another version.
    """

    __slots__ = (
        "_card",
        "_ends",
        "_fields",
        "_flags",
        "_multiparts",
        "_seconds",
        "_zone",
    )

    def __init__(self, card: bytes) -> None:
        if not card.startswith(MAGIC) or len(card) < _FIRST:
            raise CardUnreadable
        _, self._fields, self._seconds, self._zone, self._flags = _START.unpack_from(
            card
        )
        self._ends: tuple[int, ...] = (_FIRST, *_ENDS.unpack_from(card, _START.size))
        if self._ends[-1] != len(card) or sorted(self._ends) != list(self._ends):
            raise CardUnreadable
        self._card = card
        self._multiparts: dict[int, list[int]] = {}

    @property
    def envelope(self) -> bytes:
        """ENVELOPE."""
        return self._section(_Section.ENVELOPE)

    @property
    def body(self) -> bytes:
        """BODY, without extension data."""
        return self._section(_Section.BODY)

    @property
    def bodystructure(self) -> bytes:
        """BODYSTRUCTURE."""
        return self._section(_Section.BODYSTRUCTURE)

    @property
    def preview(self) -> str:
        """PREVIEW: at most 200 characters in one line, perhaps none. RFC 8970."""
        return self._section(_Section.PREVIEW).decode()

    @property
    def base_subject(self) -> str:
        """What SORT and THREAD compare subjects by, folded. RFC 5256 §2.1."""
        return self._section(_Section.BASE_SUBJECT).decode()

    @property
    def sent(self) -> SentDate | None:
        """The date of the message; None if it has no valid one."""
        if not self._flags & _HAS_DATE:
            return None
        return SentDate(self._seconds, self._zone)

    def field(self, field: Field) -> str | None:
        """Return a field decoded and folded; None if the message has none.

        Of several fields with this name, all, with line feeds between.
        """
        if not self._fields >> field & 1:
            return None
        return self._section(_Section.FIELDS + field).decode()

    def locate(self, part: tuple[int, ...]) -> Located | None:
        """Return the part with these numbers; None if there is none.

        RFC 9051 §6.4.5.1. () is the message itself. A message that is no
        multipart has one part, 1, which is its body.
        """
        at = 0
        is_container = True
        for number in part:
            if not is_container and self._kind(at) is Kind.MESSAGE:
                at += 1
                is_container = True
            if self._kind(at) is Kind.MULTIPART:
                inner = self._inner(at, number)
                if inner is None:
                    return None
                at = inner
            elif not is_container or number != 1:
                return None
            is_container = False
        return self._located(at, is_root=not part)

    def entities(self) -> Iterator[Located]:
        """Yield the message and every part in it, in the order in which they lie.

        Each with its own header as ``mime``; a message in a part is another one.
        RFC 2045 §2.4.
        """
        for at in range(self._count):
            yield self._located(at, is_root=False)

    def _section(self, section: int) -> bytes:
        return self._card[self._ends[section] : self._ends[section + 1]]

    @property
    def _count(self) -> int:
        size = self._ends[_Section.PARTS + 1] - self._ends[_Section.PARTS]
        return size // _PART.size

    def _record(self, at: int) -> _Record:
        if at >= self._count:
            raise CardUnreadable
        return _Record._make(
            _PART.unpack_from(self._card, self._ends[_Section.PARTS] + at * _PART.size)
        )

    def _kind(self, at: int) -> Kind:
        return Kind(self._record(at).kind)

    def _inner(self, at: int, number: int) -> int | None:
        """Return the record of a multipart's part with this number."""
        found = self._multiparts.get(at)
        if found is None:
            # Whoever asks for one part asks for the others, too.
            found = self._multiparts[at] = []
            end = self._record(at).after
            inner = at + 1
            while inner < end:
                found.append(inner)
                inner = max(self._record(inner).after, inner + 1)
        return found[number - 1] if 1 <= number <= len(found) else None

    def _located(self, at: int, *, is_root: bool) -> Located:
        record = self._record(at)
        start = self._ends[_Section.NAMES] + record.name
        names = self._card[start : start + record.name_size]
        media_type, _, others = names.partition(b"\0")
        charset, _, encoding = others.partition(b"\0")
        header = range(record.header_start, record.body_start)
        body = range(record.body_start, record.body_end)
        message = record if is_root else None
        if message is None and record.kind == Kind.MESSAGE:
            message = self._record(at + 1)
        return Located(
            body=range(record.header_start, record.body_end) if is_root else body,
            mime=None if is_root else header,
            header=message and range(message.header_start, message.body_start),
            text=message and range(message.body_start, message.body_end),
            lines=record.lines,
            kind=Kind(record.kind),
            media_type=media_type,
            charset=charset,
            encoding=encoding,
        )
