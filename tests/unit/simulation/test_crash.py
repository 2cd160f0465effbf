"""The crashes of small workloads, each known in full."""

import errno
from collections.abc import Callable

from imapbox.disk.filesystem import Mode
from tests.simulation.crash import Crashes
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem
from tests.simulation.fault import SYNCS, Fault


def found(
    work: Callable[[SimulatedFileSystem], None], kind: str = "power"
) -> set[tuple[object, ...]]:
    """Return what each crash leaves: promises, then files with their content."""
    crashes = Crashes(SimulatedDisk(), lambda disk: work(disk.process(1)), (kind,))
    return {
        (
            crash.acknowledged,
            *sorted((p, c) for p, c in crash.disk.tree().items() if p),
        )
        for crash in crashes
    }


def create_unsynced(process: SimulatedFileSystem) -> None:
    fd = process.open("f", Mode.CREATE)
    process.pwrite(fd, b"new", 0)
    process.acknowledge("ok")


def test_without_a_sync_anything_may_be_there() -> None:
    """A new file may be absent, empty, long but empty, or whole; promised or not."""
    contents = {row[1:] for row in found(create_unsynced) if row[0] == ("ok",)}
    assert contents == {
        (),
        (("f", b""),),
        (("f", b"\0\0\0"),),
        (("f", b"new"),),
    }


def create_durably(process: SimulatedFileSystem) -> None:
    fd = process.open("f", Mode.CREATE)
    process.pwrite(fd, b"new", 0)
    process.fdatasync(fd)
    process.sync_directory("")
    process.acknowledge("ok")


def test_what_is_synced_is_there() -> None:
    """Behind a sync of the file and of its directory nothing else is possible."""
    assert {row for row in found(create_durably) if row[0]} == {
        (("ok",), ("f", b"new"))
    }


def test_a_kill_leaves_the_cache() -> None:
    """A kill loses nothing that was written."""
    assert (("ok",), ("f", b"new")) in found(create_unsynced, "kill")
    assert len(found(create_unsynced, "kill")) == 3


def write_long(process: SimulatedFileSystem) -> None:
    create_durably(process)
    process.pwrite(process.open("f", Mode.WRITE), b"x" * 1024, 0)


def test_a_write_is_torn_at_sectors() -> None:
    """Of a write of two sectors each may be there without the other."""
    old = b"new" + bytes(1021)
    half = b"x" * 512
    contents = {row[1][1] for row in found(write_long) if row[0]}
    assert {half + old[512:], old[:512] + half, half + half, b"new", old} <= contents


def write_heads(process: SimulatedFileSystem) -> None:
    fd = process.open("head", Mode.CREATE)
    process.pwrite(fd, b"0" * 64, 0)
    process.fdatasync(fd)
    process.sync_directory("")
    for number in (b"1", b"2", b"3"):
        process.pwrite(fd, number * 64, 0)
    process.acknowledge("ok")


def test_a_head_is_old_or_new_or_torn_or_absent() -> None:
    """A head may be the synced one, the last two, torn between them, or gone."""
    contents = {row[1][1] for row in found(write_heads) if row[0] and row[1:]}
    halves = {b"0" * 64, b"2" * 64, b"3" * 64, b"3" * 32 + b"2" * 32}
    assert contents == {*halves, b"2" * 32 + b"3" * 32}
    assert (("ok",),) in found(write_heads)


def test_what_a_failed_sync_lost_no_later_sync_brings_back() -> None:
    """Behind a sync that failed, a later one that succeeds proves nothing."""
    disk = SimulatedDisk()

    def work(disk: SimulatedDisk) -> None:
        process = disk.process(1)
        create_durably(process)
        fd = process.open("f", Mode.WRITE)
        process.pwrite(fd, b"abc", 0)
        disk.faults = (Fault(SYNCS, 1, errno.EIO),)
        for _ in range(2):
            try:
                process.fdatasync(fd)
            except OSError:
                continue
        process.acknowledge("synced again")
        process.pwrite(fd, b"abc", 0)
        process.fdatasync(fd)
        process.acknowledge("written again")

    last: dict[object, set[bytes]] = {}
    for crash in Crashes(disk, work, ("power",)):
        contents = last.setdefault(crash.acknowledged[-1:], set())
        contents.add(crash.disk.content("f") if "f" in crash.disk.names else b"")
    assert last["synced again",] == {b"new", b"abc"}
    assert last["written again",] == {b"abc"}


def test_a_second_crash_remembers_what_the_first_left_unsynced() -> None:
    """What a killed process had not synced can still be lost later."""
    disk = SimulatedDisk()
    contents = set()
    work = Crashes(disk, lambda disk: create_unsynced(disk.process(1)), ("kill",))
    for crash in work:
        if not crash.acknowledged:
            continue

        def again(disk: SimulatedDisk) -> None:
            disk.acknowledge("second life")

        for second in Crashes(crash.disk, again, ("power",)):
            assert second.acknowledged == ("ok", "second life")
            contents.add(second.disk.tree().get("f"))
    assert contents == {None, b"", b"\0\0\0", b"new"}
