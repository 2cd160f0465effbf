"""Finding the one octet that rotted, by the CRC-32 of what it was.

The CRC of octets of which one has changed differs from the right one by what that
change alone gives, wherever it is. So it is walked back from the end, octet by
octet, until it is what a single octet can give. Of other changes some 1 in 4000 is
taken for one octet's in 4096: what else is known must agree.
"""

import zlib
from typing import Final

# In more octets too many could be it.
_MOST: Final = 4096

_OF_OCTET: Final = [
    zlib.crc32(bytes([each])) ^ zlib.crc32(b"\0") for each in range(256)
]
_OCTET_OF: Final = {crc: octet for octet, crc in enumerate(_OF_OCTET)}
_BY_TOP: Final = {crc >> 24: octet for octet, crc in enumerate(_OF_OCTET)}


def with_one_mended(octets: bytes, start: int, crc: int) -> bytes | None:
    """Return the octets that have this CRC, and differ in one.

    Args:
        octets: As they are.
        start: The CRC with which theirs is begun.
        crc: What it should be, and is not.

    Returns:
        None if there are none, or several.
    """
    if len(octets) > _MOST:
        return None
    found = []
    left = zlib.crc32(octets, start) ^ crc
    for at in reversed(range(len(octets))):
        change = _OCTET_OF.get(left)
        if change:
            found.append((at, change))
        octet = _BY_TOP[left >> 24]
        left = (left ^ _OF_OCTET[octet]) << 8 | octet
    if len(found) != 1:
        return None
    ((at, change),) = found
    return octets[:at] + bytes([octets[at] ^ change]) + octets[at + 1 :]
