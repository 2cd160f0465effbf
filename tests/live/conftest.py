"""Real processes that share a store."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.mail_store import open_store  # noqa: F401 - a fixture

HERE = Path(__file__).parent
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start one of this directory's programs; it does not survive the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(program: str, *arguments: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, HERE / program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=HERE.parents[1],
            env={"PYTHONPATH": str(HERE.parents[1])},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
