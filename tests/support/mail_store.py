"""Stores on a real disk that counts, stalls and fails as a test wants.

Several of them on one directory stand for several processes: each has its own
file system, threads, watch and memory.
"""

import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode
from imapbox.disk.spool import MemoryContent
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.values import NewMessage
from imapbox.model.names import UserName
from imapbox.model.numbers import Uid
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store
from tests.support.at_once import take_threads_from
from tests.support.waiting import reactor

BOB = UserName("bob")
Steering = Callable[[str, str], None]


class TestDisk(DiskFileSystem):
    """The product's file system, without the cost of real syncs.

    Attributes:
        syncs: Paths that were synced, in order.
        steer: Called with a method's name and a path before it is done: may
            raise, or stop the calling thread.
    """

    __test__ = False

    def __init__(self, root: str, steer: Steering | None = None) -> None:
        super().__init__(root)
        self.syncs: list[str] = []
        self.steer = steer
        self._paths: dict[int, str] = {}

    def open(self, path: str, mode: Mode) -> int:
        self._steer("open", path)
        fd = super().open(path, mode)
        self._paths[fd] = path
        return fd

    def close(self, fd: int) -> None:
        self._steer("close", self._paths.get(fd, ""))
        super().close(fd)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        self._steer("pread", self._paths.get(fd, ""))
        return super().pread(fd, size, offset)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self._steer("pwrite", self._paths.get(fd, ""))
        return super().pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        path = self._paths.get(fd, "")
        self.syncs.append(path)
        self._steer("fdatasync", path)

    def sync_directory(self, path: str) -> None:
        self._steer("sync_directory", path)

    def unlink(self, path: str) -> None:
        self._steer("unlink", path)
        super().unlink(path)

    def make_directory(self, path: str) -> None:
        self._steer("make_directory", path)
        super().make_directory(path)

    def try_lock(self, fd: int) -> bool:
        self._steer("try_lock", self._paths.get(fd, ""))
        return super().try_lock(fd)

    def is_read_only(self) -> bool:
        self._steer("is_read_only", "")
        return super().is_read_only()

    def _steer(self, method: str, path: str) -> None:
        if self.steer is not None:
            self.steer(method, path)


class Stall:
    """Stops threads in one kind of call until it is over.

    Args:
        method: Of `FileSystem`.
        where: What the path contains.
    """

    def __init__(self, method: str, where: str = "") -> None:
        self.stopped = 0
        self._method = method
        self._where = where
        self._over = threading.Event()

    def __call__(self, method: str, path: str) -> None:
        reactor_thread = threading.main_thread()
        if method != self._method or self._where not in path or self._over.is_set():
            return
        assert threading.current_thread() is not reactor_thread, "the reactor blocks"
        self.stopped += 1
        assert self._over.wait(30)

    def end(self) -> None:
        """Let all go on, for ever."""
        self._over.set()


class Fail:
    """Makes one kind of call fail for as long as it is wanted."""

    def __init__(self, method: str, where: str, error: int) -> None:
        self.failing = True
        self._method = method
        self._where = where
        self._error = error

    def __call__(self, method: str, path: str) -> None:
        if self.failing and method == self._method and self._where in path:
            raise OSError(self._error, os.strerror(self._error), path)


Opener = Callable[..., Awaitable[Store]]


class Stores:
    """Stores that a test starts below one directory, and stops."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[tuple[Store, TestDisk]] = []

    async def start(
        self,
        *,
        steer: Steering | None = None,
        patience: float = 20.0,
        name: str = "store",
        threads: bool = True,
    ) -> Store:
        """Start one more process, on a directory of this name."""
        root = self._directory / name
        root.mkdir(exist_ok=True)
        disk = TestDisk(str(root), steer)
        store = Store(str(root), reactor, make=True, filesystem=disk, patience=patience)
        await store.start()
        if not threads:
            take_threads_from(store)
        self._started.append((store, disk))
        return store

    async def stop(self) -> None:
        """Stop all of them, whatever their disks do."""
        for _, disk in self._started:
            if isinstance(disk.steer, Stall):
                disk.steer.end()
            disk.steer = None
        for store, disk in self._started:
            await store.stop()
            disk.release()


@pytest_twisted.async_yield_fixture
async def open_store(tmp_path: Path) -> AsyncIterator[Opener]:
    """Start a store on the test's directory; it is stopped behind the test."""
    stores = Stores(tmp_path)
    yield stores.start
    await stores.stop()


def disk_of(store: Store) -> TestDisk:
    """Return the disk under a store that `open_store` started."""
    disk: Any = store.drivers.filesystem
    assert isinstance(disk, TestDisk)
    return disk


async def knows_bob(user: UserName) -> bool | None:
    """Answer as a user directory that has only bob."""
    return user == BOB


async def knows_none(_: UserName) -> bool | None:
    """Answer as a site without a user directory."""
    return None


async def account_of(store: Store, user: UserName = BOB) -> UserAccount:
    """Return the user's mail, made if it is not there."""
    await store.create_account(user)
    return UserAccount(store, await store.account(user))


async def deliver(
    store: Store, address: str = "bob", body: bytes = b"Subject: hi\r\n\r\nbody\r\n"
) -> Uid:
    """Deliver a small message to an account that is there."""
    deliveries = Deliveries(store, knows_none)
    recipient = await deliveries.find(address)
    return (await deliveries.deliver(recipient, b"", MemoryContent(body))).uid


def new_message(body: bytes = b"a: b\r\n\r\nx", *flags: str) -> NewMessage:
    """Return a message to append."""
    return NewMessage(MemoryContent(body), frozenset(flags), None)
