"""LIST that tells counts, too: RFC 5819."""

import pytest

from imapbox.mailbox.values import Status
from imapbox.model.errors import MailboxBusy, MailboxDamaged, NoSuchMailbox
from imapbox.model.names import MailboxName
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client


@pytest.fixture
def client() -> Client:
    client = Client().login()
    for name in (b"a/b", b"z"):
        assert client.say(b"c CREATE %b\r\n" % name).startswith(b"c OK ")
    client.say(b"c SUBSCRIBE z\r\n")
    client.say(b"a APPEND z {1+}\r\nx\r\n")
    client.say(b"a APPEND z (\\Deleted \\Seen) {2+}\r\nxy\r\n")
    return client


def heard(client: Client, command: bytes) -> list[bytes]:
    *rows, answer, end = client.say(b"t " + command + b"\r\n").split(b"\r\n")
    assert (answer, end) == (b"t OK Listed.", b"")
    return rows


def test_counts_follow_names(client: Client) -> None:
    """Each mailbox's STATUS follows its LIST; a name that is none has no STATUS."""
    asked = b"RETURN (STATUS (MESSAGES UNSEEN SIZE DELETED UIDNEXT MESSAGES) CHILDREN)"
    assert heard(client, b'LIST "" % ' + asked) == [
        b'* LIST (\\HasNoChildren) "/" INBOX',
        b"* STATUS INBOX (MESSAGES 0 UNSEEN 0 SIZE 0 DELETED 0 UIDNEXT 1)",
        b'* LIST (\\NonExistent \\HasChildren) "/" a',
        b'* LIST (\\HasNoChildren) "/" z',
        b"* STATUS z (MESSAGES 2 UNSEEN 1 SIZE 3 DELETED 1 UIDNEXT 3)",
    ]


def test_who_is_shown_for_others_has_no_counts(client: Client) -> None:
    """What is shown for the sake of names below it, or is not there, isn't counted."""
    client.say(b"c SUBSCRIBE a/b\r\n")
    client.say(b"c SUBSCRIBE gone\r\n")
    client.say(b"c CREATE a\r\n")
    rows = heard(
        client, b'LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES))'
    )
    assert rows == [
        b'* LIST (\\HasChildren) "/" a ("CHILDINFO" ("SUBSCRIBED"))',
        b'* LIST (\\NonExistent \\Subscribed \\HasNoChildren) "/" gone',
        b'* LIST (\\Subscribed \\HasNoChildren) "/" z',
        b"* STATUS z (MESSAGES 2)",
    ]


def test_modseqs_are_told_from_then_on(client: Client) -> None:
    """Who asks for HIGHESTMODSEQ is told modseqs from then on: RFC 7162 §3.1."""
    client.select(b"z")
    said = client.say(b't LIST "" z RETURN (STATUS (HIGHESTMODSEQ))\r\n')
    assert said == (
        b"* OK [HIGHESTMODSEQ 3] Highest mod-sequence.\r\n"
        b'* LIST (\\Subscribed \\HasNoChildren) "/" z\r\n'.replace(
            b"\\Subscribed ", b""
        )
        + b"* STATUS z (HIGHESTMODSEQ 3)\r\nt OK Listed.\r\n"
    )
    assert b"MODSEQ (" in client.say(b"t STORE 1 FLAGS (\\Seen)\r\n")


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (NoSuchMailbox, b'* LIST (\\NonExistent \\HasNoChildren) "/" z'),
        (MailboxBusy, b'* LIST (\\HasNoChildren) "/" z'),
        (MailboxDamaged, b'* LIST (\\HasNoChildren) "/" z'),
    ],
)
def test_one_mailbox_fails_alone(
    client: Client, error: type[Exception], row: bytes
) -> None:
    """Where the counts of one can't be had, it is told without, and so are all others.

    One that went meanwhile is said to be none: RFC 5819 §2.
    """
    status = client.account.status

    async def fail_at_z(name: MailboxName, **wanted: bool) -> Status:
        if name == "z":
            raise error(name)
        return await status(name, **wanted)

    client.account.status = fail_at_z
    rows = heard(client, b'LIST "" * RETURN (STATUS (MESSAGES))')
    assert rows[-1] == row
    assert [each for each in rows if each.startswith(b"* STATUS")] == [
        b"* STATUS INBOX (MESSAGES 0)",
        b"* STATUS a/b (MESSAGES 0)",
    ]


def test_those_that_need_not_be_opened_are_counted_at_once(client: Client) -> None:
    """What need not be opened is counted for many at once; for DELETED all must be."""
    client.account.quick = {"INBOX", "z"}
    asked = []

    async def note(what: str) -> None:
        asked.append(what)

    slow = heard(client, b'LIST "" * RETURN (STATUS (MESSAGES DELETED))')
    client.account.pause = note
    rows = heard(client, b'LIST "" * RETURN (STATUS (MESSAGES))')
    assert rows == [
        each.replace(b" DELETED 0", b"").replace(b" DELETED 1", b"") for each in slow
    ]
    assert asked.count("quick_status") == 1
    assert asked.count("status") == 3  # two of them by the fake's quick_status
    heard(client, b'LIST "" * RETURN (CHILDREN)')
    assert asked.count("quick_status") == 1


def test_others_have_their_turn() -> None:
    """Of a thousand mailboxes the counts come in slices, and others are served."""
    account = FakeAccount()
    for number in range(1000):
        account.boxes[f"box{number:03}" + "x" * 100] = account._new_box()
    client = Client(account).login()
    client.protocol.dataReceived(b't LIST "" * RETURN (STATUS (MESSAGES))\r\n')
    said, turns = client.heard(), 0
    while client.reactor_turn():
        turns += 1
        said += client.heard()
    assert turns >= 3
    assert said.endswith(b"t OK Listed.\r\n")
    assert said.count(b"* STATUS box") == 1000


def test_a_client_that_left_is_not_counted_for() -> None:
    """A connection that is closed ends the counting."""
    account = FakeAccount()
    for number in range(1000):
        account.boxes[f"box{number:03}" + "x" * 100] = account._new_box()
    asked = []

    async def note(what: str) -> None:
        asked.append(what)

    client = Client(account).login()
    account.pause = note
    client.transport.read = False
    client.protocol.dataReceived(b't LIST "" * RETURN (STATUS (MESSAGES))\r\n')
    client.drop()
    client.turn()
    assert 0 < len(asked) < 1000
