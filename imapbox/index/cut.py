"""Cutting off what a crash left behind the last whole frame.

What is cut is kept in ``log.<n>.cut.<m>`` for whoever wants to look at it, and
zeroed in the segment, or the segment is shortened if there is no room for zeros.
It is torn only if nothing that was written later follows: a frame of a later
batch behind it means that it was once whole on the disk, and then this is damage
and nothing is cut.
"""

from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.damage import damage, fail_write, write_over
from imapbox.index.frame import FRAME_HEADER_SIZE, MAGIC, decode_header
from imapbox.index.head import Position
from imapbox.index.segment import segment_name
from imapbox.model.errors import DiskFull

_PIECE: Final = 1024 * 1024


def cut_off(directory: str, fd: int, at: Position, size: int) -> Steps[None]:
    """Zero all that is behind ``at``, if it is torn.

    Args:
        directory: The log's.
        fd: The segment, open for writing.
        at: The position behind the last whole frame.
        size: Length of the segment's file.

    Raises:
        MailboxDamaged: It is not torn but damaged; the mark is made.
    """
    torn = []
    for offset in range(at.offset, size, _PIECE):
        octets = yield from steps.pread(fd, _PIECE + FRAME_HEADER_SIZE, offset)
        if any(octets[:_PIECE]):
            if _has_later_batch(octets, at):
                reason = f"{segment_name(at.segment)} is broken at {at.offset}"
                raise (yield from damage(directory, reason))
            torn.append(offset)
    if torn:
        yield from _keep_copy(directory, fd, at.segment, torn)
    try:
        for offset in torn:
            zeros = bytes(min(_PIECE, size - offset))
            yield from write_over(directory, fd, zeros, offset)
    except DiskFull:
        yield from _shorten(directory, fd, at.offset)


def _shorten(directory: str, fd: int, size: int) -> Steps[None]:
    """Cut where there is no room for zeros: blocks are copied on every write."""
    try:
        yield from steps.truncate(fd, size)
    except OSError as error:
        yield from fail_write(directory, error)


def has_later_batch(fd: int, at: Position) -> Steps[bool]:
    """Say whether a frame that was written later lies anywhere behind ``at``."""
    size = yield from steps.size(fd)
    for offset in range(at.offset, size, _PIECE):
        octets = yield from steps.pread(fd, _PIECE + FRAME_HEADER_SIZE, offset)
        if _has_later_batch(octets, at):
            return True
    return False


def _has_later_batch(octets: bytes, at: Position) -> bool:
    found = octets.find(MAGIC)
    while found >= 0:
        header = decode_header(octets[found : found + FRAME_HEADER_SIZE], at.salt)
        if header is not None and header.batch > at.offset:
            return True
        found = octets.find(MAGIC, found + 1)
    return False


def _keep_copy(directory: str, fd: int, segment: int, torn: list[int]) -> Steps[None]:
    """Copy the pieces that are cut; a courtesy, which a full disk may refuse."""
    start = torn[0]

    def write(copy: int) -> Steps[None]:
        for offset in torn:
            octets = yield from steps.pread(fd, _PIECE, offset)
            yield from steps.pwrite(copy, octets, offset - start)

    number = 1
    while (yield from steps.exists(_copy_path(directory, segment, number))):
        number += 1
    path = _copy_path(directory, segment, number)
    try:
        yield from steps.opened(path, Mode.CREATE, write)
    except OSError:
        return


def _copy_path(directory: str, segment: int, number: int) -> str:
    return f"{directory}/{segment_name(segment)}.cut.{number}"
