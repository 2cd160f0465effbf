"""A client that does what it is told of results that are kept up. RFC 5267."""

import re
from collections.abc import Iterable

_UPDATE = re.compile(rb'\* ESEARCH \(TAG "(\w+)"\)( UID)? (ADDTO|REMOVEFROM) \((.*)\)')
_EXPUNGE = re.compile(rb"\* ([0-9]+) EXPUNGE")


def numbers_in(text: bytes) -> list[int]:
    """Return the numbers of a set, in its order."""
    numbers: list[int] = []
    for part in text.split(b","):
        low, _, high = part.partition(b":")
        numbers += range(int(low), int(high or low) + 1)
    return numbers


class KeptResults:
    """What it thinks is found.

    Attributes:
        results: By tag, in order.
    """

    def __init__(self) -> None:
        self.results: dict[bytes, list[int]] = {}
        self._by_uid: set[bytes] = set()

    def begin(self, tag: bytes, numbers: list[int], *, by_uid: bool) -> None:
        """Note what was found at first."""
        self.results[tag] = numbers
        if by_uid:
            self._by_uid.add(tag)

    def hear(self, lines: Iterable[bytes]) -> None:
        """Obey what the server said."""
        for line in lines:
            if update := _UPDATE.fullmatch(line):
                self._update(*update.groups())
            elif gone := _EXPUNGE.fullmatch(line):
                self._expunge(int(gone[1]))

    def _update(self, tag: bytes, uid: bytes | None, name: bytes, pairs: bytes) -> None:
        assert (uid is not None) == (tag in self._by_uid)
        result = self.results[tag]
        words = pairs.split()
        for position, some in zip(words[::2], words[1::2], strict=True):
            at, numbers = int(position), numbers_in(some)
            if name == b"ADDTO":
                assert not set(numbers) & set(result), "it is there already"
                if at:
                    result[at - 1 : at - 1] = numbers
                else:
                    result[:] = sorted([*result, *numbers])
            elif at:
                assert result[at - 1 : at - 1 + len(numbers)] == numbers
                del result[at - 1 : at - 1 + len(numbers)]
            else:
                assert set(numbers) <= set(result), "it is not there"
                result[:] = [each for each in result if each not in numbers]

    def _expunge(self, seq: int) -> None:
        for tag, result in self.results.items():
            if tag not in self._by_uid:
                assert seq not in result, "REMOVEFROM comes first"
                result[:] = [each - (each > seq) for each in result]
