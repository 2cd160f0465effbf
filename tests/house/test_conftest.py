"""The rules that tests/conftest.py lays on every test, seen from outside."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
QUIETLY = ("-W", "ignore::pytest.PytestUnknownMarkWarning")


def run(tmp_path: Path, source: str, **environment: str) -> str:
    """Run one test file under our conftest and return what pytest said."""
    shutil.copy(CONFTEST, tmp_path / "conftest.py")
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "test_it.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-qp", "no:cacheprovider", *QUIETLY, "."],
        cwd=tmp_path,
        env={**os.environ, "IMAPBOX_REQUIRE_INTEROP": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


LEAVES_THINGS = """
import pytest_twisted
from twisted.internet import reactor, defer
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

@pytest_twisted.ensureDeferred
async def test_timer():
    reactor.callLater(1000, lambda: None)

@pytest_twisted.ensureDeferred
async def test_port():
    reactor.listenTCP(0, Factory(), interface="127.0.0.1")

@pytest_twisted.ensureDeferred
async def test_error():
    try:
        1 / 0
    except ZeroDivisionError:
        Logger().failure("oops")

@pytest_twisted.inlineCallbacks
def test_unhandled():
    defer.fail(ValueError("nobody listens"))
    yield None

async def test_undecorated():
    reactor.callLater(1001, lambda: None)

@pytest_twisted.ensureDeferred
async def test_expected(logged_errors):
    Logger().failure("meant", Failure(ValueError()))
    assert len(logged_errors) == 1
    logged_errors.clear()

@pytest_twisted.ensureDeferred
async def test_tidy():
    port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
    reactor.callLater(0, lambda: None)
    await port.stopListening()
"""


@pytest.mark.slow
def test_a_test_that_leaves_something_fails(tmp_path: Path) -> None:
    """A leftover timer, port, logged or unhandled error fails its own test."""
    said = run(tmp_path, LEAVES_THINGS)
    for name in ("timer", "port", "error", "unhandled", "undecorated"):
        assert f"ERROR unit/test_it.py::test_{name} " in said, said
    assert "7 passed, 5 errors" in said, said


NEEDS_A_PROGRAM = """
def test_it(require_program):
    require_program("no-such-program")
def test_there(require_program):
    assert require_program("sh").endswith("/sh")
"""


@pytest.mark.slow
def test_a_missing_program_skips_its_test(tmp_path: Path) -> None:
    """A test whose program is absent is skipped."""
    assert "1 passed, 1 skipped" in run(tmp_path, NEEDS_A_PROGRAM)


@pytest.mark.slow
def test_a_missing_program_fails_in_ci(tmp_path: Path) -> None:
    """Where CI says that the programs are there, an absent one is a failure."""
    said = run(tmp_path, NEEDS_A_PROGRAM, IMAPBOX_REQUIRE_INTEROP="1")
    assert "1 failed, 1 passed" in said
    assert "no-such-program is not installed" in said


@pytest.mark.slow
def test_the_seed_makes_the_same_run(tmp_path: Path) -> None:
    """The seed is printed, and given back makes the same numbers."""
    said = run(tmp_path, "def test_it(seed):\n    assert seed < 0\n", IMAPBOX_SEED="7")
    assert "IMAPBOX_SEED=7" in said
    (number,) = {
        line for line in said.splitlines() if line.startswith("E       assert")
    }
    shutil.rmtree(tmp_path / "unit")
    again = run(tmp_path, "def test_it(seed):\n    assert seed < 0\n", IMAPBOX_SEED="7")
    assert number in again
