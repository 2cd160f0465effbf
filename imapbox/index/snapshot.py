"""A snapshot: a mailbox's log up to a version, folded: ``snap.<n>.<offset>.<x>``.

Named by the segment and the offset behind the last frame it holds, in decimal,
and 8 random hexadecimal digits. Little-endian; each part begins at a multiple
of 64, zeros between::

    offset  size  field
         0     8  magic "IBSNAP" and two zero bytes
         8     2  format version: 1
        10     2  feature bits, compatible: a reader may ignore them
        12     2  feature bits, read-only compatible: as if compatible
        14     2  feature bits, incompatible: a reader must know them
        16     8  version: segment << 40 | offset behind the last frame
        24     8  highestmodseq
        32     8  live: octets of all messages
        40     8  floor of the vanished history, a modseq
        48     8  time: microseconds since 1970 UTC, of its making
        56     4  uidnext
        60     4  n: how many messages there are, one row for each
        64     4  unseen
        68     4  uidvalidity
        72     4  chain value of the last frame
        76     4  salt of the segment
        80     4  k: columns of 64 keywords
        84     4  v: records of the vanished history
        88     4  g: graves
        92     4  b: length of the BASE
        96    32  zero
       128     -  the columns, n values each, in the order of UIDs
         -  16 v  vanished history: 4 first uid, 4 last uid, 8 modseq
         -  32 g  graves: 4 uid, 4 segment, 8 offset, 8 size, 8 time
         -     b  the content of a BASE (see `operations`) that were written here, with
                  all delivery keys that are remembered
         -     -  CRC-32s, 4 bytes each: of each 16,384 rows of each column in
                  turn, then of vanished history, graves and BASE
         -     8  length of the whole file
         -     4  CRC-32 of the header's 128 bytes, the CRCs and the length
         -     4  magic "IBSE"

The columns: uid 4, flags 4, modseq 8, internaldate 8 (signed), zone 2
(signed), savedate 8 (signed), size 8, segment 4, offset 8, size of our own
header lines 4, their CRC-32 4, CRC-32 of the other octets 4, size of the card
4, its CRC-32 4, emailid 16; then k times keywords 8: keyword m is bit m % 64 of
column m // 64.

It is an accelerator, not a commit: whoever has none reads the log. It is made
without a lock and never synced. One whose last 16 bytes do not check is being
made, or was never finished. It is not used if it is newer than the head, if the
log does not go on where it ends (segment, salt, chain), or if a CRC is wrong.
Nobody writes to it once it is made; removing it is safe also while it is used.
"""

import struct
import zlib
from typing import Final, NamedTuple, Self

from imapbox.index.chunk import FIELDS, KEYWORDS, keywords_name
from imapbox.index.graves import GRAVES
from imapbox.index.head import Counts, Position
from imapbox.index.vanished import VANISHED
from imapbox.model.flags import MAX_KEYWORDS
from imapbox.model.format import FORMAT_VERSION, check_format
from imapbox.model.numbers import ModSeq, Uid, UidValidity

HEADER_SIZE: Final = 128
TRAILER_SIZE: Final = 16
PIECE_ROWS: Final = 1 << 14
CRC: Final = struct.Struct("<I")

_MAGIC: Final = b"IBSNAP\0\0"
_END: Final = b"IBSE"
_ALIGNMENT: Final = 64
_OFFSET_BITS: Final = 40
_HEADER = struct.Struct("<8sHHHHQQQQQIIIIIIIIII32x")
_LENGTH = struct.Struct("<Q")
_PREFIX: Final = "snap"
_MOST_WORDS: Final = MAX_KEYWORDS // 64


class Part(NamedTuple):
    """One column, or one of the things behind them.

    Attributes:
        name: Of the column; "vanished", "graves" or "base".
        offset: Of its first byte.
        size: In bytes.
        piece: Of so many bytes each has a CRC; the last piece may be shorter.
    """

    name: str
    offset: int
    size: int
    piece: int

    @property
    def pieces(self) -> int:
        """Return how many CRCs it has."""
        return -(-self.size // self.piece) if self.size else 0


class SnapshotHeader(NamedTuple):
    """The first 128 bytes.

    Attributes:
        position: Behind the last frame it holds.
        counts: What is true there; ``exists`` is how many rows there are.
        floor: Of the vanished history.
        time: Of its making, microseconds since 1970 UTC.
        words: Columns of 64 keywords.
        vanished: Records of the vanished history.
        graves: How many.
        base_size: Length of the BASE.
    """

    position: Position
    counts: Counts
    floor: ModSeq
    time: int
    words: int
    vanished: int
    graves: int
    base_size: int

    def encode(self) -> bytes:
        """Return the bytes."""
        position, counts = self.position, self.counts
        return _HEADER.pack(
            _MAGIC,
            FORMAT_VERSION,
            0,
            0,
            0,
            position.segment << _OFFSET_BITS | position.offset,
            counts.modseq,
            counts.live,
            self.floor,
            self.time,
            counts.uidnext,
            counts.exists,
            counts.unseen,
            counts.uidvalidity,
            position.chain,
            position.salt,
            self.words,
            self.vanished,
            self.graves,
            self.base_size,
        )

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """Read a header; None if it is cut or not one. The trailer checks it.

        Raises:
            UnknownFormat: It is one, of a format that this imapbox can not read.
        """
        if len(data) < HEADER_SIZE or not data.startswith(_MAGIC):
            return None
        _, format_version, _, _, incompatible, version, *numbers = _HEADER.unpack(
            data[:HEADER_SIZE]
        )
        check_format(format_version, incompatible)
        (modseq, live, floor, time, uidnext, exists, unseen, uidvalidity) = numbers[:8]
        chain, salt, words, vanished, graves, base_size = numbers[8:]
        if words > _MOST_WORDS:
            return None
        offset = version & ((1 << _OFFSET_BITS) - 1)
        return cls(
            Position(version >> _OFFSET_BITS, offset, chain, salt),
            Counts(
                ModSeq(modseq),
                Uid(uidnext),
                exists,
                unseen,
                UidValidity(uidvalidity),
                live,
            ),
            ModSeq(floor),
            time,
            words,
            vanished,
            graves,
            base_size,
        )

    def parts(self) -> list[Part]:
        """Return what follows the header, in its order."""
        rows = self.counts.exists
        kinds = {**FIELDS, **{keywords_name(n): KEYWORDS for n in range(self.words)}}
        sizes = [
            (name, kind.itemsize * rows, kind.itemsize * PIECE_ROWS)
            for name, kind in kinds.items()
        ]
        for name, size in (
            ("vanished", VANISHED.itemsize * self.vanished),
            ("graves", GRAVES.itemsize * self.graves),
            ("base", self.base_size),
        ):
            sizes.append((name, size, max(1, size)))
        found = []
        offset = HEADER_SIZE
        for name, size, piece in sizes:
            found.append(Part(name, offset, size, piece))
            offset += size + -size % _ALIGNMENT
        return found


def table_place(parts: list[Part]) -> tuple[int, int]:
    """Return where the CRCs lie, and their size."""
    last = parts[-1]
    offset = last.offset + last.size + -last.size % _ALIGNMENT
    return offset, CRC.size * sum(part.pieces for part in parts)


def encode_trailer(header: bytes, table: bytes, length: int) -> bytes:
    """Return the last 16 bytes of a file of ``length`` bytes."""
    size = _LENGTH.pack(length)
    crc = zlib.crc32(size, zlib.crc32(table, zlib.crc32(header)))
    return size + CRC.pack(crc) + _END


class SnapshotName(NamedTuple):
    """What the name of a snapshot says; the newer, the greater."""

    segment: int
    offset: int
    name: str


def snapshot_name(position: Position, random: bytes) -> str:
    """Return a name."""
    return f"{_PREFIX}.{position.segment}.{position.offset}.{random.hex()}"


def snapshot_names(names: list[str]) -> list[SnapshotName]:
    """Return the snapshots among the names of a directory, the newest first."""
    found = []
    for name in names:
        prefix, *numbers = name.split(".")
        if prefix == _PREFIX and len(numbers) == 3 and _are_decimal(numbers[:2]):  # noqa: PLR2004 - segment, offset, random
            found.append(SnapshotName(int(numbers[0]), int(numbers[1]), name))
    return sorted(found, reverse=True)


def _are_decimal(numbers: list[str]) -> bool:
    return all(each.isascii() and each.isdecimal() for each in numbers)
