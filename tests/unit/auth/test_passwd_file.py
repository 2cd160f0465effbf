"""A passwd-file that is read again when it changes."""

import os
import time
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, execute

from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.auth.passwd_file import PasswdFile, Users

LATER = 1e12  # so that every file was written long ago


class Inline:
    """Threads that are none: work is done at once, or when told to."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.held: list[tuple[Deferred[None], object]] | None = None

    def run(self, work, *args):
        self.done.append(work)
        if self.held is None:
            return execute(work, *args)
        gate: Deferred[None] = Deferred()
        self.held.append(gate)
        return gate.addCallback(lambda _: work(*args))

    def release(self) -> None:
        held, self.held = self.held, None
        for gate in held or ():
            gate.callback(None)


def now(coroutine) -> Users:
    """Return what a coroutine ended with, which it must have done."""
    results: list[object] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    (result,) = results
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "passwd"
    path.write_text("ana:{PLAIN}x\n")
    return path


@pytest.fixture
def threads() -> Inline:
    return Inline()


def test_an_unchanged_file_is_read_once(path: Path, threads: Inline) -> None:
    """A file that does not change costs one stat a use, and no reading."""
    file = PasswdFile(path, threads, now=lambda: LATER)
    assert set(now(file.users()).hashes) == {"ana"}
    read = len(threads.done)
    for _ in range(3):
        now(file.users())
    assert len(threads.done) == read


def test_a_change_is_seen_at_the_next_use(path: Path, threads: Inline) -> None:
    """What is in the file when it is asked for is what counts."""
    changes: list[None] = []
    file = PasswdFile(
        path, threads, changed=lambda: changes.append(None), now=lambda: LATER
    )
    now(file.users())
    path.write_text("bob:{PLAIN}longer\n")
    assert set(now(file.users()).hashes) == {"bob"}
    other = path.with_name("other")
    other.write_text("eve:{PLAIN}longer\n")
    other.replace(path)
    assert set(now(file.users()).hashes) == {"eve"}
    assert len(changes) == 3


def test_a_second_write_in_the_same_tick_is_seen(
    path: Path, threads: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same size, same times, same inode: a young file is read all the same."""
    monkeypatch.setattr("imapbox.auth.passwd_file._signature", lambda _: (0,) * 5)
    file = PasswdFile(path, threads, now=time.time)
    now(file.users())
    path.write_text("eve:{PLAIN}x\n")
    assert set(now(file.users()).hashes) == {"eve"}


def test_a_file_that_only_was_touched_drops_no_cache(
    path: Path, threads: Inline
) -> None:
    """Whether the file changed is decided by what it says."""
    changes: list[None] = []
    file = PasswdFile(
        path, threads, changed=lambda: changes.append(None), now=lambda: LATER
    )
    now(file.users())
    os.utime(path, (1, 1))
    now(file.users())
    assert len(changes) == 1


def test_a_file_that_can_not_be_read_is_no_empty_file(
    path: Path, threads: Inline
) -> None:
    """While the file is missing nobody is unknown; it is asked for again."""
    file = PasswdFile(path, threads, now=lambda: LATER)
    now(file.users())
    path.unlink()
    for _ in range(2):
        with pytest.raises(AuthenticationUnavailable):
            now(file.users())
    path.write_text("ana:{PLAIN}x\n")
    assert set(now(file.users()).hashes) == {"ana"}


def test_many_at_once_share_a_reading(path: Path, threads: Inline) -> None:
    """However many ask at once, the file is read twice at most."""
    file = PasswdFile(path, threads, now=lambda: 0.0)
    threads.held = []
    asked = [Deferred.fromCoroutine(file.users()) for _ in range(20)]
    threads.release()
    assert all(set(each.result.hashes) == {"ana"} for each in asked)
    assert [work.__name__ for work in threads.done].count("_read_file") == 2


def test_who_asks_gets_nothing_older_than_the_question(
    path: Path, threads: Inline
) -> None:
    """A reading that began before the change does not answer who asks after it."""
    file = PasswdFile(path, threads, now=lambda: 0.0)
    content = iter([b"old:{PLAIN}x\n", b"new:{PLAIN}x\n"])
    threads.run = lambda work, *args: (
        gates.setdefault(len(gates), Deferred())
        if work.__name__ == "_read_file"
        else execute(work, *args)
    )
    gates: dict[int, Deferred[object]] = {}
    first = Deferred.fromCoroutine(file.users())
    second = Deferred.fromCoroutine(file.users())
    gates[0].callback((path.stat(), next(content)))
    assert set(first.result.hashes) == {"old"}
    assert not second.called
    gates[1].callback((path.stat(), next(content)))
    assert set(second.result.hashes) == {"new"}


def test_giving_up_lets_the_next_read(path: Path, threads: Inline) -> None:
    """One who asked and went away keeps nobody else from reading."""
    file = PasswdFile(path, threads, now=lambda: LATER)
    threads.held = []
    first = Deferred.fromCoroutine(file.users())
    second = Deferred.fromCoroutine(file.users())
    first.addErrback(lambda _: None)
    first.cancel()
    threads.held = [threads.held[-1]]
    threads.release()
    assert set(second.result.hashes) == {"ana"}
