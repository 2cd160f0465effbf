"""Calls that a signal interrupts."""

import ctypes
import errno
from pathlib import Path
from typing import Any

import pytest

from imapbox.disk import disk_filesystem
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode


def test_a_hole_is_punched_in_spite_of_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel gives up for a signal, it is asked again."""
    libc = disk_filesystem._libc
    interruptions = [errno.EINTR, errno.EINTR]

    class Interrupted:
        def fallocate(self, *args: Any) -> int:
            if interruptions:
                ctypes.set_errno(interruptions.pop())
                return -1
            return libc.fallocate(*args)

    (tmp_path / "file").write_bytes(b"x" * 8192)
    files = DiskFileSystem(str(tmp_path))
    monkeypatch.setattr(disk_filesystem, "_libc", Interrupted())
    files.punch(files.open("file", Mode.WRITE), 0, 4096)
    assert interruptions == []
    assert (tmp_path / "file").read_bytes() == bytes(4096) + b"x" * 4096
