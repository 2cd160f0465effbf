"""One real server for all attacks; each must leave it, and its others, unharmed."""

from collections.abc import Iterator

import pytest

from benchmarks.servers import Server, imapbox, short_directory
from tests.support.users import PASSWORDS
from tests.support.victim import client_of, unharmed_by_it


@pytest.fixture(scope="session")
def victim() -> Iterator[Server]:
    """imapbox as one process that serves IMAP and LMTP."""
    with (
        short_directory() as directory,
        imapbox(directory / "store", PASSWORDS, deliverers=0) as server,
    ):
        for user in PASSWORDS:
            client_of(server, user).close()
        yield server


@pytest.fixture(autouse=True)
def unharmed(victim: Server) -> Iterator[None]:
    """Fail an attack that another client felt, that left a traceback, or an end."""
    with unharmed_by_it(victim, "carol"):
        yield
