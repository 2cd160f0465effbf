"""What a CRC tells of an octet that rotted."""

import random
import zlib

import pytest

from imapbox.index.one_octet import with_one_mended


@pytest.mark.parametrize("size", [1, 2, 88, 4096])
def test_the_octet_is_found(size: int, seed: int) -> None:
    """Whichever octet changed, and however, it is found."""
    chance = random.Random(seed)
    for _ in range(20):
        octets = bytearray(chance.randbytes(size))
        start = chance.getrandbits(32)
        right, crc = bytes(octets), zlib.crc32(octets, start)
        octets[chance.randrange(size)] ^= chance.randint(1, 255)
        assert with_one_mended(bytes(octets), start, crc) == right


def test_more_is_not_guessed() -> None:
    """If more than one changed, or there are too many, nothing is told."""
    octets = bytes(range(88))
    crc = zlib.crc32(octets)
    assert with_one_mended(b"\7\7" + octets[2:], 0, crc) is None
    assert with_one_mended(bytes(4097), 0, crc) is None
