"""A message while it arrives: bounded memory, one file, closed once."""

import errno
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from imapbox.disk.driver import Driver
from imapbox.disk.spool import MEMORY_LIMIT, Content, MemoryContent, Spool
from imapbox.disk.watch import Watch
from imapbox.model.errors import (
    DiskFull,
    MailError,
    StoreFailure,
    StoreFenced,
    StoreReadOnly,
)
from tests.support.mail_store import Fail, Stall, TestDisk
from tests.support.waiting import open_files, reactor, until

K = 1024


@pytest_twisted.async_yield_fixture
async def driver(tmp_path: Path) -> AsyncIterator[Driver]:
    (tmp_path / "spool").mkdir()
    disk = TestDisk(str(tmp_path))
    driver = Driver(disk, Watch(disk.root, reactor), reactor, threads=4)
    driver.start()
    yield driver
    if isinstance(disk.steer, Stall):
        disk.steer.end()
    await driver.stop()


def disk_of(driver: Driver) -> TestDisk:
    assert isinstance(driver.filesystem, TestDisk)
    return driver.filesystem


def spooled(driver: Driver) -> list[str]:
    """Return the spool's files that are open."""
    root = disk_of(driver).root
    return [path for path in open_files() if path.startswith(f"{root}/spool/")]


async def content_of(driver: Driver, pieces: list[bytes]) -> Content:
    spool = Spool(driver, "spool")
    for piece in pieces:
        await spool.write(piece)
    return await spool.finish()


@given(sizes=st.lists(st.integers(0, 200 * K), max_size=8), at=st.floats(0, 1))
@settings(max_examples=30)
async def test_what_went_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], at: float
) -> None:
    """However the octets arrive, they are kept as they came, in memory or not."""
    root = tmp_path_factory.mktemp("spool")
    (root / "spool").mkdir()
    driver = Driver(TestDisk(str(root)), Watch(str(root), reactor), reactor, threads=2)
    driver.start()
    pieces = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    whole = b"".join(pieces)
    content = await content_of(driver, pieces)
    assert content.size == len(whole)
    assert content.crc == zlib.crc32(whole)
    assert content.in_memory == (len(whole) <= MEMORY_LIMIT)
    assert content.octets == (whole if content.in_memory else b"")
    assert await content.beginning() == whole[:MEMORY_LIMIT]
    assert content.digest == blake2b(whole, digest_size=16).digest()
    offset = int(at * len(whole))
    assert await driver.run(content.read(1000, offset)) == whole[offset : offset + 1000]
    assert await driver.run(content.read(len(whole), 0)) == whole
    content.discard()
    await driver.stop()


@pytest_twisted.ensureDeferred
async def test_memory_is_bounded(driver: Driver) -> None:
    """A message of 40 MB costs less than 2 MB of memory while it arrives."""
    spool = Spool(driver, "spool")
    piece = bytes(64 * K)
    tracemalloc.start()
    try:
        for _ in range(40 * 16):
            await spool.write(piece)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * K * K
    content = await spool.finish()
    assert content.size == 40 * K * K
    content.discard()


@given(sizes=st.lists(st.integers(1, 600 * K), min_size=2, max_size=8))
@settings(max_examples=20)
async def test_messages_share_a_file_and_the_memory(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    """However large, each is kept as it came: 256 KiB in memory, and one file."""
    root = tmp_path_factory.mktemp("spool")
    (root / "spool").mkdir()
    driver = Driver(TestDisk(str(root)), Watch(str(root), reactor), reactor, threads=2)
    driver.start()
    spool = Spool(driver, "spool")
    messages = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    contents = [await add(spool, message) for message in messages]
    assert len(spooled(driver)) == (sum(sizes) > MEMORY_LIMIT)
    assert sum(len(content.octets) for content in contents) <= MEMORY_LIMIT
    for message, content in zip(messages, contents, strict=True):
        assert (content.size, content.crc) == (len(message), zlib.crc32(message))
        assert content.digest == blake2b(message, digest_size=16).digest()
        # Nor does who asks for more see what lies behind it.
        assert await driver.run(content.read(700 * K, 0)) == message
        assert await driver.run(content.read(9, len(message) - 1)) == message[-1:]
        assert await driver.run(content.read(9, len(message) + 1)) == b""
        assert await content.beginning() == message[:MEMORY_LIMIT]
        content.discard()
    await until(lambda: not spooled(driver))
    await driver.stop()


async def add(spool: Spool, message: bytes) -> Content:
    for at in range(0, len(message), 64 * K):
        await spool.write(message[at : at + 64 * K])
    return await spool.finish()


@pytest.mark.parametrize("size", [K, 40 * K, 250 * K, 300 * K])
@pytest_twisted.ensureDeferred
async def test_many_messages_cost_as_much_as_one(driver: Driver, size: int) -> None:
    """64 of them take less than 800 KiB of memory while they come, and one file."""
    spool = Spool(driver, "spool")
    message = bytes(size)
    tracemalloc.start()
    try:
        contents = [await add(spool, message) for _ in range(64)]
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 800 * K
    assert held < 400 * K
    assert len(spooled(driver)) <= 1
    for content in contents:
        content.discard()


@pytest_twisted.ensureDeferred
async def test_the_last_message_closes_the_file(driver: Driver) -> None:
    """It is open as long as one of its messages is held; then there is a new one."""
    spool = Spool(driver, "spool")
    first, second = [await add(spool, bytes([n]) * 300 * K) for n in (1, 2)]
    second.hold()
    second.discard()
    first.discard()
    assert len(spooled(driver)) == 1
    assert await driver.run(second.read(3, 0)) == b"\2\2\2"
    second.release()
    await until(lambda: not spooled(driver))
    third = await add(spool, b"\3" * 300 * K)
    assert len(spooled(driver)) == 1
    assert await driver.run(third.read(300 * K, 0)) == b"\3" * 300 * K
    third.discard()
    await until(lambda: not spooled(driver))


@pytest_twisted.ensureDeferred
async def test_half_a_message_harms_no_other(driver: Driver) -> None:
    """What is thrown away while it is written touches those before and behind not."""
    spool = Spool(driver, "spool")
    before = await add(spool, b"\1" * 300 * K)
    disk_of(driver).steer = stall = Stall("pwrite")
    writing = ensureDeferred(spool.write(b"\2" * 300 * K))
    await until(lambda: stall.stopped)
    writing.cancel()
    with pytest.raises(CancelledError):
        await writing
    spool.discard()
    disk_of(driver).steer = None
    behind = await add(spool, b"\3" * 300 * K)
    stall.end()
    for content, octet in ((before, b"\1"), (behind, b"\3")):
        assert await driver.run(content.read(content.size, 0)) == octet * 300 * K
        content.discard()
    await until(lambda: not spooled(driver))


@pytest.mark.parametrize("finished", range(3))
@pytest.mark.parametrize("method", ["open", "pwrite"])
@pytest_twisted.ensureDeferred
async def test_cancelled_anywhere_it_gives_the_file_back(
    driver: Driver, method: str, finished: int
) -> None:
    """Whichever message is cut off, and in which call, nothing stays open."""
    for at_its_end in (False, True):
        spool = Spool(driver, "spool")
        contents = [await add(spool, bytes(300 * K)) for _ in range(finished)]
        if at_its_end:
            contents.append(await add(spool, bytes(250 * K)))
            await spool.write(bytes(30 * K))
        disk_of(driver).steer = stall = Stall(method)
        work = spool.finish() if at_its_end else spool.write(bytes(300 * K))
        busy: Deferred[Content | None] = Deferred.fromCoroutine(work)
        await until(lambda stall=stall, busy=busy: stall.stopped or busy.called)
        busy.cancel()
        with suppress(CancelledError):
            content = await busy
            assert finished, "the file is open by then"
            contents += [content] if content else []
        spool.discard()
        for content in contents:
            content.discard()
        stall.end()
        await until(lambda: not spooled(driver))
        await until(lambda: not driver.runs)


@pytest_twisted.ensureDeferred
async def test_a_small_message_opens_no_file(driver: Driver) -> None:
    """A message of 256 KiB never touches the disk."""
    disk_of(driver).steer = Fail("open", "", errno.EIO)
    content = await content_of(driver, [bytes(MEMORY_LIMIT)])
    assert content.in_memory
    content.hold()
    content.discard()
    content.release()


@pytest_twisted.ensureDeferred
async def test_a_large_one_leaves_no_name(driver: Driver) -> None:
    """The file has no name, so that a crash leaves nothing; it is closed once."""
    closed: list[str] = []
    content = await content_of(driver, [bytes(200 * K)] * 4)
    assert disk_of(driver).list_directory("spool") == []
    assert len(spooled(driver)) == 1
    disk_of(driver).steer = lambda method, _: (
        closed.append(method) if method == "close" else None
    )
    content.hold()
    content.hold()
    content.discard()
    assert await driver.run(content.read(10, 700 * K)) == bytes(10)
    content.release()
    assert len(spooled(driver)) == 1, "somebody still holds it"
    content.release()
    await until(lambda: not spooled(driver))
    await until(lambda: not driver.runs)
    assert closed == ["close"]


@pytest_twisted.ensureDeferred
async def test_discarded_while_it_is_written(driver: Driver) -> None:
    """A spool that is thrown away in a write closes its file after the write."""
    disk_of(driver).steer = stall = Stall("pwrite")
    spool = Spool(driver, "spool")
    writing = ensureDeferred(spool.write(bytes(300 * K)))
    await until(lambda: stall.stopped)
    writing.cancel()
    with pytest.raises(CancelledError):
        await writing
    spool.discard()
    spool.discard()
    assert len(spooled(driver)) == 1, "a thread writes into it"
    stall.end()
    await until(lambda: not spooled(driver))


@pytest_twisted.ensureDeferred
async def test_an_error_is_told_and_nothing_is_left(driver: Driver) -> None:
    """Where the disk is full the writer is told, and nothing stays open."""
    for method in ("open", "pwrite"):
        disk_of(driver).steer = Fail(method, "spool", errno.ENOSPC)
        spool = Spool(driver, "spool")
        if method == "pwrite":
            disk_of(driver).steer = fail_writes
        with pytest.raises(DiskFull):
            await spool.write(bytes(300 * K))
        spool.discard()
        await until(lambda: not driver.runs)
        assert spooled(driver) == []


def fail_writes(method: str, _: str) -> None:
    if method == "pwrite":
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EIO, StoreFailure),
        (errno.ENOENT, StoreFailure),
        (errno.ESHUTDOWN, StoreFenced),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_the_disk_says_is_told_in_words(
    driver: Driver, number: int, told: type[MailError]
) -> None:
    """What becomes of a message's file is told as of any other mail."""
    disk_of(driver).steer = Fail("open", "spool", number)
    spool = Spool(driver, "spool")
    with pytest.raises(told) as caught:
        await spool.write(bytes(300 * K))
    assert type(caught.value) is told
    spool.discard()


@pytest_twisted.ensureDeferred
async def test_a_finished_spool_has_nothing_to_throw_away(driver: Driver) -> None:
    """Discarding a spool that was finished does not touch the content."""
    spool = Spool(driver, "spool")
    await spool.write(bytes(300 * K))
    await spool.write(b"end")
    content = await spool.finish()
    spool.discard()
    assert await driver.run(content.read(3, 300 * K)) == b"end"
    content.discard()
    await until(lambda: not spooled(driver))


def test_memory_content_is_whole() -> None:
    """What is in memory already is a content, too."""
    content = MemoryContent(b"abc")
    assert (content.size, content.crc) == (3, zlib.crc32(b"abc"))
    assert content.in_memory
