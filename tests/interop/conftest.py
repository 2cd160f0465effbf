"""Real programs for the interop tests. Each starts with its test and ends with it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.servers import Server, dovecot, imapbox, short_directory
from tests.support.postfix import Postfix, postfix

UNTIL_IT_SERVES = pytest.mark.xfail(
    strict=False, reason="the twistd plugin is being built"
)
PASSWORDS = {"alice": "wonderland", "bob": "builder", "carol": "christmas"}


@pytest.fixture
def require_root() -> Callable[[], None]:
    """Skip the test, or fail it in CI, where Postfix and Dovecot can't run."""

    def check() -> None:
        if os.geteuid() == 0:
            return
        reason = "Postfix and Dovecot are started by root only"
        if os.environ.get("IMAPBOX_REQUIRE_INTEROP"):
            pytest.fail(f"{reason}, and IMAPBOX_REQUIRE_INTEROP is set", pytrace=False)
        pytest.skip(reason)

    return check


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory with a short path that every user may enter, unlike tmp_path."""
    with short_directory() as path:
        yield path


@pytest.fixture
def imapbox_server(open_directory: Path) -> Iterator[Server]:
    """imapbox as two processes on one store: one for IMAP, another for LMTP."""
    with imapbox(open_directory / "imapbox", PASSWORDS) as server:
        yield server


@pytest.fixture
def dovecot_server(
    open_directory: Path,
    require_program: Callable[[str], str],
    require_root: Callable[[], None],
) -> Iterator[Server]:
    """The machine's own Dovecot, with the users that imapbox has."""
    require_root()
    require_program("dovecot")
    require_program("imap")
    require_program("lmtp")
    with dovecot(open_directory / "dovecot", PASSWORDS) as server:
        yield server


@pytest.fixture
def start_postfix(
    require_program: Callable[[str], str], require_root: Callable[[], None]
) -> Callable[[str], AbstractContextManager[Postfix]]:
    """Return `tests.support.postfix.postfix`, if there is a Postfix to run."""
    require_root()
    require_program("postfix")
    return postfix
