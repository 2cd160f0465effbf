"""Hints that a file was written: several listeners, and what becomes of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import inotify
from twisted.python._inotify import INotifyError

from imapbox.disk.watch import Watch
from tests.support.waiting import open_files, reactor, turn, until


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"")
    watch = Watch(str(tmp_path), reactor)
    yield watch
    watch.close()


@pytest_twisted.ensureDeferred
async def test_all_listeners_of_a_file_hear(watch: Watch, tmp_path: Path) -> None:
    """Each listener of a file hears a write to it, and to no other file."""
    told: list[str] = []
    stops = [
        watch.listen("a", lambda: told.append("first")),
        watch.listen("a", lambda: told.append("second")),
        watch.listen("b", lambda: told.append("other")),
    ]
    (tmp_path / "a").write_bytes(b"x")
    await until(lambda: len(told) >= 2)
    assert set(told) == {"first", "second"}
    for stop in stops:
        stop()
    watch.close()


@pytest_twisted.ensureDeferred
async def test_who_stops_hears_no_more(watch: Watch, tmp_path: Path) -> None:
    """Who stops hears nothing; those who stay go on."""
    told: list[str] = []
    stop = watch.listen("a", lambda: told.append("first"))
    stop_other = watch.listen("a", lambda: told.append("second"))
    stop()
    (tmp_path / "a").write_bytes(b"x")
    await until(lambda: bool(told))
    assert set(told) == {"second"}
    stop_other()
    assert not watch.listens_to("a")
    watch.close()


@pytest_twisted.ensureDeferred
async def test_one_listener_may_stop_another(watch: Watch, tmp_path: Path) -> None:
    """A listener that another one stopped just now is not called."""
    told: list[str] = []

    def first() -> None:
        told.append("first")
        stop_second()

    stop_first = watch.listen("a", first)
    stop_second = watch.listen("a", lambda: told.append("second"))
    (tmp_path / "a").write_bytes(b"x")
    await until(lambda: bool(told))
    assert told == ["first"]
    stop_first()
    watch.close()


@pytest_twisted.ensureDeferred
async def test_a_removed_file_costs_others_nothing(
    watch: Watch, tmp_path: Path
) -> None:
    """When a watched file is removed, listeners of other files still hear."""
    told: list[str] = []
    stop_a = watch.listen("a", lambda: told.append("a"))
    stop_b = watch.listen("b", lambda: told.append("b"))
    (tmp_path / "a").unlink()
    for _ in range(10):
        await turn()
    told.clear()
    (tmp_path / "b").write_bytes(b"x")
    await until(lambda: "b" in told)
    stop_a()
    stop_b()
    watch.close()


@pytest_twisted.ensureDeferred
async def test_a_file_that_cannot_be_watched_is_not_an_error(watch: Watch) -> None:
    """Listening to what is not there says nothing, and can be stopped."""
    stop = watch.listen("missing", lambda: None)
    stop()
    watch.close()


@pytest_twisted.ensureDeferred
async def test_without_inotify_nothing_is_told(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel gives no queue, listening does nothing, quietly."""

    def refuse() -> int:
        raise INotifyError("no more queues")

    monkeypatch.setattr(inotify.INotify._inotify, "init", refuse)
    watch.listen("a", lambda: None)()


@pytest_twisted.ensureDeferred
async def test_an_overflow_is_survived(watch: Watch, tmp_path: Path) -> None:
    """After the kernel dropped events, later ones are told."""
    told: list[str] = []
    stop = watch.listen("a", lambda: told.append("a"))
    # What the kernel writes then: wd -1, IN_Q_OVERFLOW, no name.
    watch._queue._doRead(b"\xff\xff\xff\xff\x00\x40\x00\x00" + bytes(8))
    (tmp_path / "a").write_bytes(b"x")
    await until(lambda: bool(told))
    stop()
    watch.close()


@pytest_twisted.ensureDeferred
async def test_closing_gives_the_descriptor_back(watch: Watch) -> None:
    """Closing gives the queue's descriptor back; listeners may stop later."""
    before = len(open_files())
    stop = watch.listen("a", lambda: None)
    watch.close()
    stop()
    await until(lambda: len(open_files()) <= before)
