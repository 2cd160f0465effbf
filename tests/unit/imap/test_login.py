"""LOGIN and AUTHENTICATE: RFC 9051 §6.2, and rows 2, 16, 17 of the attacks."""

from base64 import b64encode

import pytest

from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.imap.settings import Cleartext, Settings
from imapbox.mailbox.account_interface import Account
from imapbox.model.errors import MailboxBusy, NoSuchUser
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import FAR, NEAR, Client, FakeLogins

GOOD = b64encode(b"\0ana\0secret")
REFUSED = b"NO [AUTHENTICATIONFAILED] Wrong user name or password.\r\n"


@pytest.mark.parametrize(
    "command",
    [
        b"t LOGIN ana secret\r\n",
        b't LOGIN "ana" "secret"\r\n',
        b"t LOGIN {3+}\r\nana {6+}\r\nsecret\r\n",
        b"t AUTHENTICATE PLAIN " + GOOD + b"\r\n",
        b"t authenticate plain " + b64encode(b"ana\0ana\0secret") + b"\r\n",
    ],
)
def test_all_ways_in(command: bytes) -> None:
    """A right password lets in, however it is spelled."""
    client = Client()
    client.heard()
    said = client.say(command)
    assert said.startswith(b"t OK [CAPABILITY IMAP4rev1 ")
    assert said.endswith(b"] Logged in.\r\n")
    assert b" UIDPLUS " in said


def test_a_challenge_is_answered() -> None:
    """Without an initial response PLAIN's comes after an empty challenge."""
    client = Client()
    client.heard()
    assert client.say(b"t AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert client.say(GOOD + b"\r\n").startswith(b"t OK ")


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (b"*", b"t BAD Cancelled.\r\n"),
        (b"====", b"t BAD Not a valid base64.\r\n"),
        (b"AGFuYQBz ZWNyZXQ=", b"t BAD Not a valid base64.\r\n"),
        (b"", b"t BAD Not a PLAIN response.\r\n"),
        (b64encode(b"ana secret"), b"t BAD Not a PLAIN response.\r\n"),
        (b64encode(b"\0ana\0\xff"), b"t BAD Not a PLAIN response.\r\n"),
    ],
)
def test_bad_responses_leave_nothing(response: bytes, answer: bytes) -> None:
    """A cancelled or broken exchange is BAD, and the next one begins anew."""
    client = Client()
    client.say(b"t AUTHENTICATE PLAIN\r\n")
    assert client.say(response + b"\r\n") == answer
    assert client.logins.asked == []
    assert client.say(b"u AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert client.say(GOOD + b"\r\n").startswith(b"u OK ")


def test_only_plain() -> None:
    """Another mechanism is refused before anything is asked for."""
    client = Client()
    client.heard()
    said = client.say(b"t AUTHENTICATE CRAM-MD5\r\n")
    assert said == b"t NO [CANNOT] No such mechanism here.\r\n"


def test_nobody_acts_as_somebody_else() -> None:
    """An authorization identity that is not the user's own is refused."""
    client = Client()
    other = b64encode(b"bob\0ana\0secret")
    assert client.say(b"t AUTHENTICATE PLAIN " + other + b"\r\n").endswith(b".\r\n")
    assert client.turn(1) == b"t NO [AUTHENTICATIONFAILED] Not as somebody else.\r\n"


@pytest.mark.parametrize(
    "command",
    [
        b"t LOGIN ana secret",
        b"t AUTHENTICATE PLAIN",
        b"t LOGIN {3}",
        b"t LOGIN ana {0}",
        b"t LOGIN {3+}\r\nana {6+}\r\nsecret",
    ],
)
@pytest.mark.parametrize("cleartext", [Cleartext.NEVER, Cleartext.LOOPBACK])
def test_no_password_in_clear(command: bytes, cleartext: Cleartext) -> None:
    """Where somebody could listen, no password is asked for or heard."""
    client = Client(settings=Settings(cleartext=cleartext), peer=FAR, tls="context")
    greeting = client.heard()
    assert b" STARTTLS LOGINDISABLED]" in greeting
    assert b"AUTH=" not in greeting
    said = client.say(command + b"\r\n")
    assert said == b"t NO [PRIVACYREQUIRED] Not without TLS.\r\n"
    assert client.logins.asked == []


@pytest.mark.parametrize(
    ("cleartext", "peer", "encrypted", "allowed"),
    [
        (Cleartext.NEVER, NEAR, False, False),
        (Cleartext.NEVER, NEAR, True, True),
        (Cleartext.LOOPBACK, NEAR, False, True),
        (Cleartext.LOOPBACK, FAR, False, False),
        (Cleartext.LOOPBACK, FAR, True, True),
        (Cleartext.ALWAYS, FAR, False, True),
    ],
)
def test_where_passwords_may_pass(
    cleartext: Cleartext, peer: object, *, encrypted: bool, allowed: bool
) -> None:
    """Passwords pass in TLS, on loopback, or where the operator says so."""
    client = Client(
        settings=Settings(cleartext=cleartext), peer=peer, encrypted=encrypted
    )
    assert (b"AUTH=PLAIN" in client.heard()) is allowed
    assert client.say(b"t LOGIN ana secret\r\n").startswith(b"t OK ") is allowed


def test_failures_slow_down_and_end() -> None:
    """Each failed login is told later, and the third ends the connection."""
    client = Client()
    client.heard()
    for failures, delay in enumerate((1, 2, 4), start=1):
        assert client.say(b"t LOGIN ana wrong\r\n") == b""
        assert client.turn(delay - 0.01) == b""
        said = client.turn(0.01)
        assert said.endswith(b"t " + REFUSED)
        assert client.closed is (failures == 3)
    assert b"* BYE Too many failed logins.\r\n" in said


def test_pipelined_guesses_wait_in_line() -> None:
    """Of 2,000 pipelined logins three are tried, one after the other."""
    client = Client()
    client.heard()
    client.say(b"".join(b"%d LOGIN ana x%d\r\n" % (n, n) for n in range(2000)))
    assert len(client.logins.asked) == 1
    for _ in range(100):
        client.turn(1)
    assert len(client.logins.asked) == 3
    assert client.closed


@pytest.mark.parametrize("user", [b"ana", b"nobody", b"\xff", b"x" * 5000])
def test_failures_all_look_alike(user: bytes) -> None:
    """Who does not exist is refused like who does, in the same words and time."""
    client = Client()
    client.heard()
    client.say(b"t LOGIN {%d+}\r\n%b wrong\r\n" % (len(user), user))
    assert client.turn(1) == b"t " + REFUSED


class BrokenLogins(FakeLogins):
    """Fails in its own ways."""

    def __init__(self, error: Exception) -> None:
        super().__init__(FakeAccount())
        self.error = error

    async def login(self, _user: bytes, _password: bytes) -> Account:
        raise self.error


def test_what_can_not_be_tried_is_slow_and_ends() -> None:
    """Who is told to try again later has to wait, too, and the third time goes.

    Else a full queue would let guess whoever pipelines, as fast as he can.
    """
    client = Client(logins=BrokenLogins(AuthenticationUnavailable()))
    client.heard()
    client.say(b"t LOGIN ana wrong\r\n" * 300)
    for failures, delay in enumerate((1, 2, 4), start=1):
        assert client.turn(delay - 0.01) == b""
        said = client.turn(0.01)
        assert said.endswith(b"t NO [UNAVAILABLE] Please try again later.\r\n")
        assert client.closed is (failures == 3)
    assert b"* BYE Too many failed logins.\r\n" in said


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (AuthenticationUnavailable(), b"NO [UNAVAILABLE] Please try again later.\r\n"),
        (NoSuchUser(), REFUSED),
        (
            MailboxBusy(),
            b"NO [INUSE] " + MailboxBusy().sentence().encode() + b"\r\n",
        ),
        (
            RuntimeError("secret"),
            b"NO [SERVERBUG] Something went wrong here; it was logged.\r\n",
        ),
    ],
)
def test_a_login_that_can_not_be_tried(error: Exception, answer: bytes) -> None:
    """Troubles of ours at login are one NO each, and tell nothing secret."""
    client = Client(logins=BrokenLogins(error))
    client.heard()
    said = client.say(b"t LOGIN ana secret\r\n") + client.turn(1)
    assert said == b"t " + answer


def test_a_long_sasl_line_ends_the_connection() -> None:
    """A response to a challenge is limited like a line before login."""
    client = Client()
    client.say(b"t AUTHENTICATE PLAIN\r\n")
    said = client.say(b"A" * 20_000)
    assert said.startswith(b"* BYE ")
    assert client.closed
