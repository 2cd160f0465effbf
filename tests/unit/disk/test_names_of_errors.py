"""Which file or directory an error of the operating system names."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.two_roots import THERE, TwoRoots


@pytest.fixture
def files(tmp_path: Path) -> TwoRoots:
    """Two directories, each with a directory and a file in it; one behind a link."""
    for name in ("here", "real"):
        (tmp_path / name / "a" / "b").mkdir(parents=True)
        (tmp_path / name / "a" / "file").write_bytes(b"x" * 100)
    (tmp_path / "there").symlink_to("real")
    return TwoRoots(str(tmp_path / "here"), str(tmp_path / "there"))


# What of an open file fails, be it a directory, or open only to be read.
OPEN_FILES: dict[str, tuple[str, Callable[[DiskFileSystem, int], object]]] = {
    "pread": ("a/b", lambda files, fd: files.pread(fd, 1, 0)),
    "map": ("a/b", lambda files, fd: files.map_privately(fd, 1)),
    "map more than there is": (
        "a/file",
        lambda files, fd: files.map_privately(fd, 10**6),
    ),
    "pwrite": ("a/file", lambda files, fd: files.pwrite(fd, b"x", 0)),
    "truncate": ("a/file", lambda files, fd: files.truncate(fd, 1)),
    "punch": ("a/file", lambda files, fd: files.punch(fd, 0, 1)),
    "lock": ("a/file", lambda files, fd: files.try_lock(fd)),
}


@pytest.mark.parametrize("call", OPEN_FILES)
@pytest.mark.parametrize("root", ["", f"{THERE}/"])
def test_an_open_file_is_named(files: TwoRoots, root: str, call: str) -> None:
    """Of which of two directories it is, can be told; also behind a link to one."""
    path, fail = OPEN_FILES[call]
    fd = files.open(f"{root}{path}", Mode.READ)
    with pytest.raises(OSError) as caught:
        fail(files, fd)
    assert caught.value.filename == f"{root}{path}"


@pytest.mark.parametrize("call", ["fdatasync", "pread"])
def test_what_lies_elsewhere_has_no_name(files: TwoRoots, call: str) -> None:
    """An error is told as it is, where nobody knows what the file is called."""
    for fd in os.pipe():
        with pytest.raises(OSError) as caught:
            files.pread(fd, 1, 0) if call == "pread" else files.fdatasync(fd)
        assert caught.value.filename is None


@pytest.mark.parametrize("call", ["size", "allocated", "is_named", "is_locked"])
def test_what_hardly_ever_fails_is_named(
    files: TwoRoots, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A mount that went away fails what asks of an open file, too."""

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    fd = files.open("a/file", Mode.READ)
    with monkeypatch.context() as system, pytest.raises(OSError) as caught:
        system.setattr(os, "fstat", broken)
        system.setattr(fcntl, "fcntl", broken)
        getattr(files, call)(fd)
    assert caught.value.filename == "a/file"


@pytest.mark.parametrize("fails", ["source", "target"])
def test_which_of_two_files_failed(
    files: TwoRoots, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """Copying within the kernel does not say it; what is done then does."""
    source = files.open("a/file", Mode.READ)
    target = files.open(f"{THERE}/a/copy", Mode.CREATE)

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "copy_file_range", broken)
    monkeypatch.setattr(os, "pread" if fails == "source" else "pwrite", broken)
    with pytest.raises(OSError) as caught:
        files.copy_range(source, target, 0, 100)
    name = "a/file" if fails == "source" else f"{THERE}/a/copy"
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, name)


@pytest.mark.parametrize("root", ["", f"{THERE}/"])
def test_a_directory_is_named(
    files: TwoRoots, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    """With all that is above it, and never by the number that it is open under."""

    def broken(fd: int) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO), fd)

    monkeypatch.setattr(os, "listdir", broken)
    monkeypatch.setattr(os, "fsync", broken)
    a, nothing = f"{root}a", f"{root}a/nothing"
    for call, path in (
        (files.list_directory, a),
        (files.sync_directory, a),
        (files.unlink, nothing),
        (files.remove_directory, nothing),
        (files.make_directory, f"{root}a/b"),
    ):
        with pytest.raises(OSError) as caught:
            call(path)
        assert caught.value.filename == path
