"""The file that holds the certificate, which is renewed while we serve."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from imapbox.app.tls import BadCertificate, server_context

_log = Logger()

# A key, a certificate and its chain are some 10 KiB.
_LONGEST: Final = 1024 * 1024


@implementer(IOpenSSLServerConnectionCreator)
class CertificateFile:
    """Gives each connection that asks for TLS the certificate that is there then.

    Connections that are there keep theirs. What can't be used changes nothing, and
    is told to the log, once for each change of the file.
    """

    def __init__(self, path: Path) -> None:
        """Read a PEM file with a private key, its certificate, and the chain.

        Args:
            path: Absolute, since a daemon goes elsewhere.

        Raises:
            BadCertificate: It can not be read or does not hold what it should.
        """
        pem = _read(path)
        self._path = path
        self._context = server_context(pem)
        self._digest = _digest(pem)
        # The first connection looks again, as the user that twistd became: better
        # to hear now that it may not than when the certificate is renewed.
        self._seen: tuple[int, ...] | None = None

    def serverConnectionForTLS(  # noqa: N802 - Twisted calls it
        self, _protocol: TLSMemoryBIOProtocol
    ) -> SSL.Connection:
        """Return TLS for a new connection."""
        seen = _identity(self._path)
        if seen != self._seen:
            self._seen = seen
            self._look_again()
        return SSL.Connection(self._context, None)

    def _look_again(self) -> None:
        try:
            pem = _read(self._path)
            digest = _digest(pem)
            if digest != self._digest:
                self._context, self._digest = server_context(pem), digest
                _log.info("took the new certificate: {path}", path=self._path)
        except BadCertificate as error:
            _log.error(
                "kept the certificate that it had: {path}: {reason}",
                path=self._path,
                reason=str(error),
            )


def _identity(path: Path) -> tuple[int, ...]:
    """Return what is different when a file was replaced, written, or let be read."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _read(path: Path) -> bytes:
    try:
        # Whoever opens a pipe waits, and all clients with him.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise BadCertificate("is no file")
            with open(fd, "rb", closefd=False) as file:
                pem = file.read(_LONGEST + 1)
        finally:
            os.close(fd)
    except OSError as error:
        raise BadCertificate("can not be read", error.strerror) from error
    if len(pem) > _LONGEST:
        raise BadCertificate("is too large for a certificate")
    return pem


def _digest(pem: bytes) -> bytes:
    return hashlib.sha256(pem).digest()
