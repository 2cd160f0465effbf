"""What a server is to do, as one value."""

from dataclasses import dataclass, field
from typing import Final

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.interfaces import IStreamServerEndpoint

from imapbox.app.certificate_file import CertificateFile
from imapbox.imap.settings import Cleartext, Connections
from imapbox.lmtp.trust import LOOPBACK, Network
from imapbox.model.names import UserName
from imapbox.model.quota import NO_QUOTA, Quota

# In the memory of every Linux machine: shm_overview(7).
RUNTIME: Final = "/dev/shm"  # noqa: S108 - what lies there is checked
MESSAGE_LIMIT: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the options of `twistd imapbox` come to.

    Attributes:
        store: The directory of the mail store, absolute.
        imap: Where to serve IMAP; with ``tls`` this offers STARTTLS.
        imaps: Where to serve IMAP within TLS.
        lmtp: Where to take mail over LMTP.
        checkers: Who may log in, and perhaps who exists.
        tls: Key and certificate, if there are any.
        cleartext: Where a password may pass without TLS.
        connections: How many of IMAP there may be.
        message_limit: The largest message that is taken, octets.
        quota: What an account may hold for whom nothing else was set.
        runtime: Where the processes of this machine count together, absolute.
        xforward_from: Whom, besides UNIX sockets, LMTP believes XFORWARD.
        submission_users: As whom submission servers log in.
        administrators: Who may do everything with the mailboxes below "Shared/".
    """

    store: str
    imap: tuple[IStreamServerEndpoint, ...] = ()
    imaps: tuple[IStreamServerEndpoint, ...] = ()
    lmtp: tuple[IStreamServerEndpoint, ...] = ()
    checkers: tuple[ICredentialsChecker, ...] = ()
    tls: CertificateFile | None = None
    cleartext: Cleartext = Cleartext.LOOPBACK
    connections: Connections = field(default_factory=Connections)
    message_limit: int = MESSAGE_LIMIT
    quota: Quota = NO_QUOTA
    runtime: str = RUNTIME
    xforward_from: tuple[Network, ...] = LOOPBACK
    submission_users: frozenset[UserName] = frozenset()
    administrators: tuple[UserName, ...] = ()
