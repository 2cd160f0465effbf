"""How long a client may take: row 14 of the attacks."""

from twisted.internet.defer import Deferred

from imapbox.imap.settings import Patience, Settings
from tests.support.fake_mail import at_once
from tests.support.imap_client import Client


def lifetime(client: Client, every: float, data: bytes) -> float:
    """Seconds until the server closes on a client that says ``data`` ``every``."""
    while not client.closed and client.clock.seconds() < 10_000:
        client.turn(every)
        if not client.closed:
            client.say(data)
    return client.clock.seconds()


def test_silence_before_login() -> None:
    """A client that says nothing is told BYE after 60 seconds."""
    client = Client()
    client.heard()
    assert client.turn(59.9) == b""
    assert client.turn(0.1).startswith(b"* BYE [UNAVAILABLE] ")
    assert client.closed


def test_a_byte_now_and_then_before_login() -> None:
    """Bytes that trickle in win no time before login."""
    assert lifetime(Client(), 5, b"x") == 60


def test_commands_now_and_then_before_login() -> None:
    """Whole commands win time, but not past three minutes without a login."""
    assert lifetime(Client(), 50, b"n NOOP\r\n") in range(180, 201)


def test_a_half_login_wins_nothing() -> None:
    """An exchange of AUTHENTICATE counts as one command."""
    client = Client()
    client.say(b"a AUTHENTICATE PLAIN\r\n")
    assert lifetime(client, 7, b"A") == 63


def test_thinking_time() -> None:
    """After login a client may say nothing for half an hour: RFC 9051 §5.4."""
    client = Client().login()
    assert client.turn(1859) == b""
    assert not client.closed
    client.say(b"n NOOP\r\n")
    client.turn(1859)
    assert not client.closed
    client.turn(2)
    assert client.closed
    assert client.heard() == b""


def test_a_long_message_takes_its_time() -> None:
    """A message that comes at its rate may take longer than a client may think."""
    client = Client().login()
    client.say(b"a APPEND INBOX {6400000}\r\n")
    for _ in range(64):
        client.say(b"x" * 100_000)
        client.turn(59)
        assert not client.closed
    assert client.say(b"\r\n") == b"a OK [APPENDUID 101 1] Message stored.\r\n"


def test_idlers_are_clients_too() -> None:
    """A client that idles for longer than it may is told BYE."""
    client = Client().login().select()
    client.say(b"i IDLE\r\n")
    client.turn(1859)
    assert not client.closed
    assert b"* BYE [UNAVAILABLE] " in client.turn(2)
    assert client.account.inbox.waiting == []
    assert client.account.open == []


def test_a_slow_message() -> None:
    """A message that comes at less than its rate ends the connection."""
    patience = Patience(literal_window=60, literal_rate=100)
    client = Client(settings=Settings(patience=patience)).login()
    client.say(b"a APPEND INBOX {1000000}\r\n")
    for _ in range(10):
        client.say(b"x" * 6000)
        client.turn(60)
        assert not client.closed
    client.say(b"x" * 5999)
    client.turn(60)
    assert client.closed
    assert client.account.spools == set()


def test_a_slow_store_is_not_the_clients_fault() -> None:
    """Time in which we do not wait for the client does not count."""
    client = Client().login()

    waiting: Deferred[None] = Deferred()
    client.account.pause = lambda _what: waiting
    client.say(b"s STATUS INBOX (MESSAGES)\r\n")
    client.turn(5000)
    assert not client.closed
    client.account.pause = at_once
    waiting.callback(None)
    assert client.turn().endswith(b"s OK Counted.\r\n")
    client.turn(1800)
    assert not client.closed


def test_nothing_ticks_when_it_is_over() -> None:
    """A session that ended leaves no timer."""
    client = Client().login().select()
    client.say(b"l LOGOUT\r\n")
    client.drop()
    assert client.clock.getDelayedCalls() == []
