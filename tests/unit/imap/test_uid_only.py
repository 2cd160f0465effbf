"""UIDONLY: RFC 9586."""

import pytest

from imapbox.model.flags import Flag
from tests.support.elsewhere import change, expunge
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

WANTED = b"BAD [UIDREQUIRED] After ENABLE UIDONLY messages have UIDs only.\r\n"


@pytest.fixture
def account() -> FakeAccount:
    """Of ten messages the first four are gone."""
    account = FakeAccount()
    inbox = account.inbox
    for _ in range(10):
        inbox.add(b"Subject: x\r\n\r\nbody\r\n")
    for uid in range(1, 5):
        del inbox.messages[uid]
    inbox.recent_from = inbox.uidnext
    return account


@pytest.fixture
def client(account: FakeAccount) -> Client:
    client = Client(account).login()
    said = client.say(b"e ENABLE UIDONLY\r\n")
    assert said == b"* ENABLED UIDONLY\r\ne OK Enabled.\r\n"
    return client


@pytest.mark.parametrize(
    "command",
    [
        b"FETCH 1 FLAGS",
        b"FETCH $ UID",
        b"STORE 1 FLAGS ()",
        b"STORE 1:* +FLAGS.SILENT (\\Seen)",
        b"COPY 1 INBOX",
        b"MOVE 1 INBOX",
        b"REPLACE 1 INBOX {1+}\r\nx",
        b"SEARCH ALL",
        b"SEARCH RETURN (SAVE) UID 1",
        b"UID SEARCH 1:*",
        b"UID SEARCH NOT OR SEEN 3",
        b"SORT (DATE) UTF-8 ALL",
        b"UID SORT (DATE) UTF-8 1:*",
        b"SELECT INBOX (QRESYNC (101 11 1:10 (1 5)))",
    ],
)
def test_whatever_names_positions_is_refused(client: Client, command: bytes) -> None:
    """Commands that name sequence numbers, or would tell them, are BAD."""
    client.say(b"e ENABLE QRESYNC\r\n")
    client.say(b"s SELECT INBOX\r\n")
    assert client.say(b"t " + command + b"\r\n") == b"t " + WANTED
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n", "nothing was done"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (b"FETCH 5 FLAGS", b"* 5 UIDFETCH (FLAGS ())\r\n"),
        (b"FETCH 5 (UID FLAGS)", b"* 5 UIDFETCH (UID 5 FLAGS ())\r\n"),
        (b"FETCH 6 (UID RFC822.SIZE)", b"* 6 UIDFETCH (UID 6 RFC822.SIZE 20)\r\n"),
        (b"FETCH 7 BODY.PEEK[1]", b"* 7 UIDFETCH (BODY[1] {6}\r\nbody\r\n)\r\n"),
        (b"FETCH 8 PREVIEW", b'* 8 UIDFETCH (PREVIEW "body")\r\n'),
        (b"STORE 9 +FLAGS (\\Seen)", b"* 9 UIDFETCH (FLAGS (\\Seen))\r\n"),
        (b"SEARCH UID 9:*", b"* SEARCH 9 10\r\n"),
        (b"SEARCH RETURN (COUNT) $", b'* ESEARCH (TAG "t") UID COUNT 0\r\n'),
    ],
)
def test_messages_are_told_by_their_uids(
    client: Client, command: bytes, told: bytes
) -> None:
    """A row begins with the message's UID, which needs no item then."""
    client.say(b"s SELECT INBOX\r\n")
    said = client.say(b"t UID " + command + b"\r\n")
    assert said.startswith(told)
    assert said[len(told) :].startswith(b"t OK ")


def test_changes_are_told_by_their_uids(account: FakeAccount, client: Client) -> None:
    """What others did is told by UIDs: flags, and who went."""
    client.say(b"s SELECT INBOX\r\n")
    change(account, 10, Flag.FLAGGED)
    expunge(account, 5, 6, 8)
    said = client.say(b"n NOOP\r\n")
    assert sorted(said.splitlines()) == [
        b"* 10 UIDFETCH (FLAGS (\\Flagged))",
        b"* VANISHED 5:6,8",
        b"n OK Nothing more.",
    ]


def test_modseqs_come_with_them(account: FakeAccount, client: Client) -> None:
    """CONDSTORE and QRESYNC go together with it; so does what was missed."""
    client.say(b"e ENABLE QRESYNC\r\n")
    before = account.inbox.modseq
    change(account, 10, Flag.SEEN)
    said = client.say(b"s SELECT INBOX (QRESYNC (101 %d))\r\n" % before)
    row = b"* 10 UIDFETCH (FLAGS (\\Seen) MODSEQ (%d))\r\n"
    assert row % account.inbox.modseq in said
    said = client.say(b"t UID STORE 10 (UNCHANGEDSINCE 1) FLAGS ()\r\n")
    assert said.startswith(row % account.inbox.modseq)
    assert b"t OK [MODIFIED 10] " in said


def test_select_names_no_position(client: Client) -> None:
    """SELECT doesn't say at which position the first unseen message is."""
    said = client.say(b"s SELECT INBOX\r\n")
    assert b"UNSEEN" not in said
    assert b"* 6 EXISTS\r\n" in said


def test_it_may_begin_with_a_mailbox_open(account: FakeAccount) -> None:
    """From the answer to ENABLE on, not a moment later; and nobody keeps it."""
    client = Client(account).login().select()
    assert client.say(b"a FETCH 1 UID\r\n").startswith(b"* 1 FETCH (UID 5)\r\n")
    client.say(b"e ENABLE UIDONLY\r\n")
    assert client.say(b"b FETCH 1 UID\r\n") == b"b " + WANTED
    assert client.say(b"c UID FETCH 5 UID\r\n").startswith(b"* 5 UIDFETCH (UID 5)")
    assert client.say(b"e ENABLE UIDONLY\r\n").startswith(b"* ENABLED\r\n")
