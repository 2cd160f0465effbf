"""Reading a segment backwards, for whoever wants what came last.

Each frame's last 16 bytes say how long it is, and its header which chain value
was before it. Bodies are not read.
"""

from collections.abc import Callable
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.frame import (
    FRAME_HEADER_SIZE,
    FRAME_TRAILER_SIZE,
    Frame,
    chain_before,
    decode_frame,
    decode_header,
    trailer_size,
)
from imapbox.index.head import Position
from imapbox.index.read import LogBroken
from imapbox.index.segment import SEGMENT_HEADER_SIZE, segment_name

_PIECE: Final = 16 * 1024
# Header and operations of a message that came.
_USUAL: Final = 512


def walk_back(
    directory: str, end: Position, visit: Callable[[Frame], bool]
) -> Steps[None]:
    """Give ``visit`` the frames of one segment, the newest first.

    Args:
        directory: The log's.
        end: Behind the newest of them.
        visit: Says whether it wants the one before, too.

    Raises:
        LogBroken: A frame is not as it should be.
        OSError: The segment can't be read.
    """

    def read(fd: int) -> Steps[None]:
        pieces = _Pieces(fd)
        here = end
        while here.offset > SEGMENT_HEADER_SIZE:
            frame, before = yield from _frame_before(pieces, here)
            if not visit(frame):
                return
            here = before

    path = f"{directory}/{segment_name(end.segment)}"
    yield from steps.opened(path, Mode.READ, read)


def _frame_before(pieces: "_Pieces", here: Position) -> Steps[tuple[Frame, Position]]:
    at = here.offset - FRAME_TRAILER_SIZE
    trailer = yield from pieces.up_to(here.offset, FRAME_TRAILER_SIZE)
    size = trailer_size(trailer, here.chain)
    if size is None or size > here.offset - SEGMENT_HEADER_SIZE:
        raise LogBroken(here)
    start = here.offset - size
    data = yield from pieces.of(start, min(_USUAL, at - start))
    if len(data) < FRAME_HEADER_SIZE:
        raise LogBroken(here)
    before = here._replace(offset=start, chain=chain_before(data))
    frame = decode_frame(data, before)
    if frame is None and (header := decode_header(data, here.salt)) is not None:
        wanted = FRAME_HEADER_SIZE + header.operations_size
        frame = decode_frame((yield from pieces.of(start, wanted)), before)
    if frame is None or frame.end != here:
        raise LogBroken(here)
    return frame, before


class _Pieces:
    """Reads a file so that what lies before is likely there already."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._start = 0
        self._data = b""

    def up_to(self, end: int, size: int) -> Steps[bytes]:
        """Return the ``size`` bytes that end at ``end``."""
        if not self._start <= end - size <= end <= self._start + len(self._data):
            self._start = max(0, end - _PIECE)
            self._data = yield from steps.pread(
                self._fd, end - self._start, self._start
            )
        return self._data[end - size - self._start : end - self._start]

    def of(self, start: int, size: int) -> Steps[bytes]:
        """Return ``size`` bytes from ``start``."""
        skip = start - self._start
        if skip >= 0 and skip + size <= len(self._data):
            return self._data[skip : skip + size]
        data: bytes = yield from steps.pread(self._fd, size, start)
        return data
