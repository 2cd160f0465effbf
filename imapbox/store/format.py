"""The file ``imapbox-store``: that this is a store, and of which format.

Little-endian::

    offset  size  field
         0     8  magic "IBSTORE" and a zero byte
         8     2  format version: 1
        10     2  feature bits, compatible
        12     2  feature bits, read-only compatible
        14     2  feature bits, incompatible
        16    44  zero
        60     4  CRC-32 of the 60 bytes before

It is written before anything else, and synced with its directory. Several
processes may do so at once: each writes the same bytes. One that is empty was
left by a crash, or is being written, and is written again.
"""

import struct
import zlib
from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.lost_found import LOST_FOUND
from imapbox.model.format import FORMAT_VERSION, check_format
from imapbox.store.layout import ROOT, SPOOL, STORE_FILE, UNFINISHED, USERS

FILE_SIZE: Final = 64

_MAGIC: Final = b"IBSTORE\0"
_FIELDS = struct.Struct("<8sHHHH44x")
_CRC = struct.Struct("<I")


class NotAStore(Exception):
    """The directory holds something else."""

    def sentence(self) -> str:
        """Say so, for a log."""
        return "The directory of the mail store holds something else."


class NoStore(NotAStore):
    """There is no directory, or an empty one.

    Attributes:
        root: The directory.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def sentence(self) -> str:
        """Say so, and what can be done."""
        return (
            f"There is no mail store at {self.root}: mount what belongs there,"
            " or make one with imapbox user add."
        )


class UnfinishedCopy(NotAStore):
    """It is what `imapbox snapshot` has made so far, and not all of it."""

    def sentence(self) -> str:
        """Say so, for a log."""
        return "The directory of the mail store is a copy that is not finished."


def check_store(root: str) -> Steps[None]:
    """Check that there is a store. One that a crash left half made is finished.

    An empty directory is what a mount point is whose file system is not there.
    Mail that was stored in it would be gone when it is.

    Args:
        root: What its directory is called if there is none.

    Raises:
        NoStore: There is nothing.
        NotAStore: There is something else, or a copy that is not finished.
        UnknownFormat: An imapbox of another format made it.
    """
    if not (yield from read_store_file()):
        names = yield from steps.list_directory(ROOT)
        if set(names) <= {LOST_FOUND}:
            raise NoStore(root)
        yield from _make(names)


def prepare_store() -> Steps[None]:
    """Check that the root is a store; make one of an empty directory.

    A ``lost+found`` is no mail, and the file system's own: mke2fs(8).

    Raises:
        NotAStore: There are other things in it, or it is a copy that is not finished.
        UnknownFormat: An imapbox of another format made it.
    """
    if not (yield from read_store_file()):
        yield from _make((yield from steps.list_directory(ROOT)))


def read_store_file(path: str = STORE_FILE) -> Steps[bool]:
    """Check the file, and return whether it is there and not empty.

    Beside the mark of a copy that is not finished it says nothing: who died between
    the writing of the one and the removal of the other has told nobody that the copy
    is whole.

    Raises:
        UnfinishedCopy: The mark is there.
        NotAStore: The file is not what imapbox wrote.
        UnknownFormat: An imapbox of another format made it.
    """
    mark = path.removesuffix(STORE_FILE) + UNFINISHED
    if (yield from steps.exists(mark)):
        raise UnfinishedCopy(mark)
    try:
        data = yield from steps.opened(
            path, Mode.READ, lambda fd: steps.pread(fd, FILE_SIZE, 0)
        )
    except FileNotFoundError:
        data = b""
    if not any(data):
        return False
    if len(data) < FILE_SIZE or not data.startswith(_MAGIC):
        raise NotAStore(path)
    if _CRC.unpack_from(data, _FIELDS.size)[0] != zlib.crc32(data[: _FIELDS.size]):
        raise NotAStore(path)
    _, version, _, read_only, incompatible = _FIELDS.unpack_from(data)
    check_format(version, read_only, incompatible)
    return True


def _make(names: list[str]) -> Steps[None]:
    if set(names) - {SPOOL, USERS, STORE_FILE, LOST_FOUND}:
        raise NotAStore(names)
    for directory in (SPOOL, USERS):
        yield from make_directory_if_missing(directory)
    yield from write_store_file()


def write_store_file() -> Steps[None]:
    """Write the file, also over what is there."""
    content = _FIELDS.pack(_MAGIC, FORMAT_VERSION, 0, 0, 0)
    octets = content + _CRC.pack(zlib.crc32(content))

    def write(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, octets, 0)
        yield from steps.fdatasync(fd)

    yield from steps.opened(STORE_FILE, Mode.ENSURE, write)
    yield from steps.sync_directory(ROOT)


def make_directory_if_missing(path: str) -> Steps[None]:
    """Make a directory, or find it there."""
    try:
        yield from steps.make_directory(path)
    except FileExistsError:
        return
