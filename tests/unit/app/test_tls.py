"""TLS as the server offers it."""

import os
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL
from twisted.logger import capturedLogs, formatEvent

from imapbox.app.certificate_file import CertificateFile
from imapbox.app.tls import BadCertificate
from tests.support.certificates import certificate, make_pem, text


def handshake(served: Path | CertificateFile, client: ssl.SSLContext) -> ssl.SSLObject:
    """Shake hands with the server in memory; return the client's side."""
    if isinstance(served, Path):
        served = CertificateFile(served)
    server = served.serverConnectionForTLS(None)
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


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(None, None), (["imap"], "imap"), (["http/1.1", "imap", "pop3"], "imap")],
)
def test_imap_is_spoken_with_who_wants_it(
    tmp_path: Path, offered: list[str] | None, chosen: str | None
) -> None:
    """Who offers IMAP by ALPN is told IMAP; who offers nothing is served as well."""
    context = client()
    if offered:
        context.set_alpn_protocols(offered)
    talk = handshake(make_pem(tmp_path), context)
    assert (talk.version(), talk.selected_alpn_protocol()) == ("TLSv1.3", chosen)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "offered", [["http/1.1"], ["h2", "http/1.1"], ["IMAP", "lmtp"]]
)
def test_who_wants_something_else_is_refused(
    tmp_path: Path, version: ssl.TLSVersion, offered: list[str]
) -> None:
    """Who offers others only, as a browser does, gets no TLS: ALPACA."""
    context = client(maximum_version=version)
    context.set_alpn_protocols(offered)
    served = CertificateFile(make_pem(tmp_path))
    # Twice: nothing of the first refusal is left for the next one.
    for _ in range(2):
        with pytest.raises(SSL.Error, match="no application protocol"):
            handshake(served, context)
    assert handshake(served, client()).version() == "TLSv1.3"


def seen_by(served: CertificateFile) -> bytes | None:
    """Return the certificate that a new client is shown."""
    return handshake(served, client()).getpeercert(True)


class Renewed:
    """A file whose certificate changes while a server uses it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.path = make_pem(directory)
        self.served = CertificateFile(self.path)

    def put(self, content: bytes | None = None) -> None:
        """Put another file in its place, with another certificate if not given."""
        new = self._directory / "new.pem"
        if content is None:
            make_pem(self._directory, name=new.name)
        else:
            new.write_bytes(content)
        new.replace(self.path)

    def seen(self) -> bytes | None:
        """Return the certificate that a new client is shown."""
        return handshake(self.served, client()).getpeercert(binary_form=True)

    def holds(self) -> bytes:
        """Return the first certificate that is in the file."""
        served, *_ = load_pem_x509_certificates(self.path.read_bytes())
        return served.public_bytes(Encoding.DER)


def test_a_new_certificate_is_taken(tmp_path: Path) -> None:
    """The next client is shown the new certificate, put in place or written over."""
    file = Renewed(tmp_path)
    first = file.seen()
    assert first == file.seen() == file.holds()
    with capturedLogs() as events:
        file.put()
        second = file.seen()
        assert second == file.seen() == file.holds()
        file.path.write_bytes(make_pem(tmp_path, name="x.pem", chain=True).read_bytes())
        third = file.seen()
        assert third == file.seen() == file.holds()
        # Nobody renews what only looks newer.
        file.path.touch()
        assert third == file.seen()
    assert len({first, second, third}) == 3
    lines = [formatEvent(event) for event in events]
    assert lines == [f"took the new certificate: {file.path}"] * 2


def test_what_is_bad_is_not_taken(tmp_path: Path) -> None:
    """Bad files leave the old certificate; each is one line, however many connect."""
    file = Renewed(tmp_path)
    good, old = file.path.read_bytes(), file.seen()
    key, begin, rest = good.partition(b"-----BEGIN CERTIFICATE-----")
    other = make_pem(tmp_path, name="other.pem").read_bytes().partition(begin)[0]
    for content, why in (
        (other + begin + rest, "it holds a private key that is not its certificate's"),
        (key, "it holds no certificate"),
        (None, "it can not be read: No such file or directory"),
    ):
        if content is None:
            file.path.unlink()
        else:
            file.put(content)
        with capturedLogs() as events:
            assert [file.seen(), file.seen()] == [old, old]
        assert [formatEvent(event) for event in events] == [
            f"kept the certificate that it had: {file.path}: {why}"
        ]
    with capturedLogs() as events:
        file.put(good)
        assert [file.seen(), file.seen()] == [old, old]
        assert events == []
        file.put()
        assert file.seen() == file.holds() != old


def test_a_pipe_in_its_place_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be read at once isn't waited for."""
    file = Renewed(tmp_path)
    old = file.seen()
    file.path.unlink()
    os.mkfifo(file.path)
    really_open = os.open

    def guarded(path: Path, flags: int) -> int:
        assert flags & os.O_NONBLOCK, "it would wait for ever, and so would the test"
        return really_open(path, flags)

    monkeypatch.setattr("os.open", guarded)
    assert file.seen() == old


def test_who_may_not_read_it_says_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the user that serves may not read the file, its first client has it told."""
    file = Renewed(tmp_path)

    def forbidden(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", forbidden)
    with capturedLogs() as events:
        assert file.seen() == file.seen()
    (line,) = [formatEvent(event) for event in events]
    assert line.endswith(f"{file.path}: it can not be read: Permission denied")


def test_no_renegotiation(tmp_path: Path) -> None:
    """Renegotiation and compression are switched off in the library."""
    server = CertificateFile(make_pem(tmp_path)).serverConnectionForTLS(None)
    options = server.set_options(0)
    assert options & SSL.OP_NO_RENEGOTIATION
    assert options & SSL.OP_NO_COMPRESSION


def weak() -> bytes:
    """Return a key that OpenSSL takes no longer, and its certificate."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - a weak one
    made = certificate("localhost", key, None, key, ca=False)
    encoding = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.private_bytes(*encoding) + text(made)


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
        (pem + bytes(1024 * 1024), "too large"),
        (weak(), "ee key too small"),
    ):
        bad.write_bytes(content)
        with pytest.raises(BadCertificate, match=said):
            CertificateFile(bad)
    with pytest.raises(BadCertificate, match="can not be read: No such file"):
        CertificateFile(good.with_name("missing.pem"))
    with pytest.raises(BadCertificate, match="no file"):
        CertificateFile(tmp_path)
