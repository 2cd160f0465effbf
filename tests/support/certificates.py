"""Certificates for tests."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)


def certificate(name, key, issuer, issuer_key, *, ca):
    """Sign a certificate that is good for a day."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(hours=1))
        .not_valid_after(NOW + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
    )
    return builder.sign(issuer_key, hashes.SHA256())


def text(cert) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


def make_pem(
    directory: Path,
    name: str = "server.pem",
    *,
    chain: bool = False,
    passphrase: bytes = b"",
) -> Path:
    """Make a PEM file for localhost, and beside it the root that signed it.

    Args:
        directory: Where they go.
        name: Of the file.
        chain: Whether another certificate stands between it and the root.
        passphrase: What its key is locked with, if it is.
    """
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = certificate("root", keys[0], None, keys[0], ca=True)
    between = certificate("between", keys[1], root, keys[0], ca=True)
    signer, signer_key = (between, keys[1]) if chain else (root, keys[0])
    server = certificate("localhost", keys[2], signer, signer_key, ca=False)
    (directory / "root.pem").write_bytes(text(root))
    path = directory / name
    secret = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    path.write_bytes(
        keys[2].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret
        )
        + text(server)
        + (text(between) if chain else b"")
    )
    return path
