"""Where to listen: Twisted's endpoint strings, with a backlog for busy days."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint

from imapbox.app.proxies import behind_proxies
from imapbox.lmtp.trust import LOOPBACK, Network

# Twisted's own 50 let a burst of clients run into a full queue.
BACKLOG: Final = 1024
# Twisted takes in hundreds in one turn when many come, a quarter of a
# millisecond each.
ACCEPTS: Final = 20
# Port or path, then one more; the backlog would be the third by position.
_BEFORE_BACKLOG: Final = 2

_TAKES_BACKLOG = re.compile(r"(?:tcp|tcp6|ssl|tls|unix):")
# Twisted's own would believe everybody.
_BEHIND_PROXIES: Final = "haproxy:"
_COLON: Final = re.compile(r"(?<!\\):")


class BadEndpoint(Exception):
    """An endpoint string means nothing; says what one would be."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description

    def __str__(self) -> str:
        return "no endpoint to listen on, as tcp:143 or unix:/path is"


def with_backlog(description: str) -> str:
    """Return an endpoint string that says how many may wait to be accepted."""
    takes = _TAKES_BACKLOG.match(description)
    if takes is None:
        return description
    arguments = _COLON.split(description[takes.end() :])
    positional = [each for each in arguments if "=" not in each]
    if len(positional) > _BEFORE_BACKLOG or any(
        each.startswith("backlog=") for each in arguments
    ):
        return description
    return f"{description}:backlog={BACKLOG}"


def server_endpoint(
    reactor: Any, description: str, proxy_from: Sequence[Network] = LOOPBACK
) -> IStreamServerEndpoint:
    """Return the endpoint that ``description`` means.

    Args:
        reactor: Twisted's.
        description: With ``haproxy:`` before it, for proxies.
        proxy_from: Where these are, besides at the other end of a UNIX socket.

    Raises:
        BadEndpoint: It means none.
    """
    parse: Callable[[Any, str], IStreamServerEndpoint] = serverFromString
    inner = description.removeprefix(_BEHIND_PROXIES)
    try:
        endpoint = parse(reactor, with_backlog(inner))
    except Exception as error:  # whatever the parser of some plugin raises
        raise BadEndpoint(description) from error
    if inner == description:
        return endpoint
    return behind_proxies(reactor, endpoint, proxy_from)


def accept_few(port: IListeningPort) -> None:
    """Let others have their turn when many connect to ``port`` at once."""
    if not isinstance(port, tcp.Port):
        return
    # Any: Twisted's numbers and methods have no types.
    accepting: Any = port
    accept = accepting.doRead

    def accept_some() -> None:
        accepting.numberAccepts = min(accepting.numberAccepts, ACCEPTS)
        accept()

    accepting.doRead = accept_some
