"""One real server for all attacks; each must leave it, and its others, unharmed."""

from collections.abc import Iterator

import pytest

from benchmarks.processes import alive
from benchmarks.servers import Server, imapbox, short_directory
from tests.support.users import PASSWORDS
from tests.support.victim import BOUND, Canary, client_of


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
    with Canary(victim, "carol") as canary:
        yield
    assert all(map(alive, victim.roots))
    assert "Traceback" not in victim.log.read_text()
    assert canary.error is None
    assert canary.asked > 0
    assert canary.worst < BOUND
