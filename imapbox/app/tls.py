"""TLS as we offer it: 1.2 or newer, a whole chain, nothing that was broken."""

from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL
from twisted.internet.ssl import CertificateOptions, TLSVersion

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
# IANA's name for it (ALPN). LMTP has none, and offers no TLS.
_IMAP: Final = b"imap"


class BadCertificate(Exception):
    """A PEM file can not be used; says why."""

    def __init__(self, reason: str, detail: object = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason if detail is None else f"{reason}: {detail}"

    def __str__(self) -> str:
        return f"it {self.reason}"


def server_context(pem: bytes) -> SSL.Context:
    """Make TLS of a private key, its certificate, and the chain.

    No compression (it leaks secrets by their length), no renegotiation (it
    lets a client burn our CPU).

    Raises:
        BadCertificate: ``pem`` does not hold what it should.
    """
    if _BEGIN not in pem:
        raise BadCertificate("holds no certificate")
    try:
        certificate, *chain = load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadCertificate("is damaged") from error
    try:
        # Whether the primes of an RSA key are primes takes 0.4 s to find out, and
        # OpenSSL's own programs don't ask. That it is the certificate's they do.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate(
            "holds no private key that can be read without a passphrase"
        ) from error
    # Twisted's types still name pyOpenSSL's old classes.
    make: Callable[..., CertificateOptions] = CertificateOptions
    try:
        if certificate.public_key() != key.public_key():
            raise BadCertificate("holds a private key that is not its certificate's")
        context = make(
            privateKey=key,
            certificate=certificate,
            extraCertChain=chain,
            raiseMinimumTo=TLSVersion.TLSv1_2,
        ).getContext()
    except (SSL.Error, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate("holds what TLS can not use", error) from error
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    # Twisted's own refuses whoever offers anything, with the wrong alert.
    context.set_alpn_select_callback(_choose)
    return context


def _choose(_connection: SSL.Connection, offered: Sequence[bytes]) -> bytes:
    """Speak IMAP with whoever offers it, and with nobody who offers only others.

    RFC 7301 §3.2. Else somebody between a browser and its web server could lead
    the browser to us, whose certificate it may trust, and have us say what it
    takes for an answer (ALPACA). Who offers nothing isn't asked.
    """
    if _IMAP in offered:
        return _IMAP
    # Any exception is a fatal no_application_protocol; this one Twisted expects.
    raise SSL.Error([("SSL routines", "", "no application protocol")])
