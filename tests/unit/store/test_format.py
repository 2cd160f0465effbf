"""The file that says what a store is."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import ensureDeferred, gatherResults

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.model.errors import UnknownFormat
from imapbox.store.format import (
    FILE_SIZE,
    NotAStore,
    UnfinishedCopy,
    check_store,
    prepare_store,
)
from tests.simulation.disk import SimulatedDisk
from tests.support.mail_store import Opener


def prepare(root: Path) -> None:
    perform(prepare_store(), DiskFileSystem(str(root)))


def test_an_empty_directory_becomes_a_store(tmp_path: Path) -> None:
    """An empty directory becomes a store, which stays as it is from then on."""
    prepare(tmp_path)
    content = (tmp_path / "imapbox-store").read_bytes()
    assert len(content) == FILE_SIZE
    prepare(tmp_path)
    assert (tmp_path / "imapbox-store").read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {
        "imapbox-store",
        "spool",
        "users",
    }


def test_a_fresh_file_system_becomes_a_store(tmp_path: Path) -> None:
    """Its lost+found, where only root may look, is in nobody's way."""
    (tmp_path / "lost+found").mkdir(mode=0)
    prepare(tmp_path)
    assert (tmp_path / "imapbox-store").stat().st_size == FILE_SIZE


def test_another_directory_is_left_alone(tmp_path: Path) -> None:
    """A directory that holds something else is not made a store."""
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(NotAStore):
        prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("names", [(), ("spool", "users"), ("imapbox-store",)])
def test_a_copy_that_is_not_finished_is_no_store(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Nor is it made one, also where all of it may be there."""
    prepare(tmp_path)
    for name in {"spool", "users", "imapbox-store"} - set(names):
        path = tmp_path / name
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "unfinished").touch()
    for opens in (prepare_store(), check_store("/srv/mail")):
        with pytest.raises(UnfinishedCopy) as refused:
            perform(opens, DiskFileSystem(str(tmp_path)))
        assert refused.value.sentence().endswith("is a copy that is not finished.")
    assert {each.name for each in tmp_path.iterdir()} == {"unfinished", *names}


@given(st.integers(0, FILE_SIZE - 1), st.integers(1, 255))
def test_a_changed_file_is_no_store(offset: int, change: int) -> None:
    """No changed byte of the file goes unnoticed."""
    disk = SimulatedDisk()
    perform(prepare_store(), disk.process(1))
    content = bytearray(disk.content("imapbox-store"))
    content[offset] ^= change
    disk.data[disk.names["imapbox-store"]] = bytes(content)
    with pytest.raises(NotAStore):
        perform(prepare_store(), disk.process(1))


@pytest.mark.parametrize(
    ("version", "bits", "whose"),
    [
        (2, (0, 0, 0), "a newer imapbox."),
        (1, (0, 1, 0), "a newer imapbox."),
        (0, (0, 0, 0), "an imapbox before its release."),
    ],
)
def test_a_newer_store_is_refused(
    version: int, bits: tuple[int, int, int], whose: str
) -> None:
    """A store of another format is refused; a compatible feature is not."""
    disk = SimulatedDisk()
    perform(prepare_store(), disk.process(1))
    write_format(disk, version, bits)
    with pytest.raises(UnknownFormat) as refused:
        perform(prepare_store(), disk.process(1))
    assert refused.value.sentence().endswith(whose)
    write_format(disk, 1, (1, 0, 0))
    perform(prepare_store(), disk.process(1))


def write_format(disk: SimulatedDisk, version: int, bits: tuple[int, ...]) -> None:
    content = struct.pack("<8sHHHH44x", b"IBSTORE\0", version, *bits)
    content += struct.pack("<I", zlib.crc32(content))
    disk.data[disk.names["imapbox-store"]] = content


class Interrupted:
    """A process's file system; another process does it all before one call."""

    def __init__(self, disk: SimulatedDisk, call: int) -> None:
        self.calls = 0
        self._call = call
        self._own = disk.process(1)
        self._other = disk.process(2)

    def __getattr__(self, method: str) -> Any:
        self.calls += 1
        if self.calls == self._call:
            perform(prepare_store(), self._other)
        return getattr(self._own, method)


def test_two_may_make_it_at_once() -> None:
    """Whenever another process makes the store meanwhile, both find one."""
    for call in range(1, 20):
        disk = SimulatedDisk()
        interrupted: Any = Interrupted(disk, call)
        perform(prepare_store(), interrupted)
        perform(prepare_store(), disk.process(3))
    assert 5 < interrupted.calls < 19, "not every call was met"


def test_what_a_crash_left_is_made_whole() -> None:
    """An empty file, left by a crash, is written again."""
    disk = SimulatedDisk()
    perform(prepare_store(), disk.process(1))
    whole = disk.content("imapbox-store")
    for torn in (b"", bytes(FILE_SIZE)):
        disk.data[disk.names["imapbox-store"]] = torn
        perform(prepare_store(), disk.process(1))
        assert disk.content("imapbox-store") == whole


@pytest_twisted.ensureDeferred
async def test_processes_that_begin_together_share_a_store(
    open_store: Opener,
) -> None:
    """Several processes may begin at once on an empty directory."""
    await gatherResults([ensureDeferred(open_store(name="new")) for _ in range(8)])
