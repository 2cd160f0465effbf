"""Copying octets from one directory into another."""

import errno
import os
from pathlib import Path

import pytest

from imapbox.disk.filesystem import Mode
from imapbox.disk.two_roots import THERE, TwoRoots

BLOCK = 4096


@pytest.fixture
def files(tmp_path: Path) -> TwoRoots:
    """Two directories, the first with a file that has holes, and one at its end."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    files = TwoRoots(str(tmp_path / "here"), str(tmp_path / "there"))
    fd = files.open("file", Mode.CREATE)
    files.pwrite(fd, b"begin", 0)
    files.pwrite(fd, b"middle", 100 * BLOCK)
    files.truncate(fd, 200 * BLOCK)
    files.close(fd)
    return files


def copied(files: TwoRoots, piece: int) -> bytes:
    """Copy the file in pieces; return the copy."""
    source = files.open("file", Mode.READ)
    target = files.open(f"{THERE}/file", Mode.CREATE)
    at = 0
    while taken := files.copy_range(source, target, at, piece):
        assert taken <= piece
        at += taken
    assert at == files.size(source) == files.size(target)
    assert files.allocated(target) <= files.allocated(source)
    octets = files.pread(target, at + 1, 0)
    files.close(source)
    files.close(target)
    return octets


def open_files() -> int:
    """Return how many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_both_roots_are_given_back(files: TwoRoots) -> None:
    """When it is asked for, or by itself; as often as one likes."""
    before = open_files()
    for released in (True, False):
        two = TwoRoots(files.root, files.root)
        assert open_files() == before + 2
        if released:
            two.release()
            two.release()
        else:
            del two
        assert open_files() == before


@pytest.mark.parametrize("piece", [7, BLOCK, 150 * BLOCK, 10**9])
def test_a_copy_is_the_same(files: TwoRoots, tmp_path: Path, piece: int) -> None:
    """Octets are where they were, in pieces of any size, and holes take no room."""
    assert copied(files, max(piece, 100)) == (tmp_path / "here/file").read_bytes()


@pytest.mark.parametrize("error", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_the_kernel_can_not_copy(
    files: TwoRoots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Octets are read and written then."""

    def refuse(*_: object) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    assert copied(files, BLOCK) == (tmp_path / "here/file").read_bytes()


def test_who_is_cut_off_goes_no_further(
    files: TwoRoots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel says once, that this machine lost its file system, is told."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with pytest.raises(OSError, match="shutdown"):
        copied(files, BLOCK)


def test_where_nothing_is_known_of_holes(
    files: TwoRoots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is copied then, and an error of the disk is told."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "lseek", refuse)
    source = files.open("file", Mode.READ)
    target = files.open(f"{THERE}/file", Mode.CREATE)
    assert files.copy_range(source, target, 0, 10**9) == 200 * BLOCK
    with pytest.raises(OSError):
        files.copy_range(source, source, 0, BLOCK)
    assert (tmp_path / "there/file").read_bytes() == (
        tmp_path / "here/file"
    ).read_bytes()


def test_paths_lead_into_either(files: TwoRoots, tmp_path: Path) -> None:
    """Every call that takes a path finds it where it belongs."""
    files.make_directory(f"{THERE}/d")
    fd = files.open(f"{THERE}/d/x", Mode.CREATE)
    assert files.same_file(fd, f"{THERE}/d/x")
    files.close(fd)
    assert files.status(f"{THERE}/d").is_directory
    assert files.list_directory(THERE) == ["d"]
    assert files.list_directory("") == ["file"]
    assert (tmp_path / "there/d/x").exists()
    files.sync_directory(f"{THERE}/d")
    files.unlink(f"{THERE}/d/x")
    files.remove_directory(f"{THERE}/d")
    assert not files.exists(f"{THERE}/d")
    assert files.exists("file")
    with pytest.raises(OSError):
        files.open(f"{THERE}/../here/file", Mode.READ)
