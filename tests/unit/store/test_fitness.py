"""A server refuses a store on a file system that is not fit for it."""

import errno
import os
from pathlib import Path

import pytest
import pytest_twisted

from imapbox.model.errors import FileSystemUnfit, StoreFailure
from imapbox.store.store import Store
from tests.support.mail_store import Fail, Opener, disk_of
from tests.support.waiting import reactor
from tests.unit.disk.test_proof import LocksThatDoNothing


@pytest_twisted.ensureDeferred
async def test_a_fit_one_is_used(open_store: Opener) -> None:
    """Nothing is left of the proof, nor of one that a crash cut short."""
    store = await open_store()
    spool = Path(store.root) / "spool"
    disk = disk_of(store)
    await store.prove()
    (trace,) = {
        name.rpartition(".")[0] for name in _made_by(store) if name.startswith("proof")
    }
    dead = spool / f"{trace}.4194305"
    dead.mkdir()
    (dead / "left").touch()
    elsewhere = spool / "proof.another.1"
    elsewhere.mkdir()
    await store.prove()
    assert list(spool.iterdir()) == [elsewhere]
    assert disk.pid == os.getpid()


def _made_by(store: Store) -> list[str]:
    """Return the names of the directories that a proof makes."""
    made: list[str] = []
    disk = disk_of(store)
    make = disk.make_directory

    def note(path: str) -> None:
        made.append(path.rpartition("/")[2])
        make(path)

    disk.make_directory = note
    from imapbox.store.fitness import first_flaw  # noqa: PLC0415 - a look inside

    assert first_flaw(disk) is None
    del disk.make_directory
    return made


@pytest_twisted.ensureDeferred
async def test_one_that_is_not_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """The sentence says what is wrong, and the store stays shut."""
    (tmp_path / "store").mkdir()
    disk = LocksThatDoNothing(str(tmp_path / "store"))
    store = Store(str(tmp_path / "store"), reactor, filesystem=disk)
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
