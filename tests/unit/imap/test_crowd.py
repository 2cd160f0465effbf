"""How many connections there may be: row 15 of the attacks."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from imapbox.auth.errors import AuthenticationUnavailable
from imapbox.imap.crowd import Crowd
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Cleartext, Connections, Settings
from imapbox.locks.seats import Seats
from imapbox.model.errors import MailboxBusy
from tests.support.fake_mail import FakeAccount, at_once, refusing
from tests.support.imap_client import FAR, NEAR, Client, FakeLogins

NO_MORE = b"* BYE [UNAVAILABLE] Too many connections from your address.\r\n"


class House:
    """A server, and as many clients as come."""

    def __init__(self, **limits: object) -> None:
        self.account, self.clock = FakeAccount(), Clock()
        self.settings = Settings(
            cleartext=Cleartext.ALWAYS, connections=Connections(**limits)
        )
        self.seats = Seats()
        self.crowd = Crowd(self.seats, self.settings.connections, self.clock)
        self.logins = FakeLogins(self.account)
        self.factory = IMAPFactory(
            self.logins, self.clock, settings=self.settings, crowd=self.crowd
        )

    def client(self, peer: object = FAR) -> Client:
        return Client(
            self.account,
            clock=self.clock,
            peer=peer,
            factory=self.factory,
            logins=self.logins,
        )

    def assert_empty(self) -> None:
        assert self.factory.connections == set()
        assert (self.crowd.count, self.crowd.leaving) == (0, 0)
        assert self.crowd.strangers == {}
        assert self.seats._taken == {}
        assert self.clock.getDelayedCalls() == []


def test_too_many_from_one_address() -> None:
    """The 31st connection from an address is told BYE; one that ends makes room."""
    house = House()
    clients = [house.client() for _ in range(30)]
    assert all(client.heard().startswith(b"* OK ") for client in clients)
    late = house.client()
    assert late.heard() == NO_MORE
    assert late.closed
    late.drop()
    clients[0].login()
    clients.pop().drop()
    clients.append(house.client())
    assert clients[-1].heard().startswith(b"* OK ")
    for client in clients:
        client.drop()
    house.assert_empty()


def v6(host: str) -> IPv6Address:
    return IPv6Address("TCP", host, 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (FAR, IPv4Address("TCP", "192.0.2.1", 9), True),
        (FAR, IPv4Address("TCP", "192.0.2.2", 9), False),
        (FAR, v6("::ffff:192.0.2.1"), True),
        (v6("2001:db8::1"), v6("2001:db8::ffff:2"), True),
        (v6("2001:db8::1"), v6("2001:db8:0:1::1"), False),
        (v6("fe80::1%eth0"), v6("fe80::2"), True),
    ],
)
def test_what_one_address_is(one: object, other: object, *, same: bool) -> None:
    """An IPv6 client is its /64; an IPv4 client is one however it is written."""
    house = House(of_address=1)
    house.client(one)
    assert house.client(other).closed == same


@pytest.mark.parametrize(
    "peer",
    [
        NEAR,
        v6("::1"),
        v6("::ffff:127.0.0.1"),
        UNIXAddress("/run/x"),
        IPv4Address("TCP", "198.51.100.7", 1),
    ],
)
def test_where_many_come_from(peer: object) -> None:
    """Loopback, UNIX sockets and the networks that are named are not counted."""
    network = ip_network("198.51.100.0/24")
    house = House(of_address=1, many_from=(network,))
    assert not any(house.client(peer).closed for _ in range(5))


def test_too_many_of_one_user() -> None:
    """A user's 21st login is refused, and possible when another ends."""
    house = House()
    clients = [house.client(NEAR).login() for _ in range(20)]
    late = house.client(NEAR)
    late.heard()
    assert late.say(b"a LOGIN ana secret\r\n").startswith(b"a NO [LIMIT] ")
    clients.pop().drop()
    late.login()
    for client in (*clients, late):
        client.drop()
    house.assert_empty()


def test_logins_in_vain_end() -> None:
    """Who logs in again and again where there is no room is sent away."""
    house = House(of_user=1)
    house.client(NEAR).login()
    late = house.client(NEAR)
    late.heard()
    said = late.say(b"a LOGIN ana secret\r\n" * 2000)
    assert said.count(b"a NO [LIMIT] ") == 3
    assert b"* BYE " in said
    assert late.closed


def test_the_oldest_stranger_makes_room() -> None:
    """Who says nothing keeps nobody out: the one who said nothing longest goes."""
    house = House(of_strangers=3)
    user = house.client(NEAR).login()
    strangers = [house.client(NEAR) for _ in range(5)]
    assert [client.closed for client in strangers] == [True, True, False, False, False]
    assert (
        strangers[0]
        .heard()
        .endswith(
            b"* BYE [UNAVAILABLE] Too many connections; please log in at once.\r\n"
        )
    )
    assert user.say(b"n NOOP\r\n").startswith(b"n OK ")
    strangers[2].login()
    for client in (user, *strangers):
        client.drop()
    house.assert_empty()


def test_a_stranger_in_the_middle_of_a_login_goes_too() -> None:
    """What a stranger waits for is given up when it has to make room."""
    house = House(of_strangers=1)
    waiting: Deferred[None] = Deferred()
    house.logins.pause = lambda _what: waiting
    client = house.client(NEAR)
    client.say(b"a LOGIN ana secret\r\n")
    other = house.client(NEAR)
    assert client.closed
    assert not other.closed
    for each in (client, other):
        each.drop()
    house.assert_empty()


def test_too_many_in_all() -> None:
    """A process has a bound; beyond it clients are told, and a flood is cut off."""
    house = House(of_process=2)
    clients = [house.client(NEAR) for _ in range(103)]
    assert [client.closed for client in clients[:3]] == [False, False, True]
    assert clients[2].heard().startswith(b"* BYE [UNAVAILABLE] Too many ")
    assert not clients[101].transport.disconnected
    assert clients[102].transport.disconnected
    assert clients[102].heard() == b""
    for client in clients:
        client.drop()
    house.assert_empty()


def test_listeners_count_together() -> None:
    """A port with TLS and one without have their connections in common."""
    house = House(of_address=1)
    settings = replace(house.settings, cleartext=Cleartext.NEVER)
    other = IMAPFactory(house.logins, house.clock, settings=settings, crowd=house.crowd)
    house.client()
    late = Client(house.account, clock=house.clock, peer=FAR, factory=other)
    assert late.heard() == NO_MORE


def test_a_kernel_without_locks_refuses_nobody() -> None:
    """If seats can't be counted, the log says so, and clients are served."""

    class NoSeats(Seats):
        def take(self, name: str, most: int) -> None:
            del name, most
            raise OSError(37, "No locks available")

    house = House()
    house.crowd.seats = NoSeats()
    client = house.client().login()
    client.drop()
    house.assert_empty()


WRONG = b"a LOGIN ana wrong\r\n"


def test_guesses_of_an_address_are_counted() -> None:
    """Beyond fifty wrong passwords from an address none is looked at, for 5 minutes."""
    house = House()
    for _ in range(50):
        client = house.client()
        client.heard()
        client.say(WRONG)
        client.drop()  # who does not wait for the answer has guessed nevertheless
    late = house.client()
    late.heard()
    asked = len(house.logins.asked)
    said = late.say(b"a LOGIN ana secret\r\n" * 9)
    assert said.count(b"a NO [UNAVAILABLE] Too many wrong passwords ") == 3
    assert late.closed
    assert len(house.logins.asked) == asked
    house.client(IPv4Address("TCP", "192.0.2.2", 1)).login()
    house.client(NEAR).login()
    house.clock.advance(300)
    house.client().login()


def hang_up(client: Client) -> None:
    client.drop()


def be_turned_out(client: Client) -> None:
    client.protocol.turn_out("No room.")
    client.drop()


def never() -> Deferred[None]:
    """Return what a checker waits for in vain."""
    return Deferred()


def busy() -> Deferred[None]:
    """Return what tells, when nobody wants to know any more, that it can not tell."""
    return Deferred(lambda self: self.errback(AuthenticationUnavailable()))


@pytest.mark.parametrize("leave", [hang_up, be_turned_out])
@pytest.mark.parametrize("answer", [never, busy])
def test_who_does_not_wait_has_guessed(
    leave: Callable[[Client], None], answer: Callable[[], Deferred[None]]
) -> None:
    """Who hangs up while his password is looked at is counted, as if it were wrong.

    A right one may be known at once: that no answer comes tells that it was wrong.
    """
    house = House(failed_of_address=3)
    house.logins.pause = lambda _what: answer()
    for _ in range(3):
        client = house.client()
        client.say(WRONG)
        leave(client)
    house.logins.pause = at_once
    late = house.client()
    late.heard()
    said = late.say(b"a LOGIN ana secret\r\n")
    assert said.startswith(b"a NO [UNAVAILABLE] Too many wrong passwords ")
    late.drop()
    house.clock.advance(300)
    house.client().login().drop()
    house.assert_empty()


def unavailable(_what: str) -> Deferred[None]:
    return fail(AuthenticationUnavailable())


def test_what_can_not_be_tried_counts_while_its_client_waits() -> None:
    """A login that can't be tried is held against its address for a second or so.

    So many may log in at once behind one address, and are not locked out for it.
    """
    house = House(failed_of_address=1)
    house.logins.pause = unavailable
    client = house.client()
    client.heard()
    assert client.say(WRONG) == b""
    other = house.client()
    other.heard()
    assert b"a NO [UNAVAILABLE] Too many wrong passwords " in other.say(WRONG)
    assert client.turn(1) == b"a NO [UNAVAILABLE] Please try again later.\r\n"
    house.logins.pause = at_once
    for each in (client, other):
        each.login().drop()
    house.assert_empty()


def test_who_does_not_wait_to_try_again_has_guessed() -> None:
    """Who hangs up before he is told to try again is counted for five minutes."""
    house = House(failed_of_address=1)
    house.logins.pause = unavailable
    client = house.client()
    client.say(WRONG)
    client.drop()
    house.logins.pause = at_once
    late = house.client()
    late.heard()
    assert b"a NO [UNAVAILABLE] Too many wrong " in late.say(b"a LOGIN ana secret\r\n")


@pytest.mark.parametrize(
    "said",
    [
        b"a AUTHENTICATE PLAIN\r\n*\r\n",
        b"a AUTHENTICATE PLAIN\r\n",
        b"a AUTHENTICATE PLAIN AAA=\r\n",
        b"a LOGIN ana {6}\r\n",
        b"a LOGIN ana\r\n",
    ],
)
def test_without_a_password_nothing_counts(said: bytes) -> None:
    """Who gives up, or is gone, before a password came has not guessed."""
    house = House(failed_of_address=1)
    client = house.client()
    client.say(said)
    client.drop()
    house.client().login().drop()
    house.assert_empty()


def test_a_password_in_clear_does_not_count() -> None:
    """What is refused for want of TLS is not looked at, and held against nobody."""
    house = House(failed_of_address=1)
    settings = replace(house.settings, cleartext=Cleartext.NEVER)
    other = IMAPFactory(house.logins, house.clock, settings=settings, crowd=house.crowd)
    client = Client(house.account, clock=house.clock, peer=FAR, factory=other)
    client.heard()
    assert client.say(WRONG).startswith(b"a NO [PRIVACYREQUIRED] ")
    client.drop()
    house.client().login().drop()
    house.assert_empty()


def test_a_mailbox_that_can_not_be_opened_does_not_count() -> None:
    """Whose password was right has not guessed, though he can't be let in now."""
    house = House(failed_of_address=1)
    house.logins.pause = refusing(MailboxBusy())
    client = house.client()
    client.heard()
    for _ in range(5):
        assert client.say(b"a LOGIN ana secret\r\n").startswith(b"a NO [INUSE] ")
    client.drop()
    house.assert_empty()


def test_right_passwords_do_not_count() -> None:
    """However often somebody logs in, it is held against nobody."""
    house = House(failed_of_address=1)
    for _ in range(5):
        house.client().login().drop()
    house.assert_empty()


def test_a_shutdown_is_nobodys_guess() -> None:
    """Whom our own end cuts off while his password is looked at is not counted."""
    house = House()
    house.logins.pause = lambda _what: never()
    client = house.client()
    client.say(b"a LOGIN ana secret\r\n")
    gone = house.factory.shutdown()
    house.clock.advance(8)
    assert client.transport.disconnected
    client.drop()
    assert gone.called
    house.assert_empty()


def test_a_shutdown_forgets_who_guessed() -> None:
    """Wrong passwords leave nothing behind when the server ends."""
    house = House()
    client = house.client()
    client.heard()
    client.say(WRONG)
    client.drop()
    assert house.factory.shutdown().called
    house.assert_empty()
