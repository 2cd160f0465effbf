"""Endpoint strings."""

import pytest
from twisted.internet import tcp
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from imapbox.app.listeners import (
    BACKLOG,
    BadEndpoint,
    accept_few,
    server_endpoint,
    with_backlog,
)


@pytest.mark.parametrize(
    ("description", "meant"),
    [
        ("tcp:143", f"tcp:143:backlog={BACKLOG}"),
        ("tcp:143:interface=127.0.0.1", None),
        ("tcp:port=143:interface=\\:\\:1", None),
        ("tcp6:143", None),
        ("tcp:143:127.0.0.1", None),
        ("unix:/run/lmtp.sock:mode=660", None),
        ("unix:/run/a\\:b", None),
        ("tcp:143:backlog=5", "tcp:143:backlog=5"),
        ("tcp:143:127.0.0.1:5", "tcp:143:127.0.0.1:5"),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
    ],
)
def test_a_burst_of_clients_finds_room(description: str, meant: str | None) -> None:
    """A backlog is added where there can be one and none was given."""
    assert with_backlog(description) == (meant or f"{description}:backlog={BACKLOG}")


@pytest.mark.parametrize(
    ("description", "servers"),
    [
        ("tcp:0:interface=127.0.0.1", "tcpServers"),
        ("tcp:port=0", "tcpServers"),
        ("tcp6:0", "tcpServers"),
        ("unix:/no/such:mode=660", "unixServers"),
        ("haproxy:tcp:0", "tcpServers"),
        ("haproxy:unix:/no/such", "unixServers"),
    ],
)
def test_the_backlog_reaches_the_socket(description: str, servers: str) -> None:
    """The kernel is told to queue at least 1024 clients."""
    reactor = MemoryReactor()
    server_endpoint(reactor, description).listen(Factory())
    ((_, _, backlog, *_),) = getattr(reactor, servers)
    assert backlog >= 1024


@pytest.mark.parametrize(
    "description",
    [
        "",
        "143",
        "tcp:",
        "tcp:http",
        "nope:1",
        "unix",
        "ssl:1",
        "tcp:1:x=2",
        "haproxy:",
        "haproxy:143",
    ],
)
def test_what_is_no_endpoint_is_told(description: str) -> None:
    """Whatever can not be listened on is one error, that says what could be."""
    with pytest.raises(BadEndpoint) as told:
        server_endpoint(MemoryReactor(), description)
    assert told.value.description == description
    assert "tcp:143" in str(told.value)


class Backlog(tcp.Port):
    """A port at which more wait than can be accepted at once."""

    def __init__(self) -> None:
        super().__init__(0, Factory())
        self.numberAccepts = 100
        self.accepted: list[int] = []

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        # As Twisted's does: when it could do all, it will do more.
        self.accepted.append(self.numberAccepts)
        self.numberAccepts += 20


def test_few_are_accepted_in_one_turn() -> None:
    """However many connect at once, others have their turn behind twenty of them."""
    port = Backlog()
    accept_few(port)
    for _ in range(3):
        port.doRead()
    assert port.accepted == [20, 20, 20]
