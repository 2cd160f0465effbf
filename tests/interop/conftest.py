"""Real programs for the interop tests. Each starts with its test and ends with it."""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server, dovecot, imapbox, short_directory
from benchmarks.tracing import traced
from tests.support import clients_page
from tests.support.command import run
from tests.support.disk_calls import DiskCall
from tests.support.missing import give_up
from tests.support.overhearing import overhearing
from tests.support.postfix import Postfix, postfix
from tests.support.strace import OPTIONS, parse_strace
from tests.support.users import PASSWORDS

StartServer = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def require_root() -> Callable[[], None]:
    """Skip the test, or fail it in CI, where Postfix and Dovecot can't run."""

    def check() -> None:
        if os.geteuid() == 0:
            return
        give_up("Postfix and Dovecot are started by root only")

    return check


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory with a short path that every user may enter, unlike tmp_path."""
    with short_directory() as path:
        yield path


@pytest.fixture(scope="module")
def store_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which ana and bob have accounts, not to be changed."""
    store = tmp_path_factory.mktemp("made") / "store"
    for user in ("ana", "bob"):
        assert run("user add", store, user)[0] == 0
    return store


@contextmanager
def started(directory: Path, *, deliverers: int = 1) -> Iterator[Server]:
    """Start imapbox with `PASSWORDS`; ``deliverers`` as `benchmarks.servers` has it.

    All that it says over IMAP is held to the grammar. That, and what its
    processes logged, is shown if the test fails.
    """
    with (
        imapbox(directory / "imapbox", PASSWORDS, deliverers=deliverers) as server,
        overhearing(server.imap) as heard,
    ):
        try:
            yield dataclasses.replace(server, imap=heard.address)
        finally:
            sys.stdout.write(heard.transcript())
            sys.stdout.write(server.log.read_text(errors="replace"))


@pytest.fixture
def start_imapbox(open_directory: Path) -> StartServer:
    """Return `started`, for a directory of the test's own."""
    return partial(started, open_directory)


@pytest.fixture
def client_page(
    request: pytest.FixtureRequest, tell: Callable[[object], None]
) -> Callable[[str, str], None]:
    """Return what takes a client's name and version for the page of clients."""

    def take(name: str, version: str) -> None:
        tell(f"{name} {version}")
        clients_page.say(request.node, name, version)

    return take


@pytest.fixture(scope="session", params=[True, False], ids=["named", "nameless"])
def named(request: pytest.FixtureRequest) -> bool:
    """Whether the client says, by XFORWARD, which message it sends."""
    return bool(request.param)


@pytest.fixture(scope="session")
def traced_delivery(
    require_program: Callable[[str], str], named: bool
) -> list[DiskCall]:
    """The calls on the store that the second delivery to a mailbox makes."""
    require_program("strace")
    wire = stuffed(b"Subject: traced\r\n\r\nHello.\r\n")
    with (
        short_directory() as directory,
        started(directory) as server,
        LmtpClient(server.lmtp) as client,
    ):
        _say_ident(client, "1", named=named)
        client.must_deliver(wire, "alice")  # what a mailbox costs once
        _say_ident(client, "2", named=named)
        text = traced(
            lambda: client.must_deliver(wire, "alice"), server.roots[1:], *OPTIONS
        )
        return parse_strace(text, server.store)


def _say_ident(client: LmtpClient, ident: str, *, named: bool) -> None:
    if named:
        client.send(f"XFORWARD IDENT={ident}\r\n".encode())
        assert client.reply().startswith(b"250")


@pytest.fixture
def imapbox_server(start_imapbox: StartServer) -> Iterator[Server]:
    """imapbox as two processes on one store: one for IMAP, another for LMTP."""
    with start_imapbox() as server:
        yield server


@pytest.fixture
def imapbox_in_one(start_imapbox: StartServer) -> Iterator[Server]:
    """imapbox as one process, where that is enough."""
    with start_imapbox(deliverers=0) as server:
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
        sys.stdout.write(server.log.read_text(errors="replace"))


@pytest.fixture
def start_postfix(
    require_program: Callable[[str], str], require_root: Callable[[], None]
) -> Callable[[str], AbstractContextManager[Postfix]]:
    """Return `tests.support.postfix.postfix`, if there is a Postfix to run."""
    require_root()
    require_program("postfix")
    return postfix
