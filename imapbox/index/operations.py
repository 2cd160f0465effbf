"""The operations of a mailbox's log. Format: `encoding`; contents, in order.

BASE, first in every segment: what can't be known from later frames alone::

    16  mailbox id
     4  UIDVALIDITY
     4  UIDNEXT
     8  HIGHESTMODSEQ
     8  floor of the vanished history, a modseq
     4  count, then as many keywords, in the order of their numbers: text
     4  count, then as many META: text, 4 length, value
     4  count, then as many delivery keys: 16 key, 4 uid, 8 time (microseconds);
        the oldest first (see `remembered_keys`); uid 0: another mailbox's

SWITCH, last in a full segment: 4 number, 4 salt of the next segment.

APPEND, a message::

     4  uid
     4  flags: the bits of `model.flags.Flag`
     8  internaldate, seconds since 1970 UTC
     2  internaldate's zone, minutes east of UTC
     2  k: length of the keyword bits
     4  length of the card, 4 its CRC-32
     4  h: length of our own header lines, 4 their CRC-32
     8  size: octets of the message, our own header lines included
     4  CRC-32 of the octets behind our own header lines
     8  savedate, seconds since 1970 UTC
    16  emailid: BLAKE2b-128 of all octets
    16  delivery key, or zeros
     k  keyword bits: keyword n is bit n % 8 of byte n // 8

Its payload is the card, then the octets.

FLAGS, flags of messages that exist: ranges of uids; 4 bits to add, 4 bits to
remove; 2 length and keyword bits to add, 2 length and keyword bits to remove.
The messages' modseq becomes the frame's.

KEYWORD, a new keyword, the next number: text.

EXPUNGE, messages that are gone: ranges of uids.

RELOCATE, a message that exists, written again at a new place: 8 modseq, the
message's own, then as in APPEND, with flags, keywords and key as they are now.
A frame of RELOCATEs holds nothing else, and changes neither counts nor modseq.

META, a fact: text, 4 length, value; an empty value forgets it.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self, TypeAlias

from imapbox.index.encoding import (
    Encoded,
    Kind,
    Reader,
    decode_each,
    decode_one,
    pack_ranges,
    pack_text,
)
from imapbox.index.remembered_keys import NO_KEY, RECORD
from imapbox.model.numbers import ModSeq, Uid, UidValidity

_BASE = struct.Struct("<16sIIQQ")
_SWITCH = struct.Struct("<II")
_APPEND = struct.Struct("<IIqhHIIIIQIq16s16s")
_KEY_OF_APPEND = struct.Struct("<I68x16s")
_MODSEQ = struct.Struct("<Q")
_MASKS = struct.Struct("<II")
_SIZE16 = struct.Struct("<H")
_SIZE32 = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Base:
    """What the segments before have left to know.

    Attributes:
        keys: Delivery keys, each as a `remembered_keys.RECORD`.
    """

    mailbox_id: bytes
    uidvalidity: UidValidity
    uidnext: Uid
    modseq: ModSeq
    floor: ModSeq
    keywords: tuple[str, ...] = ()
    meta: dict[str, bytes] = field(default_factory=dict)
    keys: bytes = b""

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        parts = [
            _BASE.pack(
                self.mailbox_id,
                self.uidvalidity,
                self.uidnext,
                self.modseq,
                self.floor,
            ),
            _SIZE32.pack(len(self.keywords)),
            *(pack_text(name) for name in self.keywords),
            _SIZE32.pack(len(self.meta)),
        ]
        for name, value in self.meta.items():
            parts += [pack_text(name), _SIZE32.pack(len(value)), value]
        parts += [_SIZE32.pack(len(self.keys) // RECORD.size), self.keys]
        return Encoded(Kind.BASE, b"".join(parts))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        reader = Reader(content)
        mailbox_id, *numbers = _BASE.unpack(reader.octets(_BASE.size))
        uidvalidity, uidnext, modseq, floor = numbers
        keywords = tuple(reader.text() for _ in range(reader.count()))
        meta = {}
        for _ in range(reader.count()):
            name = reader.text()
            meta[name] = reader.octets(reader.count())
        keys = reader.octets(reader.count() * RECORD.size)
        return cls(
            mailbox_id, uidvalidity, uidnext, modseq, floor, keywords, meta, keys
        )


class Switch(NamedTuple):
    """The log goes on in another segment."""

    segment: int
    salt: int

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.SWITCH, _SWITCH.pack(*self))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls(*Reader(content).fields(_SWITCH))


class Append(NamedTuple):
    """A message that came. Lengths in octets."""

    uid: Uid
    flags: int
    keywords: int
    date: int
    zone: int
    savedate: int
    size: int
    header_size: int
    header_crc: int
    content_crc: int
    emailid: bytes
    key: bytes = NO_KEY
    card_size: int = 0
    card_crc: int = 0

    @property
    def payload_size(self) -> int:
        """Return how much of the frame's payload is this message's."""
        return self.card_size + self.size

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        keywords = _bits(self.keywords)
        fixed = _APPEND.pack(
            self.uid,
            self.flags,
            self.date,
            self.zone,
            len(keywords),
            self.card_size,
            self.card_crc,
            self.header_size,
            self.header_crc,
            self.size,
            self.content_crc,
            self.savedate,
            self.emailid,
            self.key,
        )
        return Encoded(Kind.APPEND, fixed + keywords)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        reader = Reader(content)
        (
            uid,
            flags,
            date,
            zone,
            keywords_size,
            card_size,
            card_crc,
            header_size,
            header_crc,
            size,
            content_crc,
            savedate,
            emailid,
            key,
        ) = _APPEND.unpack(reader.octets(_APPEND.size))
        keywords = int.from_bytes(reader.octets(keywords_size), "little")
        return cls(
            uid,
            flags,
            keywords,
            date,
            zone,
            savedate,
            size,
            header_size,
            header_crc,
            content_crc,
            emailid,
            key,
            card_size,
            card_crc,
        )


def key_of_append(content: bytes) -> tuple[Uid, bytes]:
    """Return the uid and the delivery key in an APPEND's content.

    Raises:
        DamagedOperations: It is too short.
    """
    uid, key = _KEY_OF_APPEND.unpack(Reader(content).octets(_KEY_OF_APPEND.size))
    return Uid(uid), key


class Relocate(NamedTuple):
    """A message that was written again, so that its old place can go.

    Attributes:
        modseq: The message's, not the frame's.
        message: As it is now.
    """

    modseq: ModSeq
    message: Append

    @property
    def payload_size(self) -> int:
        """Return how much of the frame's payload is this message's."""
        return self.message.payload_size

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        content = _MODSEQ.pack(self.modseq) + self.message.encode().content
        return Encoded(Kind.RELOCATE, content)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        (modseq,) = Reader(content).fields(_MODSEQ)
        return cls(ModSeq(modseq), Append.decode(content[_MODSEQ.size :]))


class Flags(NamedTuple):
    """Flags and keywords that messages got and lost."""

    uids: tuple[range, ...]
    add: int
    remove: int
    add_keywords: int = 0
    remove_keywords: int = 0

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        parts = [pack_ranges(self.uids), _MASKS.pack(self.add, self.remove)]
        for mask in (self.add_keywords, self.remove_keywords):
            bits = _bits(mask)
            parts += [_SIZE16.pack(len(bits)), bits]
        return Encoded(Kind.FLAGS, b"".join(parts))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        reader = Reader(content)
        uids = reader.ranges()
        add, remove = reader.fields(_MASKS)
        masks = []
        for _ in range(2):
            (size,) = reader.fields(_SIZE16)
            masks.append(int.from_bytes(reader.octets(size), "little"))
        return cls(uids, add, remove, *masks)

    def apply(self, flags: int, keywords: int) -> tuple[int, int]:
        """Return what flags and keywords of a message become."""
        return (
            flags & ~self.remove | self.add,
            keywords & ~self.remove_keywords | self.add_keywords,
        )


class Keyword(NamedTuple):
    """A keyword that the mailbox has from now on."""

    name: str

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.KEYWORD, pack_text(self.name))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls(Reader(content).text())


class Expunge(NamedTuple):
    """Messages that are gone."""

    uids: tuple[range, ...]

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        return Encoded(Kind.EXPUNGE, pack_ranges(self.uids))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        return cls(Reader(content).ranges())


class Meta(NamedTuple):
    """A fact about the mailbox."""

    name: str
    value: bytes

    def encode(self) -> Encoded:
        """Return it as it lies in a frame."""
        content = pack_text(self.name) + _SIZE32.pack(len(self.value)) + self.value
        return Encoded(Kind.META, content)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read it."""
        reader = Reader(content)
        name = reader.text()
        return cls(name, reader.octets(reader.count()))


Operation: TypeAlias = (
    Base | Switch | Append | Relocate | Flags | Keyword | Expunge | Meta
)

_DECODERS: Final[Mapping[int, Callable[[bytes], Operation]]] = {
    Kind.BASE: Base.decode,
    Kind.SWITCH: Switch.decode,
    Kind.APPEND: Append.decode,
    Kind.RELOCATE: Relocate.decode,
    Kind.FLAGS: Flags.decode,
    Kind.KEYWORD: Keyword.decode,
    Kind.EXPUNGE: Expunge.decode,
    Kind.META: Meta.decode,
}


def decode_operations(data: bytes) -> list[Operation]:
    """Read the operations of a frame of a mailbox's log.

    Raises:
        DamagedOperations: They are not a mailbox's.
    """
    return decode_each(data, _DECODERS)


def decode_operation(operation: Encoded) -> Operation:
    """Read one of them.

    Raises:
        DamagedOperations: It is not a mailbox's.
    """
    return decode_one(operation, _DECODERS)


def _bits(mask: int) -> bytes:
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
