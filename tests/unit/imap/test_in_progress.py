"""INPROGRESS: commands that take their time say so. RFC 9585."""

import pytest
from twisted.internet.defer import Deferred

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

LINE = b'* OK [INPROGRESS ("t" NIL NIL)] Still %b.\r\n'


def client_that_waits(what: str) -> tuple[Client, Deferred[None]]:
    """A client whose store takes as long as the test likes to do ``what``."""
    account = FakeAccount()
    account.boxes["old"] = account._new_box()
    account.inbox.add(b"a: b\r\n\r\n", ["\\Deleted"])
    client = Client(account).login().select()
    done: Deferred[None] = Deferred()

    async def pause(step: str) -> None:
        if step == what:
            await done

    account.pause = pause
    return client, done


@pytest.mark.parametrize(
    ("command", "what", "doing"),
    [
        (b"COPY 1 old", "copy", b"copying"),
        (b"MOVE 1 old", "move", b"moving"),
        (b"STORE 1 FLAGS ()", "set_flags", b"storing flags"),
        (b"EXPUNGE", "expunge", b"expunging"),
        (b"RENAME old new", "rename", b"renaming"),
        (b"APPEND INBOX {1+}\r\nx", "append", b"storing"),
        (b"REPLACE 1 INBOX {1+}\r\nx", "remove", b"removing"),
    ],
)
def test_who_waits_is_told(command: bytes, what: str, doing: bytes) -> None:
    """Every ten seconds the client is told that its command goes on."""
    client, done = client_that_waits(what)
    assert client.say(b"t %b\r\n" % command) == b""
    assert client.turn(9.0) == b""
    assert client.turn(1.0) == LINE % doing
    assert client.turn(10.0) == LINE % doing
    done.callback(None)
    assert b"\r\nt OK " in b"\r\n" + client.turn()
    assert b"INPROGRESS" not in client.turn(60.0)


def test_who_left_is_told_nothing() -> None:
    """Nothing goes on ticking when the client is gone."""
    client, _ = client_that_waits("copy")
    client.say(b"t COPY 1 old\r\n")
    client.drop()
    client.turn(60.0)
    assert client.clock.getDelayedCalls() == []


def test_it_is_announced() -> None:
    """Clients are told that they may be told."""
    client = Client().login()
    assert b" INPROGRESS " in client.say(b"c CAPABILITY\r\n")
