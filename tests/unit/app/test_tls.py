"""TLS as the server offers it."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from OpenSSL import SSL

from imapbox.app.tls import BadCertificate, server_tls
from tests.support.certificates import make_pem


def handshake(path: Path, client: ssl.SSLContext) -> ssl.SSLObject:
    """Shake hands with the server in memory; return the client's side."""
    server = SSL.Connection(server_tls(path).getContext(), None)
    server.set_accept_state()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
    for _ in range(5):
        for step in (talk.do_handshake, server.do_handshake):
            with suppress(ssl.SSLWantReadError, SSL.WantReadError):
                step()
            if outgoing.pending:
                server.bio_write(outgoing.read())
            with suppress(SSL.WantReadError):
                incoming.write(server.bio_read(65536))
    return talk


def client(**changes: object) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in changes.items():
        setattr(context, name, value)
    return context


def test_a_chain_is_sent_whole(tmp_path: Path) -> None:
    """A client that knows only the root accepts a certificate with its chain."""
    chained = make_pem(tmp_path, chain=True)
    context = ssl.create_default_context(cafile=str(chained.with_name("root.pem")))
    assert handshake(chained, context).version() == "TLSv1.3"


def test_tls_1_2_is_still_welcome(tmp_path: Path) -> None:
    """TLS 1.2 is spoken, without compression."""
    talk = handshake(make_pem(tmp_path), client(maximum_version=ssl.TLSVersion.TLSv1_2))
    assert talk.version() == "TLSv1.2"
    assert talk.compression() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_tls_is_refused(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """TLS 1.0 and 1.1 are refused."""
    old = client(minimum_version=version, maximum_version=version)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, SSL.Error)):
        handshake(make_pem(tmp_path), old)


def test_no_renegotiation(tmp_path: Path) -> None:
    """Renegotiation and compression are switched off in the library."""
    options = server_tls(make_pem(tmp_path)).getContext().set_options(0)
    assert options & SSL.OP_NO_RENEGOTIATION
    assert options & SSL.OP_NO_COMPRESSION


def test_what_is_no_certificate_is_told(tmp_path: Path) -> None:
    """Every way in which a PEM file may be useless is told in words."""
    good = make_pem(tmp_path)
    pem = good.read_bytes()
    key, begin, rest = pem.partition(b"-----BEGIN CERTIFICATE-----")
    other = make_pem(tmp_path, name="other.pem").read_bytes().partition(begin)[0]
    bad = good.with_name("bad.pem")
    for content, said in (
        (b"", "no certificate"),
        (key, "no certificate"),
        (begin + rest, "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n" + begin + rest, "damaged"),
        (key + begin + b"\nAAAA\n-----END CERTIFICATE-----", "damaged"),
        (other + begin + rest, "not its certificate's"),
        (
            make_pem(tmp_path, name="locked.pem", passphrase=b"x").read_bytes(),
            "passphrase",
        ),
    ):
        bad.write_bytes(content)
        with pytest.raises(BadCertificate, match=said):
            server_tls(bad)
    with pytest.raises(BadCertificate, match="can not be read"):
        server_tls(good.with_name("missing.pem"))
