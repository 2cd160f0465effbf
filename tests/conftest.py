"""What all tests share: seeds, effort, real programs, and a clean reactor."""

import gc
import importlib.metadata
import inspect
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
import pytest_twisted
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import (
    LogEvent,
    formatEvent,
    globalLogBeginner,
    globalLogPublisher,
)

from tests.support.memory import DISK, directory_in_memory, has_room
from tests.support.missing import give_up
from tests.support.response_checker import SHAPES

TESTS = Path(__file__).parent
EFFORT = int(os.environ.get("IMAPBOX_EFFORT") or 1)
QUICK = ("unit", "house")
SEED = pytest.StashKey[int]()
MEMORY = pytest.StashKey[ExitStack]()
TOLD = "told"
FINISHED = count(1)

# The machine may be busy: how long an example took says nothing.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    max_examples=50 if EFFORT == 1 else 100 * EFFORT,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Twisted keeps what is logged before there is a log, and with each failure
    # the frames that it went through: whole stores of tests that are over.
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    # pytest asks for Twisted's version at each test, which is read from a page of
    # text: half of what a small test costs.
    importlib.metadata.version = cache(importlib.metadata.version)
    config.addinivalue_line("markers", "slow: over two seconds; not in `make quick`")
    given = getattr(config, "workerinput", {}).get("seed")
    given = given or os.environ.get("IMAPBOX_SEED")
    config.stash[SEED] = int(given or random.SystemRandom().getrandbits(32))
    config.stash[MEMORY] = ExitStack()
    chosen = config.option.basetemp or os.environ.get("TMPDIR")
    # pytest-xdist's workers have what the one that starts them has.
    if not chosen and has_room():
        path = config.stash[MEMORY].enter_context(directory_in_memory())
        config.option.basetemp = str(path / "pytest")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[MEMORY].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All of pytest-xdist's workers have one seed."""
    node.workerinput["seed"] = node.config.stash[SEED]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = item.path.relative_to(TESTS).parts[0]
        if kind == "interop":
            item.add_marker("interop")
        elif kind in QUICK and item.get_closest_marker("slow") is None:
            item.add_marker("quick")


def pytest_collection_finish() -> None:
    """Spare the collector what was loaded: `tidy_reactor` calls it for each test."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logfinish() -> None:
    """Spare it what tests keep for all others, too: parsed grammars, modules."""
    if next(FINISHED) % 100 == 0:
        gc.collect()
        gc.freeze()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    reports = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "teardown"
    ]
    told = [
        f"{report.nodeid.rpartition('::')[2]}: {line}"
        for report in reports
        for name, line in report.user_properties
        if name == TOLD
    ]
    if told:
        terminalreporter.section("what was looked at")
    for line in told:
        terminalreporter.write_line(line)
    seed = config.stash[SEED]
    terminalreporter.write_line(f"seed {seed}: IMAPBOX_SEED={seed} makes the same run")


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Return what takes a line for the end of the run: counts, figures."""

    def take(line: object) -> None:
        request.node.user_properties.append((TOLD, str(line)))

    return take


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number that differs from run to run and from test to test."""
    return random.Random(
        f"{request.config.stash[SEED]} {request.node.nodeid}"
    ).getrandbits(32)


@pytest.fixture(scope="session")
def effort() -> int:
    """By how much a random test may multiply its rounds: 1, or 20 for torture."""
    return EFFORT


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """Find a real program, or skip the test; fail where CI installed it."""

    def find(name: str) -> str:
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/lib/dovecot"
        if found := shutil.which(name, path=path):
            return found
        give_up(f"{name} is not installed")
        return None

    return find


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A directory on the machine's own disk: tmp_path may be in memory."""
    with TemporaryDirectory(dir=os.environ.get(DISK)) as path:
        yield Path(path)


@pytest.fixture
def logged_errors() -> list[LogEvent]:
    """The errors that were logged in this test; clear it if they were meant."""
    return []


@pytest.fixture(autouse=True)
def every_response_parses() -> Iterator[None]:
    """Fail a test in which a server said what the grammar has no rule for.

    A test that wants faults takes them from `SHAPES`.
    """
    SHAPES.take_faults()
    yield
    if faults := SHAPES.take_faults():
        pytest.fail("\n".join(faults), pytrace=False)


def _left_behind(before: set[object], reactor: object) -> list[object]:
    # What a wider fixture has done again and again has another call each time.
    functions = (getattr(call, "func", None) for call in before)
    looping = {each for each in functions if isinstance(each, LoopingCall)}
    return [
        *(
            call
            for call in reactor.getDelayedCalls()
            if call not in before and call.func not in looping
        ),
        *(each for each in reactor.getReaders() if each not in before),
        *(each for each in reactor.getWriters() if each not in before),
    ]


@pytest.fixture(autouse=True)
def tidy_reactor(
    request: pytest.FixtureRequest, logged_errors: list[LogEvent]
) -> Iterator[None]:
    """Fail a test on the real reactor that leaves timers, sockets or errors.

    Trial does so; pytest-twisted doesn't.
    """
    function = getattr(request.node, "obj", None)
    asynchronous = inspect.iscoroutinefunction(function)
    if not asynchronous and not hasattr(function, "_pytest_twisted_mark"):
        yield
        return
    from twisted.internet import reactor  # noqa: PLC0415, TID251 - pytest-twisted's

    def observe(event: LogEvent) -> None:
        if event.get("log_failure") is not None or event.get("isError"):
            logged_errors.append(event)

    # The reactor's own readers come with its first turn.
    pytest_twisted.blockon(deferLater(reactor, 0))
    before: set[object] = {
        *reactor.getDelayedCalls(),
        *reactor.getReaders(),
        *reactor.getWriters(),
    }
    globalLogPublisher.addObserver(observe)
    try:
        yield
        # What was closed needs a few turns to be gone.
        for _ in range(20):
            if not _left_behind(before, reactor):
                break
            pytest_twisted.blockon(deferLater(reactor, 0.001))
        gc.collect()  # an unhandled error in a Deferred is logged when it goes
    finally:
        globalLogPublisher.removeObserver(observe)
    if left := _left_behind(before, reactor):
        pytest.fail(f"left in the reactor: {left}", pytrace=False)
    if logged_errors:
        texts = "\n".join(
            event["log_failure"].getTraceback()
            if event.get("log_failure")
            else formatEvent(event)
            for event in logged_errors
        )
        pytest.fail(f"errors were logged:\n{texts}", pytrace=False)
