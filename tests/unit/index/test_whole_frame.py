"""Large frames behind the head: read, checked and written again piece by piece."""

from collections.abc import Callable

import pytest

from imapbox.disk.spool import PIECE
from imapbox.index.settle import settle
from imapbox.index.whole_frame import LARGE
from imapbox.model.errors import MailboxDamaged
from tests.unit.index.mail_log import DIRECTORY, MailLog, incoming, simulated

BODY = bytes(range(256)) * 4096 * 3
assert len(BODY) > 2 * LARGE


class Crashed:
    """A log behind whose head a large frame lies that nobody published."""

    def __init__(self) -> None:
        self.log = MailLog(simulated()).make()
        self.log.append(incoming(b"first"))
        before = self.log.read("head")
        self.start = self.log.head().position.offset
        self.log.append(incoming(BODY, card=b"card" * 99), incoming(b"and a small one"))
        self.end = self.log.head()
        self.octets = self.log.read("log.1")
        self.log.write("head", before)

    def settle(self) -> None:
        """Find the end of the log, as the next writer does."""
        self.log.run(settle(DIRECTORY, self.log.settings))

    def watch(self, change: Callable[[int, int, bytes], bytes]) -> list[int]:
        """Let ``change`` alter what is read; return how much is read at a time."""
        pread = self.log.files.pread
        sizes: list[int] = []

        def watched(fd: int, size: int, offset: int) -> bytes:
            sizes.append(size)
            return change(len(sizes), offset, pread(fd, size, offset))

        self.log.files.pread = watched  # type: ignore[method-assign] # a test's
        return sizes


def test_a_large_frame_is_adopted() -> None:
    """A whole frame of any size is adopted, and never read all at once."""
    crashed = Crashed()
    sizes = crashed.watch(lambda _number, _offset, octets: octets)
    crashed.settle()
    assert max(sizes) < 2 * PIECE
    assert crashed.log.head() == crashed.end
    assert crashed.log.read("log.1") == crashed.octets
    bodies = crashed.log.bodies(crashed.log.state())
    assert bodies[2] is not None
    assert bodies[2].endswith(BODY)


@pytest.mark.parametrize(
    "at", [10, 100, 400, PIECE, 2 * PIECE + 17, len(BODY), len(BODY) + 600]
)
def test_a_large_frame_that_is_torn_is_cut_off(at: int) -> None:
    """One octet of a large frame that is another leaves nothing of it but a copy."""
    crashed = Crashed()
    place = crashed.start + at
    assert place < crashed.end.position.offset
    crashed.log.write("log.1", bytes([crashed.octets[place] ^ 1]), place)
    sizes = crashed.watch(lambda _number, _offset, octets: octets)
    crashed.settle()
    assert max(sizes) < 2 * PIECE
    assert crashed.log.head().position.offset == crashed.start
    assert not any(crashed.log.read("log.1")[crashed.start :])
    copy = crashed.log.read("log.1.cut.1")
    assert len(copy) >= len(BODY)
    assert list(crashed.log.bodies(crashed.log.state())) == [1]


def test_what_is_not_read_twice_alike_is_damage() -> None:
    """A disk that gives other octets the second time is not believed."""
    crashed = Crashed()
    seen: set[int] = set()

    def flip(_number: int, offset: int, octets: bytes) -> bytes:
        second = offset in seen
        if len(octets) == PIECE:
            seen.add(offset)
        return b"?" + octets[1:] if second else octets

    crashed.watch(flip)
    with pytest.raises(MailboxDamaged):
        crashed.settle()
    assert "damaged" in crashed.log.names()
