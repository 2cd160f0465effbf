"""The threads that passwords are checked in."""

import threading

import pytest
import pytest_twisted
from twisted.internet import reactor  # noqa: TID251 - pytest-twisted's
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.python.failure import Failure

from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.auth.threads import AuthThreads


@pytest.fixture
def threads():
    threads = AuthThreads(reactor, threads=1, most=3)
    yield threads
    threads.close()


@pytest_twisted.ensureDeferred
async def test_work_is_done_beside_the_reactor(threads: AuthThreads) -> None:
    """Checking a password does not stop the reactor; errors come back."""
    assert await threads.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)


@pytest_twisted.ensureDeferred
async def test_a_full_queue_refuses(threads: AuthThreads) -> None:
    """More at once than allowed are refused at once, and room comes back."""
    gate = threading.Event()
    waiting = [threads.run(gate.wait, 30) for _ in range(3)]
    with pytest.raises(AuthenticationUnavailable):
        await threads.run(int)
    gate.set()
    await gatherResults(waiting)
    assert await threads.run(int) == 0


@pytest_twisted.ensureDeferred
async def test_nobody_works_for_one_who_left(threads: AuthThreads) -> None:
    """A login given up while it waits costs nothing; its place comes back."""
    gate = threading.Event()
    done: list[int] = []
    first = threads.run(gate.wait, 30)
    second: Deferred[None] = threads.run(done.append, 2)
    second.cancel()
    with pytest.raises(CancelledError):
        await second
    gate.set()
    await first
    await gatherResults([threads.run(done.append, number) for number in (3, 4)])
    assert done == [3, 4]


@pytest_twisted.ensureDeferred
async def test_who_left_keeps_nobody_out(threads: AuthThreads) -> None:
    """What was given up before it began has left its place, however long the queue."""
    gate = threading.Event()
    first = threads.run(gate.wait, 30)
    for _ in range(100):
        given_up = threads.run(int)
        given_up.cancel()
        with pytest.raises(CancelledError):
            await given_up
    waiting = [threads.run(int) for _ in range(2)]
    with pytest.raises(AuthenticationUnavailable):
        await threads.run(int)
    gate.set()
    await first
    assert await gatherResults(waiting) == [0, 0]


@pytest_twisted.ensureDeferred
async def test_what_runs_keeps_its_place(threads: AuthThreads) -> None:
    """A thread that is at work can't be stopped; who gives up on it frees nothing."""
    gate, begun = threading.Event(), Deferred[None]()

    def work() -> None:
        reactor.callFromThread(begun.callback, None)
        gate.wait(30)

    running = threads.run(work)
    await begun
    running.cancel()
    with pytest.raises(CancelledError):
        await running
    waiting = [threads.run(int) for _ in range(2)]
    with pytest.raises(AuthenticationUnavailable):
        await threads.run(int)
    gate.set()
    assert await gatherResults(waiting) == [0, 0]


@pytest_twisted.ensureDeferred
async def test_what_waits_at_the_end_is_told(threads: AuthThreads) -> None:
    """A login that waits when the server ends is one that could not be tried."""
    gate, begun = threading.Event(), Deferred[None]()

    def work() -> bool:
        reactor.callFromThread(begun.callback, None)
        return gate.wait(30)

    running, waiting = threads.run(work), threads.run(int)
    await begun

    def let_it_end(failure: Failure) -> Failure:
        gate.set()
        return failure

    waiting.addErrback(let_it_end)
    threads.close()
    with pytest.raises(AuthenticationUnavailable):
        await waiting
    assert await running


@pytest_twisted.ensureDeferred
async def test_closing_gives_the_threads_back() -> None:
    """After closing no thread is left, and what comes later is refused."""
    before = threading.active_count()
    threads = AuthThreads(reactor)
    await gatherResults([threads.run(int) for _ in range(9)])
    assert threading.active_count() > before
    threads.close()
    assert threading.active_count() == before
    with pytest.raises(AuthenticationUnavailable):
        await threads.run(int)


def test_no_thread_before_the_first_login() -> None:
    """twistd forks after the checker was made: no thread may exist by then."""
    before = threading.active_count()
    AuthThreads(reactor).close()
    assert threading.active_count() == before


@pytest_twisted.ensureDeferred
async def test_a_thread_that_can_not_be_started_costs_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the system has none to give a login is put off, and the next is not."""
    threads = AuthThreads(reactor, threads=1, most=3)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", start)
        system.setattr(threads._threads, "patience", 0.0)
        for _ in range(4):
            with pytest.raises(AuthenticationUnavailable):
                await threads.run(int)
    assert await threads.run(int) == 0
    threads.close()
