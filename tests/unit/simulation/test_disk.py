"""The simulated disk behaves as the real one does."""

import errno
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import FileSystem, Mode
from tests.simulation.disk import SimulatedDisk
from tests.simulation.fault import WRITES, Fault

FILES = st.sampled_from(["a", "b", "d/a", "e/a", "x/a"])
DIRECTORIES = st.sampled_from(["d", "e", "d/e", "x/e"])
PATHS = st.one_of(FILES, DIRECTORIES)
SLOTS = st.integers(0, 3)
SIZES = st.integers(0, 9)
CALLS = st.one_of(
    st.tuples(st.just("open"), FILES, st.sampled_from(Mode)),
    st.tuples(st.just("open_unnamed"), st.sampled_from(["d", "x"])),
    st.tuples(st.just("close"), SLOTS),
    st.tuples(st.just("pread"), SLOTS, SIZES, SIZES),
    st.tuples(st.just("map_privately"), SLOTS, SIZES),
    st.tuples(st.just("pwrite"), SLOTS, st.binary(max_size=5), SIZES),
    st.tuples(st.just("fdatasync"), SLOTS),
    st.tuples(st.just("size"), SLOTS),
    st.tuples(st.just("truncate"), SLOTS, SIZES),
    st.tuples(st.just("exists"), PATHS),
    st.tuples(st.just("same_file"), SLOTS, PATHS),
    st.tuples(st.just("is_named"), SLOTS),
    st.tuples(st.just("unlink"), PATHS),
    st.tuples(st.just("make_directory"), DIRECTORIES),
    st.tuples(st.just("list_directory"), st.sampled_from(["", "d", "x"])),
    st.tuples(st.just("sync_directory"), st.sampled_from(["", "d", "x"])),
    st.tuples(st.just("try_lock"), SLOTS),
    st.tuples(st.just("unlock"), SLOTS),
    st.tuples(st.just("is_locked"), SLOTS),
)
OPENS = {"open", "open_unnamed"}
NEEDS_SLOT = {
    "close",
    "pread",
    "map_privately",
    "pwrite",
    "fdatasync",
    "size",
    "truncate",
    "same_file",
    "is_named",
    "try_lock",
    "unlock",
    "is_locked",
}


def transcript(filesystem: FileSystem, calls: list[tuple[Any, ...]]) -> list[Any]:
    """Make the calls, descriptors by the order of their opening; say what came."""
    said: list[Any] = []
    fds = [filesystem.open("a", Mode.ENSURE), filesystem.open("d/a", Mode.ENSURE)]
    for method, *arguments in calls:
        if method in NEEDS_SLOT:
            if arguments[0] >= len(fds):
                continue
            arguments[0] = fds[arguments[0]]
        try:
            result = getattr(filesystem, method)(*arguments)
        except OSError as error:
            said.append(errno.errorcode[error.errno or 0])
            continue
        if method == "map_privately":
            # What is written to it reaches no file.
            found, result[:] = bytes(result), bytes(len(result))
            result = found
        if method in OPENS:
            fds.append(result)
            result = "open"
        if method == "close":
            fds.remove(arguments[0])
        said.append(result)
    for fd in fds:
        said.append(filesystem.pread(fd, 99, 0))
        filesystem.close(fd)
    return said


@given(st.lists(CALLS, max_size=25))
def test_it_answers_as_the_real_disk(
    tmp_path_factory: Any, calls: list[tuple[Any, ...]]
) -> None:
    """Any sequence of calls has the same results and errors on both."""
    root: Path = tmp_path_factory.mktemp("disk")
    real = DiskFileSystem(str(root))
    simulated = SimulatedDisk().process(1)
    simulated.make_directory("d")
    real.make_directory("d")
    try:
        assert transcript(simulated, calls) == transcript(real, calls)
    finally:
        real.release()


def test_locks_exclude_open_files_and_go_with_their_process() -> None:
    """A lock belongs to an open file, also within a process; death frees it."""
    disk = SimulatedDisk()
    one, two = disk.process(1), disk.process(2)
    first = one.open("lock", Mode.ENSURE)
    again = one.open("lock", Mode.WRITE)
    other = two.open("lock", Mode.WRITE)
    assert one.try_lock(first)
    assert one.try_lock(first)
    assert not one.try_lock(again)
    assert not two.try_lock(other)
    one.close(again)
    assert two.is_locked(other)
    disk.kill(1)
    assert not two.is_alive(1)
    assert two.try_lock(other)


def test_a_full_disk_takes_a_part_first() -> None:
    """A write on a disk that is filling up is short; the one behind it fails."""
    disk = SimulatedDisk()
    process = disk.process(1)
    fd = process.open("file", Mode.ENSURE)
    disk.faults = (Fault(WRITES, 1, errno.ENOSPC, short=True, full=True),)
    assert process.pwrite(fd, b"1234", 0) == 2
    for _ in range(2):
        try:
            process.pwrite(fd, b"34", 2)
        except OSError as error:
            assert error.errno == errno.ENOSPC
    assert process.pwrite(fd, b"ab", 0) == 2
    assert process.pread(fd, 9, 0) == b"ab"
