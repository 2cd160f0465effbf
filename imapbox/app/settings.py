"""What a server is to do, as one value."""

from dataclasses import dataclass

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.ssl import CertificateOptions

from imapbox.imap.settings import Cleartext


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
    """

    store: str
    imap: tuple[IStreamServerEndpoint, ...] = ()
    imaps: tuple[IStreamServerEndpoint, ...] = ()
    lmtp: tuple[IStreamServerEndpoint, ...] = ()
    checkers: tuple[ICredentialsChecker, ...] = ()
    tls: CertificateOptions | None = None
    cleartext: Cleartext = Cleartext.LOOPBACK
