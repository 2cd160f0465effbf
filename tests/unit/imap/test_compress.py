"""COMPRESS=DEFLATE: RFC 4978, and row 24 of the attacks."""

import zlib

import pytest

from imapbox.imap.settings import Cleartext, Settings
from imapbox.wire.imap.framer import AFTER_LOGIN
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

COMMAND = b"a COMPRESS DEFLATE\r\n"
BEGUN = b"a OK Compressed from now on.\r\n"


def compressed(*messages: bytes, settings: Settings | None = None) -> Client:
    account = FakeAccount()
    for message in messages:
        account.inbox.add(message)
    client = Client(account, settings=settings).login()
    assert client.say(COMMAND) == BEGUN
    return client


def bomb(octets: bytes) -> bytes:
    """What a client sends that has been told to expect it."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(octets) + stream.flush(zlib.Z_SYNC_FLUSH)


def test_both_directions_are_compressed() -> None:
    """What is said after the OK is compressed, in both directions, and is the same."""
    client = compressed(b"Subject: one\r\n\r\n" + b"hello\r\n" * 1000)
    plain = Client(client.account).login()
    for command in (b"s SELECT INBOX\r\n", b"f FETCH 1 BODY.PEEK[]\r\n"):
        plain.account.inbox.recent_from = 1
        said = plain.say(command)
        client.account.inbox.recent_from = 1
        assert client.say(command) == said
    size, _ = client.transport.compressed
    assert 0 < size < 1000


def test_each_turn_is_flushed_once() -> None:
    """Whatever is pipelined, the answers to it go out in one compressed piece."""
    client = compressed()
    _, before = client.transport.compressed
    said = client.say(b"".join(b"n%d NOOP\r\n" % number for number in range(50)))
    assert said.count(b" OK ") == 50
    assert client.transport.compressed[1] == before + 1
    # The client can read it as it is, without waiting for more.
    assert said.endswith(b"n49 OK Nothing more.\r\n")


@pytest.mark.parametrize("behind", [b"b", b"b NOOP\r\n", b"\x00", bomb(b"b NOOP\r\n")])
def test_nothing_may_follow(behind: bytes) -> None:
    """What comes behind COMPRESS before it is answered ends the session, unread."""
    client = Client().login()
    said = client.say(COMMAND + behind)
    assert said == (
        b"* BYE Nothing may follow COMPRESS.\r\na BAD Nothing may follow COMPRESS.\r\n"
    )
    assert client.closed


def test_it_is_offered_after_login_and_done_once() -> None:
    """Before login it is neither offered nor obeyed; afterwards, once."""
    client = Client()
    assert b"COMPRESS" not in client.heard()
    assert client.say(COMMAND) == b"a BAD Log in first.\r\n"
    client.login()
    assert b" COMPRESS=DEFLATE " in client.say(b"c CAPABILITY\r\n")
    said = client.say(b"a COMPRESS ZSTD\r\n")
    assert said == b"a NO [CANNOT] Only DEFLATE is known here.\r\n"
    assert client.say(COMMAND) == BEGUN
    said = client.say(COMMAND)
    assert said == b"a NO [COMPRESSIONACTIVE] It is compressed already.\r\n"
    assert client.say(b"b NOOP\r\n").startswith(b"b OK ")


@pytest.mark.parametrize(
    "octets",
    [
        b"b NOOP\r\n",
        b"\xff" * 100,
        zlib.compress(b"b NOOP\r\n"),
        b"\x00\x05\x00\x05\x00",
    ],
)
def test_what_is_not_compressed_ends_it(octets: bytes) -> None:
    """Octets that are no DEFLATE, or one with a header, end the session."""
    client = compressed()
    client.protocol.dataReceived(octets)
    assert client.turn() == b"* BYE Not a valid compressed stream.\r\n"
    assert client.closed


def test_a_stream_that_has_ended_is_not_read_on() -> None:
    """A stream that says that it is over is obeyed to its end, and no further."""
    client = compressed()
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    client.protocol.dataReceived(stream.compress(b"b NOOP\r\n") + stream.flush())
    assert client.turn().startswith(b"b OK ")
    client.protocol.dataReceived(b"c NOOP\r\n")
    assert client.turn() == b"* BYE Not a valid compressed stream.\r\n"


def test_a_broken_message_is_answered() -> None:
    """Where it breaks within a message, nothing is stored, and the session ends."""
    client = compressed()
    assert client.say(b"b APPEND INBOX {10}\r\n").startswith(b"+ ")
    client.protocol.dataReceived(b"\xff" * 100)
    assert client.turn() == (
        b"* BYE Not a valid compressed stream.\r\n"
        b"b BAD Not a valid compressed stream.\r\n"
    )
    assert client.closed
    assert not client.account.inbox.messages
    assert not client.account.spools


def test_a_line_without_end_is_cut_where_it_is_too_long() -> None:
    """A hundred million octets in a hundred thousand end where a line must."""
    client = compressed()
    octets = bomb(b"x" * 100_000_000)
    assert len(octets) < 100_000
    most = 0
    for at in range(0, len(octets), 4096):
        client.protocol.dataReceived(octets[at : at + 4096])
        most = max(most, client.protocol._input.framer.buffered)
        if client.closed:
            break
    assert client.turn() == b"* BYE Too long: command.\r\n"
    assert most <= AFTER_LOGIN.line + 16 * 1024


def test_a_message_that_is_nothing_but_zeros_is_stored() -> None:
    """What is a thousand times as long as it came may still be right."""
    client = compressed()
    client.say(b"b APPEND INBOX {%d}\r\n" % 2**24)
    client.protocol.dataReceived(bomb(b" " * 2**24 + b"\r\n"))
    assert client.turn().startswith(b"b OK [APPENDUID ")
    (stored,) = client.account.inbox.messages.values()
    assert len(stored.octets) == 2**24


def test_others_have_their_turn_meanwhile() -> None:
    """What is thrown away, or answered, comes in pieces, and others are served."""
    client = compressed()
    other = Client(factory=client.factory, clock=client.clock).login()
    client.transport.read = False
    client.protocol.dataReceived(bomb(b"b NOOP\r\n" * 20_000))
    # Nobody reads the answers, so no more commands are read.
    assert client.protocol._input.unread > 0
    assert client.protocol._input.framer.buffered <= 16 * 1024
    assert other.say(b"n NOOP\r\n").startswith(b"n OK ")
    said = client.heard()
    client.transport.read = True
    client.transport.producer.resumeProducing()
    said += client.turn()
    assert said.count(b"b OK ") == 20_000


def test_tls_does_not_begin_within() -> None:
    """Who logged out and is compressed can't begin TLS any more, nor is offered it."""
    settings = Settings(cleartext=Cleartext.ALWAYS)
    client = Client(tls="context", settings=settings).login()
    client.say(COMMAND)
    client.say(b"u UNAUTHENTICATE\r\n")
    assert b"STARTTLS" not in client.say(b"c CAPABILITY\r\n")
    assert client.say(b"t STARTTLS\r\n") == b"t BAD TLS is not offered here.\r\n"
