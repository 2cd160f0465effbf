"""UNAUTHENTICATE: one connection, one user after the other. RFC 8437."""

import pytest

from imapbox.imap.crowd import TOO_MANY_STRANGERS
from imapbox.imap.settings import Cleartext, Connections, Patience, Settings
from imapbox.mailbox.account_interface import Account
from imapbox.wire.imap.framer import BEFORE_LOGIN
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import FAR, Client, FakeLogins

COMMAND = b"u UNAUTHENTICATE\r\n"
DONE = b"u OK Nobody is logged in.\r\n"


class TwoLogins(FakeLogins):
    """Knows ana and bob."""

    async def login(self, user: bytes, password: bytes) -> Account:
        if user == b"bob":
            return FakeAccount(user="bob")
        return await super().login(user, password)


@pytest.fixture
def client() -> Client:
    account = FakeAccount()
    for _ in range(3):
        account.inbox.add(b"a: b\r\n\r\n", ["\\Deleted"])
    return Client(account, logins=TwoLogins(account)).login()


@pytest.mark.parametrize("selected", [False, True])
def test_somebody_else_logs_in(client: Client, selected: bool) -> None:
    """A connection can become another user's, who sees their own mail and no other."""
    if selected:
        client.select()
    assert client.say(COMMAND) == DONE
    assert client.say(b"s SELECT INBOX\r\n") == b"s BAD Log in first.\r\n"
    assert client.say(b"l LOGIN bob x\r\n").startswith(b"l OK ")
    assert b"* 0 EXISTS\r\n" in client.say(b"s SELECT INBOX\r\n")
    # The mailbox was left, and nothing removed: RFC 8437 §3.
    assert len(client.account.open) == 0
    assert len(client.account.inbox.messages) == 3


def test_it_is_for_who_is_logged_in(client: Client) -> None:
    """It is offered after login, and obeyed only there."""
    assert b" UNAUTHENTICATE" in client.say(b"c CAPABILITY\r\n")
    client.say(COMMAND)
    assert b"UNAUTHENTICATE" not in client.say(b"c CAPABILITY\r\n")
    assert client.say(COMMAND) == b"u BAD Log in first.\r\n"


def test_what_was_enabled_is_forgotten(client: Client) -> None:
    """Nothing that the one before enabled, or saved, is in use for the next."""
    client.say(b"e ENABLE QRESYNC\r\n")
    client.select()
    client.say(b"t SEARCH RETURN (SAVE) ALL\r\n")
    assert client.say(COMMAND) == DONE
    client.login()
    client.select()
    assert client.say(b"t FETCH $ UID\r\n") == b"t OK Fetched.\r\n"
    assert b"MODSEQ" not in client.say(b"t STORE 1 FLAGS (\\Seen \\Deleted)\r\n")
    assert client.say(b"t EXPUNGE\r\n").startswith(b"* 3 EXPUNGE\r\n")
    said = client.say(b"t SELECT INBOX (QRESYNC (101 1))\r\n")
    assert said.startswith(b"t BAD ")


def test_limits_are_a_strangers_again() -> None:
    """Who logs out has a stranger's limits: of lines, literals, and time."""
    settings = Settings(patience=Patience(login=100.0, command_before_login=50.0))
    client = Client(settings=settings).login()
    client.turn(1000.0)
    assert client.say(COMMAND) == DONE
    assert client.protocol._input.framer.limits == BEFORE_LOGIN
    client.turn(49.0)
    assert not client.closed
    assert b"* BYE " in client.turn(3.0)


def test_no_literal_is_invited_where_no_password_may_come() -> None:
    """Where a password may not pass any more, none is invited."""
    settings = Settings(cleartext=Cleartext.NEVER)
    client = Client(settings=settings, peer=FAR, encrypted=True).login()
    client.protocol._session.encrypted = False
    client.say(COMMAND)
    assert client.say(b"l LOGIN {3}\r\n").startswith(b"l NO [PRIVACYREQUIRED] ")


def test_a_seat_is_given_back() -> None:
    """Who logs out has no seat any more; another session may have it."""
    settings = Settings(connections=Connections(of_user=1))
    one = Client(settings=settings).login()
    two = Client(one.account, factory=one.factory, clock=one.clock)
    assert two.say(b"l LOGIN ana secret\r\n").startswith(b"* OK ")
    assert two.say(b"l LOGIN ana secret\r\n").startswith(b"l NO [LIMIT] ")
    for _ in range(3):
        assert one.say(COMMAND) == DONE
        assert one.say(b"l LOGIN ana secret\r\n").startswith(b"l OK ")
    one.say(COMMAND)
    assert two.say(b"l LOGIN ana secret\r\n").startswith(b"l OK ")
    one.drop()
    two.drop()
    three = Client(one.account, factory=one.factory, clock=one.clock)
    three.login()


def test_who_logs_out_is_a_stranger() -> None:
    """Strangers that were users count as such: the oldest makes room."""
    settings = Settings(connections=Connections(of_strangers=1))
    one = Client(settings=settings).login()
    two = Client(one.account, factory=one.factory, clock=one.clock)
    two.heard()
    assert one.say(COMMAND) == DONE
    assert TOO_MANY_STRANGERS.encode() in two.turn()
    assert one.say(b"n NOOP\r\n").startswith(b"n OK ")


def test_guesses_count_on() -> None:
    """Wrong passwords from before count: logging in and out begins nothing anew."""
    client = Client(settings=Settings(failed_logins=2))
    client.say(b"l LOGIN ana wrong\r\n")
    assert b"l NO [AUTHENTICATIONFAILED]" in client.turn(5.0)
    client.login()
    client.say(COMMAND)
    client.say(b"l LOGIN ana wrong\r\n")
    assert b"* BYE Too many failed logins." in client.turn(5.0)
