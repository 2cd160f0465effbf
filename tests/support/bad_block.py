"""A block of a disk that can't be read any more."""

import errno
import os
from typing import Final

from imapbox.disk.filesystem import FileSystem, Mode

BLOCK: Final = 4096


def let_block_go_bad(files: FileSystem, path: str, at: int) -> None:
    """Let a process be unable to read the block of a file that holds an octet.

    What lies before it is returned, as Linux does it.

    Args:
        files: The process's file system.
        path: The file's.
        at: Which octet of it.
    """
    bad = at // BLOCK * BLOCK
    opened: dict[int, str] = {}
    open_file, pread = files.open, files.pread

    def open_and_note(name: str, mode: Mode) -> int:
        fd = open_file(name, mode)
        opened[fd] = name
        return fd

    def pread_around(fd: int, size: int, offset: int) -> bytes:
        if opened.get(fd) != path or not offset - BLOCK < bad < offset + size:
            return pread(fd, size, offset)
        if offset >= bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return pread(fd, bad - offset, offset)

    files.open = open_and_note  # type: ignore[method-assign] # a bad disk
    files.pread = pread_around  # type: ignore[method-assign] # a bad disk
