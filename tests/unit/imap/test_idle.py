"""IDLE: RFC 2177."""

import pytest
from twisted.internet.defer import Deferred

from imapbox.model.errors import StoreFailure
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client


def idling(account: FakeAccount) -> Client:
    client = Client(account).login().select()
    assert client.say(b"t IDLE\r\n") == b"+ idling\r\n"
    return client


def test_what_happens_is_told_at_once() -> None:
    """An idling client is told of arrivals, flags and expunges as they happen."""
    account = FakeAccount()
    client = idling(account)
    other = Client(account).login().select()
    account.inbox.add(b"x")
    assert client.turn() == b"* 1 EXISTS\r\n* 1 RECENT\r\n"
    other.say(b"n NOOP\r\ns STORE 1 +FLAGS (\\Deleted)\r\n")
    assert client.turn() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))\r\n"
    other.say(b"e EXPUNGE\r\n")
    assert client.turn() == b"* 1 EXPUNGE\r\n"
    assert client.say(b"done\r\n") == b"t OK IDLE ended.\r\n"
    assert account.inbox.waiting == []


def test_what_happened_before_is_told_first() -> None:
    """What came between the last command and IDLE is told right after "+"."""
    account = FakeAccount()
    client = Client(account).login().select()
    account.inbox.add(b"x")
    said = client.say(b"t IDLE\r\n")
    assert said == b"+ idling\r\n* 1 EXISTS\r\n* 1 RECENT\r\n"


def test_a_change_during_the_sync_is_not_lost() -> None:
    """What happens while the session syncs is told by the next sync."""
    account = FakeAccount()
    client = Client(account).login().select()
    syncing: list[Deferred[None]] = []

    def wait(_what: str) -> Deferred[None]:
        syncing.append(Deferred())
        return syncing[-1]

    account.pause = wait
    client.say(b"t IDLE\r\n")
    account.inbox.add(b"x")
    # The view that this sync will see was taken before.
    held, account.inbox.messages = account.inbox.messages, {}
    syncing[0].callback(None)
    account.inbox.messages = held
    assert len(syncing) == 2
    syncing[1].callback(None)
    assert client.heard().endswith(b"* 1 EXISTS\r\n* 1 RECENT\r\n")


@pytest.mark.parametrize("line", [b"NOOP", b"DONE ", b"t2 DONE", b"", b"X" * 60])
def test_only_done_ends_it_well(line: bytes) -> None:
    """Anything but DONE ends IDLE with BAD, and is not run as a command."""
    account = FakeAccount()
    client = idling(account)
    said = client.say(line + b"\r\n")
    assert said == b"t BAD Only DONE ends IDLE.\r\n"
    assert account.inbox.waiting == []
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


def test_done_may_come_in_pieces_and_with_company() -> None:
    """DONE is read however it arrives, and what follows it is the next command."""
    client = idling(FakeAccount())
    assert client.say(b"DO") == b""
    assert client.say(b"NE\r") == b""
    assert client.say(b"\nn NOOP\r\n") == (
        b"t OK IDLE ended.\r\nn OK Nothing more.\r\n"
    )


def test_idle_without_a_mailbox() -> None:
    """A client may idle with no mailbox selected; nothing happens then."""
    client = Client().login()
    assert client.say(b"t IDLE\r\n") == b"+ idling\r\n"
    client.account.inbox.add(b"x")
    assert client.turn() == b""
    assert client.say(b"DONE\r\n") == b"t OK IDLE ended.\r\n"


def test_an_idling_client_hears_that_we_are_there() -> None:
    """Every two minutes an idling client is told something."""
    client = idling(FakeAccount())
    assert client.turn(119) == b""
    assert client.turn(1) == b"* OK Still here.\r\n"
    assert client.turn(120) == b"* OK Still here.\r\n"
    client.say(b"DONE\r\n")
    assert client.turn(600) == b""


def test_a_deleted_mailbox_ends_idle() -> None:
    """Who idles in a mailbox that is deleted is told BYE at once."""
    account = FakeAccount()
    client = idling(account)
    account.inbox.gone = True
    account.inbox.changed()
    said = client.turn()
    assert said.startswith(b"t NO [NONEXISTENT] ")
    assert b"* BYE [NONEXISTENT] " in said
    assert client.closed


def test_a_failing_store_ends_idle_only() -> None:
    """A sync that fails ends the IDLE with NO; the session goes on."""
    account = FakeAccount()
    client = idling(account)
    account.pause = refusing(StoreFailure())
    account.inbox.changed()
    assert client.turn().startswith(b"t NO [UNAVAILABLE] ")
    assert not client.closed


def test_a_server_that_stops_ends_idle() -> None:
    """Who idles is told BYE when the server stops, during a sync as well."""
    for busy in (False, True):
        account = FakeAccount()
        client = idling(account)
        syncing: Deferred[None] = Deferred()
        if busy:
            account.pause = lambda _, syncing=syncing: syncing
            account.inbox.add(b"x")
        client.protocol.stop()
        if busy:
            syncing.callback(None)
        said = client.turn()
        assert said.endswith(b"* BYE [UNAVAILABLE] The server is shutting down.\r\n")
        assert b"t OK" not in said
        assert client.closed
        assert account.inbox.waiting == []


def test_a_lost_connection_ends_idle() -> None:
    """Nothing waits for a client that is gone."""
    account = FakeAccount()
    client = idling(account)
    client.drop()
    assert account.inbox.waiting == []
    assert account.open == []
    assert client.clock.getDelayedCalls() == []
