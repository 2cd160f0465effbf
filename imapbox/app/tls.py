"""TLS as we offer it: 1.2 or newer, a whole chain, nothing that was broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL
from twisted.internet.ssl import CertificateOptions, TLSVersion

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


class BadCertificate(Exception):
    """A PEM file can not be used; says why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"it {self.reason}"


def server_tls(path: Path) -> CertificateOptions:
    """Read a PEM file with a private key, its certificate, and the chain.

    No compression (it leaks secrets by their length), no renegotiation (it
    lets a client burn our CPU).

    Raises:
        BadCertificate: It can not be read or does not hold what it should.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise BadCertificate(path, f"can not be read: {error.strerror}") from error
    if _BEGIN not in pem:
        raise BadCertificate(path, "holds no certificate")
    try:
        certificate, *chain = load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadCertificate(path, "is damaged") from error
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise BadCertificate(
            path, "holds no private key that can be read without a passphrase"
        ) from error
    # Twisted's types still name pyOpenSSL's old classes.
    make: Callable[..., CertificateOptions] = CertificateOptions
    options = make(
        privateKey=key,
        certificate=certificate,
        extraCertChain=chain,
        raiseMinimumTo=TLSVersion.TLSv1_2,
    )
    try:
        context = options.getContext()
        context.check_privatekey()
    except SSL.Error as error:
        raise BadCertificate(
            path, "holds a private key that is not its certificate's"
        ) from error
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    return options
