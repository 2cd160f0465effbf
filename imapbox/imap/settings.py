"""What an IMAP listener is told: whom it trusts, and how long it waits."""

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeAlias

from imapbox.model.names import UserName

Network: TypeAlias = IPv4Network | IPv6Network


class Cleartext(Enum):
    """Where a password may pass without TLS."""

    NEVER = "never"
    LOOPBACK = "loopback"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take. Seconds; rates in octets per second.

    Attributes:
        command_before_login: For one whole command.
        login: From the connection to the login.
        idle: Between two commands after login; RFC 9051 §5.4 wants 30 minutes.
        literal_window: How often the rate of a message that comes is looked at.
        literal_rate: What it must reach.
        reading: To make room, where what we wrote was not read.
        closing: To read the last words.
        idling: Between two words of ours to a client that only listens.
    """

    command_before_login: float = 60.0
    login: float = 180.0
    idle: float = 1860.0
    literal_window: float = 60.0
    literal_rate: float = 512.0
    reading: float = 300.0
    closing: float = 10.0
    idling: float = 120.0


@dataclass(frozen=True, slots=True)
class Connections:
    """How many there may be.

    Attributes:
        of_process: In all, of one process; each costs a descriptor.
        of_strangers: Before login, of one process; the oldest has to go.
        of_address: From one IPv4 address or one IPv6 /64, over all processes.
        of_user: Logged in as one user, over all processes.
        failed_of_address: Failed logins from one address, over all processes;
            no password from there is looked at beyond that.
        failed_seconds: For how long each of them counts.
        many_from: Addresses that are not counted, besides loopback: those of a
            webmail, or of a proxy that does not say for whom it comes.
    """

    of_process: int = 10_000
    of_strangers: int = 1000
    of_address: int = 30
    of_user: int = 20
    failed_of_address: int = 50
    failed_seconds: float = 300.0
    many_from: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all sessions of a listener.

    Attributes:
        cleartext: Where passwords may pass without TLS.
        message_limit: The largest message that APPEND takes, octets.
        unread_limit: How much pipelined input waits before we stop reading.
        failed_logins: After so many the connection ends.
        failure_delay: Seconds before the first failure is told; it doubles.
        mistakes: So many BADs before login end the connection.
        patience: How long clients may take.
        connections: How many there may be.
        submission_users: As whom submission servers log in, which may follow what
            URLs let them on behalf of any user: RFC 4467 §3.
        url_refusal: So many seconds it takes to hear that a URL of somebody else's
            is none, whyever: nobody learns from it which users and mailboxes
            there are.
    """

    cleartext: Cleartext = Cleartext.LOOPBACK
    message_limit: int = 64 * 1024 * 1024
    unread_limit: int = 64 * 1024
    failed_logins: int = 3
    failure_delay: float = 1.0
    mistakes: int = 10
    patience: Patience = field(default_factory=Patience)
    connections: Connections = field(default_factory=Connections)
    submission_users: frozenset[UserName] = frozenset()
    url_refusal: float = 0.2


# A turn of the reactor belongs to all sessions: nobody takes more of it than
# this many octets, or seconds, before the others have theirs.
SLICE: Final = 64 * 1024
TURN: Final = 0.005
