"""Nothing outside the store is ever reached, whichever way a path is opened."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imapbox.disk.beneath import open_beneath, open_by_steps
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode

# What there is: files and directories, and links to all kinds of places.
TREE = ("file", "directory/file", "directory/below/file")
LINKS = {
    "to_file": "file",
    "to_directory": "directory",
    "to_nothing": "nothing",
    "to_outside": "../outside",
    "to_secret": "../outside/secret",
    "absolute": "/etc/passwd",
    "to_itself": "to_itself",
    "directory/up": "..",
    "directory/out": "../../outside",
}
parts = st.sampled_from(
    ["file", "directory", "below", "nothing", "up", "out", "..", ".", *LINKS]
)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)
FLAGS = {
    "READ": os.O_RDONLY,
    "WRITE": os.O_RDWR,
    "DIRECTORY": os.O_RDONLY | os.O_DIRECTORY,
    "CREATE": os.O_RDWR | os.O_CREAT | os.O_EXCL,
    "ENSURE": os.O_RDWR | os.O_CREAT,
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    store = tmp_path / "store"
    for name in TREE:
        (store / name).parent.mkdir(exist_ok=True)
        (store / name).write_text(name)
    for name, target in LINKS.items():
        (store / name).symlink_to(target)
    fd = os.open(store, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def by_steps(root: int, path: str, flags: int) -> int:
    return open_by_steps(root, path, flags, 0o600 if flags & os.O_CREAT else 0)


def outcome(
    opener: Callable[[int, str, int], int], root: int, path: str, flags: int
) -> object:
    """Return which file was opened, or that it was refused; make nothing."""
    made = flags & os.O_CREAT and not os.path.lexists(f"/proc/self/fd/{root}/{path}")
    try:
        fd = opener(root, path, flags)
    except OSError as error:
        return errno.errorcode[error.errno]
    try:
        found = os.fstat(fd)
        if made:
            os.unlink(path, dir_fd=root)
            return "made", stat.S_IMODE(found.st_mode)
        return found.st_ino
    finally:
        os.close(fd)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, flags=st.sampled_from(list(FLAGS)))
def test_both_ways_of_opening_agree(root: int, path: str, flags: str) -> None:
    """Without openat2 a path is opened, or refused, as with it."""
    with_openat2 = outcome(open_beneath, root, path, FLAGS[flags])
    without = outcome(by_steps, root, path, FLAGS[flags])
    refused = isinstance(with_openat2, str) and isinstance(without, str)
    if ".." in path.split("/") and not refused:
        # Inside the store openat2 would follow "..": we never ask for it.
        assert without == "EXDEV"
        return
    assert refused or with_openat2 == without, path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, flags=st.sampled_from(list(FLAGS)))
def test_no_link_is_followed(root: int, path: str, flags: str) -> None:
    """A path with a symbolic link in it is refused, whatever it points to."""
    here = Path(f"/proc/self/fd/{root}").readlink()
    names = path.split("/")
    links = any(
        here.joinpath(*names[:end]).is_symlink() for end in range(1, len(names) + 1)
    )
    for opener in (open_beneath, by_steps):
        found = outcome(opener, root, path, FLAGS[flags])
        assert isinstance(found, str) or not links, path


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM])
def test_an_old_kernel_is_served_too(
    root: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where openat2 is unknown or forbidden the path is walked."""

    def refuse(*_: object) -> int:
        return -1

    monkeypatch.setattr("imapbox.disk.beneath._syscall", refuse)
    monkeypatch.setattr("imapbox.disk.beneath.ctypes.get_errno", lambda: code)
    fd = open_beneath(root, "directory/below/file", os.O_RDONLY)
    assert os.pread(fd, 100, 0) == b"directory/below/file"
    os.close(fd)
    with pytest.raises(OSError) as refused:
        open_beneath(root, "to_directory/file", os.O_RDONLY)
    assert refused.value.errno in {errno.ELOOP, errno.ENOTDIR}
    with pytest.raises(OSError):
        open_beneath(root, "../outside/secret", os.O_RDONLY)


def test_descriptors_are_not_inherited(root: int) -> None:
    """A program that imapbox starts gets none of its descriptors."""
    for opener in (open_beneath, by_steps):
        fd = opener(root, "file", os.O_RDONLY)
        assert not os.get_inheritable(fd)
        os.close(fd)


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    """What imapbox makes is for its own user only."""
    before = os.umask(0)
    try:
        files = DiskFileSystem(str(tmp_path))
        files.make_directory("d")
        files.close(files.open("d/f", Mode.CREATE))
        files.close(files.open("d/g", Mode.ENSURE))
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("d/f", "d/g")]
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o700


def test_descriptors_are_given_back(root: int) -> None:
    """Opening, or failing to, leaves no descriptor behind."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("directory/below/file", "to_nothing", "nothing/at/all", "up/file"):
        for opener in (open_beneath, by_steps):
            outcome(opener, root, path, os.O_RDONLY)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
