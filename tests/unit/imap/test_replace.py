"""REPLACE: a message that takes another one's place. RFC 8508."""

import pytest

from imapbox.imap.settings import Settings
from imapbox.model.errors import MailboxBusy
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

NEW = b"Subject: new\r\n\r\n"
BIG = Settings(message_limit=1000)


@pytest.fixture
def client() -> Client:
    account = FakeAccount()
    account.boxes["Sent"] = account._new_box()
    for number in range(3):
        account.inbox.add(b"Subject: %d\r\n\r\n" % number)
    return Client(account, settings=BIG).login().select()


def subjects(client: Client, name: str = "INBOX") -> list[bytes]:
    return [each.octets[9:-4] for each in client.account.boxes[name].messages.values()]


def replace(client: Client, what: bytes, octets: bytes = NEW) -> bytes:
    return client.say(b"t %b {%d+}\r\n%b\r\n" % (what, len(octets), octets))


@pytest.mark.parametrize("command", [b"REPLACE 2 INBOX", b"UID REPLACE 2 inbox"])
def test_one_takes_the_place_of_another(client: Client, command: bytes) -> None:
    """The new one is told of before the old one goes, whatever its flags."""
    assert replace(client, command) == (
        b"* OK [APPENDUID 101 4] Stored.\r\n"
        b"* 2 EXPUNGE\r\n* 3 EXISTS\r\n* 3 RECENT\r\nt OK Replaced.\r\n"
    )
    assert subjects(client) == [b"0", b"2", b"new"]


def test_a_draft_becomes_what_was_sent(client: Client) -> None:
    """The new one may go to another mailbox, with its own flags and date."""
    said = replace(
        client, b'UID REPLACE 1 Sent (\\Seen $x) "14-Nov-2023 23:13:20 +0100"'
    )
    assert said.startswith(b"* OK [APPENDUID 102 1] Stored.\r\n* 1 EXPUNGE\r\n")
    assert subjects(client) == [b"1", b"2"]
    (sent,) = client.account.boxes["Sent"].messages.values()
    assert sent.date.seconds == 1_700_000_000
    assert client.account.boxes["Sent"].keywords == ["$x"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"REPLACE 9 INBOX", b"t BAD No such message."),
        (b"UID REPLACE 9 INBOX", b"t NO [NONEXISTENT] "),
        (b"REPLACE 1 nowhere", b"t NO [TRYCREATE] "),
        (b"REPLACE 1:2 INBOX", b"t BAD "),
        (b"REPLACE 1,2 INBOX", b"t BAD "),
        (b"REPLACE $ INBOX", b"t BAD "),
        (b"REPLACE 0 INBOX", b"t BAD "),
        (b"REPLACE 1 INBOX (\\Seen", b"t BAD "),
    ],
)
def test_what_can_not_be_replaced(
    client: Client, command: bytes, answer: bytes
) -> None:
    """A wrong number or mailbox is refused before the message is invited."""
    said = client.say(b"t %b {16}\r\n" % command)
    assert said.startswith(answer)
    assert subjects(client) == [b"0", b"1", b"2"]
    # Whoever sends it uninvited is not misread.
    assert replace(client, command).startswith(answer)
    assert client.say(b"n NOOP\r\n").startswith(b"n OK ")
    assert subjects(client) == [b"0", b"1", b"2"]


def test_one_message_only(client: Client) -> None:
    """A REPLACE has one message; two are BAD, and neither is stored."""
    said = client.say(b"t REPLACE 1 INBOX {1+}\r\na {1+}\r\nb\r\nn NOOP\r\n")
    assert said == b"t BAD Not a valid end of command.\r\nn OK Nothing more.\r\n"
    assert subjects(client) == [b"0", b"1", b"2"]


def test_sizes_are_those_of_append(client: Client) -> None:
    """What APPEND would not take, REPLACE does not."""
    assert replace(client, b"REPLACE 1 INBOX", b"x" * 1001).startswith(
        b"t NO [TOOBIG] "
    )
    assert replace(client, b"REPLACE 1 INBOX", b"").startswith(b"t NO [CANNOT] ")
    assert subjects(client) == [b"0", b"1", b"2"]


def test_nothing_is_replaced_in_a_mailbox_that_is_read_only(client: Client) -> None:
    """After EXAMINE nothing can be removed, and so nothing is stored."""
    client.say(b"e EXAMINE INBOX\r\n")
    assert replace(client, b"REPLACE 1 Sent").startswith(b"t NO [READ-ONLY] ")
    assert subjects(client, "Sent") == []


def test_what_is_gone_already(client: Client) -> None:
    """What somebody else expunged can't be replaced, and nothing is stored."""
    del client.account.inbox.messages[2]
    said = replace(client, b"REPLACE 2 INBOX")
    assert b"t NO [EXPUNGEISSUED] " in said
    assert subjects(client) == [b"0", b"2"]


@pytest.mark.parametrize("name", ["INBOX", "Sent"])
def test_where_the_old_one_can_not_be_removed(client: Client, name: str) -> None:
    """Where the old one can't be removed, the new one is, and nobody is told of it."""
    client.account.pause = refusing(MailboxBusy(), "remove")
    said = replace(client, b"REPLACE 2 " + name.encode())
    assert said.startswith(b"t NO [INUSE] ")
    assert subjects(client) == [b"0", b"1", b"2"]
    assert subjects(client, "Sent") == []


def test_names_change_while_the_old_one_is_removed(client: Client) -> None:
    """A mailbox that is renamed to where the new one went keeps what it has."""
    boxes = client.account.boxes
    boxes["Important"] = client.account._new_box()
    boxes["Important"].add(b"Subject: important\r\n\r\n")

    async def pause(what: str) -> None:
        if what == "remove":
            boxes["Old"] = boxes.pop("Sent")
            boxes["Sent"] = boxes.pop("Important")
            raise MailboxBusy

    client.account.pause = pause
    assert replace(client, b"REPLACE 2 Sent").startswith(b"t NO [INUSE] ")
    assert subjects(client, "Sent") == [b"important"]
    assert subjects(client, "Old") == []


def test_uids_that_vanished_are_told_to_who_wants_them(client: Client) -> None:
    """With QRESYNC it is told as UID EXPUNGE tells it: RFC 8508 §4.5."""
    client.say(b"e ENABLE QRESYNC\r\n")
    said = replace(client, b"UID REPLACE 2 INBOX")
    assert b"* VANISHED 2\r\n" in said
    assert said.splitlines()[-1].startswith(b"t OK [HIGHESTMODSEQ ")
