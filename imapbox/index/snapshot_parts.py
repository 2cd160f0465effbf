"""Reading parts of a snapshot, each checked against its CRCs."""

import zlib
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Position
from imapbox.index.operations import Base
from imapbox.index.snapshot import (
    CRC,
    HEADER_SIZE,
    TRAILER_SIZE,
    Part,
    SnapshotHeader,
    encode_trailer,
    snapshot_names,
    table_place,
)
from imapbox.model.errors import UnknownFormat

_AT_ONCE: Final = 1 << 20


class BadSnapshot(Exception):
    """This file is no snapshot that can be used."""


def read_outline(
    fd: int,
) -> Steps[tuple[SnapshotHeader, list[Part], dict[str, list[int]]]]:
    """Return header, parts and CRCs, checked against the trailer.

    Raises:
        BadSnapshot: It is torn, or none.
        UnknownFormat: It is in a format of the future.
    """
    size = yield from steps.size(fd)
    data = yield from steps.pread(fd, HEADER_SIZE, 0)
    header = SnapshotHeader.decode(data)
    if header is None:
        raise BadSnapshot
    parts = header.parts()
    offset, table_size = table_place(parts)
    if size != offset + table_size + TRAILER_SIZE:
        raise BadSnapshot
    end = yield from steps.pread(fd, table_size + TRAILER_SIZE, offset)
    table, trailer = end[:table_size], end[table_size:]
    if trailer != encode_trailer(data, table, size):
        raise BadSnapshot
    numbers = iter([crc for (crc,) in CRC.iter_unpack(table)])
    crcs = {part.name: [next(numbers) for _ in range(part.pieces)] for part in parts}
    return header, parts, crcs


def check_part(fd: int, part: Part, crcs: list[int]) -> Steps[None]:
    """Read a part, many pieces at a time, and compare it with its CRCs.

    Raises:
        BadSnapshot: It is not what was written.
    """
    each_time = max(1, _AT_ONCE // part.piece) * part.piece
    found: list[int] = []
    for start in range(0, part.size, each_time):
        wanted = min(each_time, part.size - start)
        data = memoryview((yield from steps.pread(fd, wanted, part.offset + start)))
        found += [
            zlib.crc32(data[at : at + part.piece])
            for at in range(0, wanted, part.piece)
        ]
    if found != crcs:
        raise BadSnapshot


def read_part(fd: int, part: Part, crcs: dict[str, list[int]]) -> Steps[bytes]:
    """Return a part that is not rows.

    Raises:
        BadSnapshot: It is not what was written.
    """
    data: bytes = yield from steps.pread(fd, part.size, part.offset)
    if len(data) != part.size or [zlib.crc32(data)] * part.pieces != crcs[part.name]:
        raise BadSnapshot
    return data


def newest_base(directory: str, end: Position) -> Steps[tuple[Position, Base] | None]:
    """Return what BASE would say, and where, in the segment that ends at ``end``.

    Returns:
        None if no snapshot was made of this segment.
    """
    for each in snapshot_names((yield from steps.list_directory(directory))):
        if each.segment == end.segment and each.offset <= end.offset:
            path = f"{directory}/{each.name}"
            try:
                return (yield from steps.opened(path, Mode.READ, _read_base))
            except (BadSnapshot, DamagedOperations, UnknownFormat, OSError):
                continue
    return None


def _read_base(fd: int) -> Steps[tuple[Position, Base]]:
    header, parts, crcs = yield from read_outline(fd)
    return header.position, Base.decode((yield from read_part(fd, parts[-1], crcs)))
