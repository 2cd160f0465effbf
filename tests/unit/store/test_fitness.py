"""A server refuses a store on a file system that is not fit for it."""

import errno
from pathlib import Path

import pytest
import pytest_twisted

from imapbox.model.errors import FileSystemUnfit, StoreFailure
from imapbox.store.fitness import first_flaw
from imapbox.store.store import Store
from tests.support.mail_store import Fail, Opener, disk_of
from tests.support.waiting import reactor
from tests.unit.disk.test_proof import LocksThatDoNothing


@pytest_twisted.ensureDeferred
async def test_a_fit_one_is_used(open_store: Opener) -> None:
    """Nothing is left of the proof, nor of one that a crash cut short long ago."""
    store = await open_store()
    spool = Path(store.root) / "spool"
    left = _begun_by(store, 3)
    for directory in left:
        directory.mkdir()
        (directory / "left").touch()
    (spool / "none.of.ours").mkdir()
    disk = disk_of(store)
    now = disk.now()
    await store.prove()
    assert sorted(spool.iterdir()) == sorted([*left, spool / "none.of.ours"])
    disk.now = lambda: now + 7200
    await store.prove()
    assert list(spool.iterdir()) == [spool / "none.of.ours"]


@pytest_twisted.ensureDeferred
async def test_what_a_crash_left_is_in_nobodys_way(open_store: Opener) -> None:
    """Not of a process with one number and one machine's name, as in containers."""
    store = await open_store()
    names = _begun_by(store, 3)
    assert len(set(names)) == 3
    names[-1].mkdir()
    await store.prove()
    assert names[-1].is_dir(), "it may be another's, who is at it"


def _begun_by(store: Store, count: int) -> list[Path]:
    """Return the directories in which a process proves, started anew each time."""
    made: list[Path] = []
    disk = disk_of(store)
    make = disk.make_directory

    def note(path: str) -> None:
        made.append(Path(store.root) / path)
        make(path)

    disk.make_directory = note
    for _ in range(count):
        assert first_flaw(disk) is None
    del disk.make_directory
    return made


@pytest_twisted.ensureDeferred
async def test_one_that_is_not_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """The sentence says what is wrong, and the store stays shut."""
    (tmp_path / "store").mkdir()
    disk = LocksThatDoNothing(str(tmp_path / "store"))
    store = Store(str(tmp_path / "store"), reactor, make=True, filesystem=disk)
    store.startService()
    with pytest.raises(StoreFailure):
        await store.opened()
    await store.stopService()
    await store.start()
    with pytest.raises(FileSystemUnfit) as refused:
        await store.prove()
    await store.stop()
    assert refused.value.sentence() == (
        "The file system of the mail store is not fit for it: "
        "two can hold one lock, or none can be taken."
    )


@pytest_twisted.ensureDeferred
async def test_a_full_disk_is_served(open_store: Opener) -> None:
    """Where there is no room for a proof, what is there can still be read."""
    store = await open_store()
    disk_of(store).steer = Fail("pwrite", "", errno.ENOSPC)
    await store.prove()
