"""Very many names: row 13 of the attacks. They are told as the client reads."""

from collections.abc import Iterator, Sequence

import pytest

from imapbox.imap.settings import TURN
from imapbox.mailbox.tree import Names
from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName
from tests.support.imap_client import Client

MANY = 5_000
TEXT = "x" * 200


class ManyNames(Names):
    """Names that are counted when they are made; the first one is INBOX.

    Attributes:
        made: How many.
        cost: Seconds that each takes.
    """

    def __init__(self, client: Client) -> None:
        self.made = 0
        self.cost = 0.0
        self._client = client
        self.subscribed = Lazily(self)

    def names(self) -> Iterator[MailboxName]:
        for number in range(MANY):
            self.made += 1
            self._client.clock.rightNow += self.cost
            yield MailboxName(f"a/{number:06}{TEXT}/b" if number else "INBOX")

    def walk(self) -> Iterator[Listed]:
        for name in self.names():
            exists = name == "INBOX"
            yield Listed(name, subscribed=True, exists=exists, has_children=True)


class Lazily(Sequence):
    def __init__(self, names: ManyNames) -> None:
        self._names = names

    def __iter__(self) -> Iterator[MailboxName]:
        return self._names.names()

    def __len__(self) -> int:
        return MANY

    def __getitem__(self, _: object) -> MailboxName:
        raise NotImplementedError


def with_names() -> tuple[Client, ManyNames]:
    client = Client().login()
    client.say(b"e ENABLE IMAP4rev2\r\n")
    names = ManyNames(client)

    async def mailboxes(within: MailboxName | None = None) -> ManyNames:
        del within
        return names

    client.account.mailboxes = mailboxes
    return client, names


@pytest.mark.parametrize(
    "command",
    [
        b'LSUB "" *',
        b'LIST (SUBSCRIBED) "" *',
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" *',
    ],
)
def test_who_does_not_read_is_not_told_more(command: bytes) -> None:
    """Names are made as they are told, not before: 64 KiB are a few hundred."""
    client, names = with_names()
    client.transport.read = False
    client.protocol.dataReceived(b"t " + command + b"\r\n")
    client.turn()
    assert 0 < names.made < 1000
    client.drop()


@pytest.mark.parametrize(
    "command",
    [
        b'LIST "" INBOX',
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" INBOX',
        b'LSUB "" INBOX',
        b"ESEARCH IN (subtree a) ALL",
        b"SELECT INBOX",
        b"NOTIFY SET (subtree a (MessageNew MessageExpunge))",
    ],
)
def test_others_have_their_turn(command: bytes) -> None:
    """However many names there are, nobody waits for long while they are looked at."""
    client, names = with_names()
    names.cost = TURN / 4
    client.protocol.dataReceived(b"t " + command + b"\r\n")
    client.reactor_turn()
    assert 0 < names.made < 20
    names.cost = 0
    assert b"t OK " in client.turn()


def test_selecting_one_asks_for_one() -> None:
    """SELECT in IMAP4rev2 looks only at names from the mailbox on downwards."""
    client, names = with_names()
    asked: list[object] = []

    async def mailboxes(within: MailboxName | None = None) -> ManyNames:
        asked.append(within)
        return names

    client.account.mailboxes = mailboxes
    client.select()
    assert asked == ["INBOX"]
    assert names.made == 1
