"""The head: 64 bytes that say how far the log goes.

The token that says "changed" and the bound that says "how much" are these same
bytes, written in one write under one CRC. Little-endian::

    offset  size  field
         0     4  magic "IBH0"
         4     4  boot: number of the machine's start in which it was written
         8     8  version: segment << 40 | offset behind the last frame
        16     8  highestmodseq
        24     4  uidnext
        28     4  exists
        32     4  unseen
        36     4  uidvalidity
        40     8  live: octets of all messages that exist
        48     4  chain value of the last frame
        52     4  flags: bit 0 deleted
        56     4  salt of the segment
        60     4  CRC-32 of the 60 bytes before

A head is a hint: all of it is in the last frame, too. It is hardly ever synced
(compaction does it), so that after power loss an older one may be there: `boot`
tells.
"""

import struct
import zlib
from typing import Final, NamedTuple, Self

from imapbox.model.numbers import ModSeq, Uid, UidValidity

HEAD_SIZE: Final = 64
DELETED: Final = 1

_MAGIC: Final = b"IBH0"
_HEAD = struct.Struct("<4sIQQIIIIQIII")
_CRC = struct.Struct("<I")
_OFFSET_BITS: Final = 40


class Position(NamedTuple):
    """A place between two frames.

    Attributes:
        segment: Number of the segment.
        offset: In bytes, behind the frame before.
        chain: Chain value of the frame before.
        salt: Of the segment.
    """

    segment: int
    offset: int
    chain: int
    salt: int


class Counts(NamedTuple):
    """What is true of the whole after a frame; of an account, only ``modseq``.

    Attributes:
        modseq: HIGHESTMODSEQ.
        uidnext: UIDNEXT; at most 2**32 - 1, so the UID before is the last ever given.
        exists: Messages.
        unseen: Messages without the Seen flag.
        uidvalidity: UIDVALIDITY.
        live: Octets of all messages that exist.
    """

    modseq: ModSeq
    uidnext: Uid
    exists: int
    unseen: int
    uidvalidity: UidValidity
    live: int


NO_COUNTS: Final = Counts(ModSeq(0), Uid(0), 0, 0, UidValidity(0), 0)


class Head(NamedTuple):
    """A head that was read and whose CRC is good."""

    boot: int
    position: Position
    counts: Counts
    flags: int = 0

    def encode(self) -> bytes:
        """Return the 64 bytes."""
        position, counts = self.position, self.counts
        content = _HEAD.pack(
            _MAGIC,
            self.boot,
            position.segment << _OFFSET_BITS | position.offset,
            counts.modseq,
            counts.uidnext,
            counts.exists,
            counts.unseen,
            counts.uidvalidity,
            counts.live,
            position.chain,
            self.flags,
            position.salt,
        )
        return content + _CRC.pack(zlib.crc32(content))

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """Read a head; None if it is torn, empty, cut or not one."""
        if len(data) != HEAD_SIZE or not data.startswith(_MAGIC):
            return None
        if _CRC.unpack_from(data, _HEAD.size)[0] != zlib.crc32(data[: _HEAD.size]):
            return None
        (
            _,
            boot,
            version,
            modseq,
            uidnext,
            exists,
            unseen,
            uidvalidity,
            live,
            chain,
            flags,
            salt,
        ) = _HEAD.unpack_from(data)
        offset = version & ((1 << _OFFSET_BITS) - 1)
        position = Position(version >> _OFFSET_BITS, offset, chain, salt)
        counts = Counts(modseq, uidnext, exists, unseen, uidvalidity, live)
        return cls(boot, position, counts, flags)
