from typing import Final

import pytest

from imapbox.disk.filesystem import Mode
from tests.simulation.disk import SimulatedDisk
from tests.simulation.parts import PartOfDisk, Parts, Remembered

WORKER: Final = 7


def disk_with(**contents: bytes) -> SimulatedDisk:
    """Return a disk with a file of each name, in a directory of its own."""
    disk = SimulatedDisk()
    process = disk.process(1)
    for name, content in contents.items():
        process.make_directory(name)
        fd = process.open(f"{name}/file", Mode.CREATE)
        process.pwrite(fd, content, 0)
        process.close(fd)
    return disk


def double(disk: PartOfDisk, name: str) -> bytes:
    """Write what is in a file behind it, and leave a file that says so."""
    process = disk.process(WORKER)
    content = disk.content(f"{name}/file")
    fd = process.open(f"{name}/file", Mode.WRITE)
    process.pwrite(fd, content, len(content))
    process.close(fd)
    process.close(process.open(f"{name}/done", Mode.CREATE))
    return content


def test_work_on_what_is_alike_is_done_once() -> None:
    """What it returns and what it leaves is remembered, for other disks, too."""
    times = 0

    def count(disk: PartOfDisk, name: str) -> bytes:
        nonlocal times
        times += 1
        return double(disk, name)

    remembered = Remembered()
    for other in (b"1", b"2"):
        parts = Parts.of(disk_with(a=b"one", b=other))
        value, after = remembered.do(parts, ("a",), count, "a")
        assert value == b"one"
        left = {("a/file", b"oneone"), ("a/done", b"")}
        assert after.directories["a"] == left
        assert after.directories["b"] == {("b/file", other)}
        assert parts.directories["a"] == {("a/file", b"one")}
    assert times == 1
    remembered.do(Parts.of(disk_with(a=b"two")), ("a",), count, "a")
    assert times == 2


def test_another_machine_is_another_thing() -> None:
    """What was done before a restart says nothing of what is done behind it."""
    disk = disk_with(a=b"")
    remembered = Remembered()

    def boot(disk: PartOfDisk) -> int:
        return disk.process(WORKER).boot

    assert remembered.do(Parts.of(disk), ("a",), boot)[0] == 1
    disk.boot += 1
    assert remembered.do(Parts.of(disk), ("a",), boot)[0] == 2


@pytest.mark.parametrize("path", ["b", "b/file", "b/none", "none", ""])
def test_nothing_else_can_be_asked_for(path: str) -> None:
    """Whoever works on some directories and looks elsewhere is stopped."""
    parts = Parts.of(disk_with(a=b"", b=b""))

    def look(disk: PartOfDisk) -> list[str]:
        return disk.process(WORKER).list_directory(path)

    with pytest.raises(AssertionError, match="is outside of"):
        Remembered().do(parts, ("a",), look)


def test_what_is_not_there_is_missing() -> None:
    """A directory that the disk has not is none to whoever works."""
    parts = Parts.of(disk_with(a=b""))

    def look(disk: PartOfDisk) -> tuple[bool, bool]:
        process = disk.process(WORKER)
        return process.exists("a/file"), process.exists("b/file")

    assert Remembered().do(parts, ("a", "b"), look) == ((True, False), parts)


def test_a_lock_must_be_given_back() -> None:
    """Who keeps a lock when his work is done is found out."""
    parts = Parts.of(disk_with(a=b""))

    def lock(disk: PartOfDisk) -> bool:
        process = disk.process(WORKER)
        return process.try_lock(process.open("a/file", Mode.WRITE))

    with pytest.raises(AssertionError, match="a lock is kept"):
        Remembered().do(parts, ("a",), lock)
