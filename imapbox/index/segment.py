"""A segment of the log: ``log.1``, ``log.2``, ...

Little-endian::

    offset  size  field
         0     8  magic "IBLOG" and three zero bytes
         8     2  format version: 1
        10     2  feature bits, compatible: a reader may ignore them
        12     2  feature bits, read-only compatible: a writer must know them
        14     2  feature bits, incompatible: a reader must know them; 1: an
                  account's, with ACCOUNT_META (see `account_operations`)
        16     4  number of this segment
        20     4  salt: random, the chain value before the first frame
        24    36  zero
        60     4  CRC-32 of the 60 bytes before
        64     -  frames, one behind the other (see `frame`), the first is BASE

Behind the last frame there are zeros or the end of the file. A segment is
full at `SEGMENT_LIMIT`; its last frame is then SWITCH, which names the next
one and its salt. A segment that no SWITCH names and that holds but BASE is the
litter of a crash, except for ``log.1``; one that holds more lost its SWITCH.
"""

import struct
import zlib
from typing import Final, NamedTuple, Self

from imapbox.model.format import FORMAT_VERSION, check_format

SEGMENT_HEADER_SIZE: Final = 64
SEGMENT_LIMIT: Final = 64 * 1024 * 1024
# Incompatible features.
ACCOUNT_META: Final = 1

_MAGIC: Final = b"IBLOG\0\0\0"
_HEADER = struct.Struct("<8sHHHHII36x")
_CRC = struct.Struct("<I")


class SegmentHeader(NamedTuple):
    """The first 64 bytes of a segment. ``features`` are the incompatible ones."""

    number: int
    salt: int
    features: int = 0

    def encode(self) -> bytes:
        """Return the bytes."""
        content = _HEADER.pack(
            _MAGIC, FORMAT_VERSION, 0, 0, self.features, self.number, self.salt
        )
        return content + _CRC.pack(zlib.crc32(content))

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """Read a header; None if it is torn, cut or not one.

        Raises:
            UnknownFormat: It is one, of a format that this imapbox can not read.
        """
        if len(data) < SEGMENT_HEADER_SIZE or not data.startswith(_MAGIC):
            return None
        if _CRC.unpack_from(data, _HEADER.size)[0] != zlib.crc32(data[: _HEADER.size]):
            return None
        _, version, _, read_only, incompatible, number, salt = _HEADER.unpack_from(data)
        check_format(version, read_only)
        check_format(version, incompatible, known=ACCOUNT_META)
        return cls(number, salt, incompatible)


def begins_segment(data: bytes, number: int, salt: int) -> bool:
    """Say whether octets are the header of this segment, with whatever features.

    Raises:
        UnknownFormat: It is of a format that this imapbox can not read.
    """
    header = SegmentHeader.decode(data)
    return header is not None and header[:2] == (number, salt)


def segment_name(number: int) -> str:
    """Return the file's name."""
    return f"log.{number}"


def segment_numbers(names: list[str]) -> list[int]:
    """Return the numbers of the segments among the names of a directory."""
    found = []
    for name in names:
        prefix, _, number = name.partition(".")
        if (
            prefix == "log"
            and number.isascii()
            and number.isdecimal()
            and number[0] != "0"
        ):
            found.append(int(number))
    return sorted(found)
