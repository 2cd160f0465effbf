"""STARTTLS: RFC 9051 §6.2.1, and rows 1 and 3 of the attacks."""

import pytest

from imapbox.imap.settings import Cleartext, Settings
from tests.support.imap_client import FAR, Client

COMMAND = b"a STARTTLS\r\n"
INJECTED = b"b LOGIN ana secret\r\n"


def careful() -> Client:
    settings = Settings(cleartext=Cleartext.NEVER)
    return Client(tls="context", settings=settings, peer=FAR)


def test_a_password_may_pass_afterwards() -> None:
    """Within TLS the capabilities are others, and a password is heard."""
    client = careful()
    assert client.heard().startswith(
        b"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID IDLE STARTTLS "
        b"LOGINDISABLED] "
    )
    assert client.say(COMMAND) == b"a OK Begin TLS now.\r\n"
    # What was said before TLS was written before TLS.
    assert client.transport.tls_begun == len(client.transport.value())
    assert client.say(b"c CAPABILITY\r\n") == (
        b"* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID IDLE SASL-IR AUTH=PLAIN\r\n"
        b"c OK Capabilities listed.\r\n"
    )
    assert client.say(COMMAND) == b"a BAD TLS is active.\r\n"
    # Literals, which were not invited in clear, are now.
    assert client.say(b"b LOGIN {3}\r\n") == b"+ Go on.\r\n"
    assert client.say(b"ana secret\r\n").startswith(b"b OK ")


@pytest.mark.parametrize("behind", range(1, len(INJECTED) + 1))
def test_nothing_is_injected(behind: int) -> None:
    """Whatever comes behind STARTTLS in clear ends the session, unread."""
    client = careful()
    client.heard()
    said = client.say(COMMAND + INJECTED[:behind])
    assert said == (
        b"* BYE Nothing may follow STARTTLS.\r\na BAD Nothing may follow STARTTLS.\r\n"
    )
    assert client.closed
    assert client.transport.tls_begun == 0
    assert client.say(INJECTED[behind:]) == b""
    assert client.logins.asked == []


def test_where_there_is_no_certificate() -> None:
    """Without a certificate STARTTLS is neither offered nor obeyed."""
    client = Client()
    assert b"STARTTLS" not in client.heard()
    assert client.say(COMMAND) == b"a BAD TLS is not offered here.\r\n"


def test_where_tls_is_there_already() -> None:
    """On a port that is wrapped in TLS, STARTTLS is neither offered nor obeyed."""
    client = Client(tls="context", encrypted=True, peer=FAR)
    assert b"STARTTLS" not in client.heard()
    assert client.say(COMMAND) == b"a BAD TLS is active.\r\n"


def test_nobody_is_logged_in_by_the_greeting() -> None:
    """The greeting is OK and never PREAUTH, so that STARTTLS is always to be had."""
    assert careful().heard().startswith(b"* OK ")
