"""QRESYNC: RFC 7162 §3.2."""

import pytest

from imapbox.model.flags import Flag
from tests.support.elsewhere import change, expunge
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

BEFORE = b"* OK [CLOSED] The mailbox before is closed.\r\n"


@pytest.fixture
def account() -> FakeAccount:
    """Of ten messages 2, 5, 6 and 9 are gone, since modseqs 12, 13, 13 and 14."""
    account = FakeAccount()
    inbox = account.inbox
    for _ in range(10):
        inbox.add(b"Subject: x\r\n\r\nbody\r\n")
    for uid, modseq in ((2, 12), (5, 13), (6, 13), (9, 14)):
        del inbox.messages[uid]
        inbox.vanished[uid] = modseq
    inbox.modseq = 14
    for uid in (3, 10):
        change(account, uid, Flag.SEEN)
    inbox.recent_from = inbox.uidnext
    return account


@pytest.fixture
def client(account: FakeAccount) -> Client:
    client = Client(account).login()
    said = client.say(b"e ENABLE QRESYNC\r\n")
    assert said == b"* ENABLED QRESYNC\r\ne OK Enabled.\r\n"
    return client


THREE = b"* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (15))\r\n"
TEN = b"* 6 FETCH (UID 10 FLAGS (\\Seen) MODSEQ (16))\r\n"


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (b"11", b"* VANISHED (EARLIER) 2,5:6,9\r\n" + THREE + TEN),
        (b"12", b"* VANISHED (EARLIER) 5:6,9\r\n" + THREE + TEN),
        (b"14", THREE + TEN),
        (b"15", TEN),
        (b"16", b""),
        (b"99", b""),
        # Only of what the client holds.
        (b"11 1:5", b"* VANISHED (EARLIER) 2,5\r\n" + THREE),
        (b"11 6:4294967295", b"* VANISHED (EARLIER) 6,9\r\n" + TEN),
        # Up to where its numbers are right, it knows who went.
        (b"11 1:10 (1,2 1,2)", b"* VANISHED (EARLIER) 2,5:6,9\r\n" + THREE + TEN),
        (b"11 1:10 (1:4,9 1,3,4,7,9)", b"* VANISHED (EARLIER) 9\r\n" + THREE + TEN),
        (b"11 (1:6 1,3,4,7,8,10)", THREE + TEN),
    ],
)
def test_what_happened_is_told(client: Client, known: bytes, told: bytes) -> None:
    """SELECT tells who went and whose flags changed since the client was here."""
    said = client.say(b"t SELECT INBOX (QRESYNC (101 %b))\r\n" % known)
    _, _, behind = said.partition(b"* OK [HIGHESTMODSEQ 16] Highest mod-sequence.\r\n")
    assert behind == told + b"t OK [READ-WRITE] Mailbox opened.\r\n"


def test_where_history_begins_later(account: FakeAccount, client: Client) -> None:
    """Where it is not known who went since, all that are not there are told."""
    account.inbox.floor = 13
    said = client.say(b"t SELECT INBOX (QRESYNC (101 12 3:10))\r\n")
    assert b"* VANISHED (EARLIER) 5:6,9\r\n" in said
    said = client.say(b"t SELECT INBOX (QRESYNC (101 12 1:10 (3 4)))\r\n")
    assert b"* VANISHED (EARLIER) 5:6,9\r\n" in said, "4 is the third still"
    said = client.say(b"t SELECT INBOX (QRESYNC (101 13))\r\n")
    assert b"* VANISHED (EARLIER) 9\r\n" in said


def test_of_another_uidvalidity_nothing_is_told(client: Client) -> None:
    """What a client knows of another UIDVALIDITY is worth nothing."""
    said = client.say(b"t SELECT INBOX (QRESYNC (100 11 1:10))\r\n")
    assert b"VANISHED" not in said
    assert b"FETCH" not in said
    assert said.endswith(b"t OK [READ-WRITE] Mailbox opened.\r\n")


def test_it_is_enabled_first(account: FakeAccount) -> None:
    """Without ENABLE the parameter and the modifier are BAD, and nothing is left."""
    client = Client(account).login().select()
    said = client.say(b"t SELECT INBOX (QRESYNC (101 11))\r\n")
    assert said == b"t BAD ENABLE QRESYNC comes first.\r\n"
    said = client.say(b"t UID FETCH 1:* UID (CHANGEDSINCE 1 VANISHED)\r\n")
    assert said == b"t BAD ENABLE QRESYNC comes first.\r\n"
    assert client.say(b"t FETCH 1 UID\r\n").startswith(b"* 1 FETCH (UID 1)\r\n")


def test_uid_fetch_vanished(client: Client) -> None:
    """UID FETCH tells who went first, of the UIDs that it names."""
    client.say(b"s SELECT INBOX\r\n")
    said = client.say(b"t UID FETCH 3:9 FLAGS (CHANGEDSINCE 12 VANISHED)\r\n")
    assert said == b"* VANISHED (EARLIER) 5:6,9\r\n" + THREE + b"t OK Fetched.\r\n"


def test_uids_are_told_instead_of_positions(
    account: FakeAccount, client: Client
) -> None:
    """Who enabled QRESYNC is told UIDs of what goes; of its own, HIGHESTMODSEQ too."""
    client.say(b"s SELECT INBOX\r\n")
    expunge(account, 1, 3, 4)
    said = client.say(b"t NOOP\r\n")
    assert said == b"* VANISHED 1,3:4\r\nt OK Nothing more.\r\n"
    client.say(b"t UID STORE 7:8 +FLAGS.SILENT (\\Deleted)\r\n")
    said = client.say(b"t EXPUNGE\r\n")
    assert said == b"* VANISHED 7:8\r\nt OK [HIGHESTMODSEQ 19] Expunged.\r\n"
    account.boxes["other"] = account._new_box()
    said = client.say(b"t UID MOVE 10 other\r\n")
    assert said.startswith(b"* OK [COPYUID ")
    assert said.endswith(b"* VANISHED 10\r\nt OK [HIGHESTMODSEQ 19] Done.\r\n")


def test_what_waits_is_no_news_of_earlier(account: FakeAccount, client: Client) -> None:
    """A message that has a number still is not among what vanished earlier."""
    client.say(b"s SELECT INBOX\r\n")
    expunge(account, 3)
    said = client.say(b"t UID FETCH 1:* UID (CHANGEDSINCE 12 VANISHED)\r\n")
    assert said.startswith(b"* VANISHED (EARLIER) 5:6,9\r\n")
    assert b"* VANISHED 3\r\n" in said


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (b"FETCH 1 UID", False),
        (b"STORE 1 +FLAGS.SILENT (\\Draft)", False),
        (b"SEARCH UID 1", False),
        (b"UID SEARCH 1", False),
        (b"UID SEARCH NOT (SEEN 1:2)", False),
        (b"UID SEARCH UID 1", True),
        (b"UID FETCH 1 UID", True),
        (b"COPY 1 INBOX", True),
    ],
)
def test_where_numbers_are_named_none_moves(
    account: FakeAccount, client: Client, command: bytes, told: bool
) -> None:
    """While a command names sequence numbers nobody is told to be gone."""
    client.say(b"s SELECT INBOX\r\n")
    expunge(account, 8)
    said = client.say(b"t %b\r\n" % command)
    assert b"t OK" in said
    assert (b"VANISHED 8" in said) is told


def test_the_mailbox_before_is_closed(client: Client) -> None:
    """SELECT says where the responses for the mailbox before end, also if it fails."""
    assert b"CLOSED" not in client.say(b"s SELECT INBOX\r\n")
    assert client.say(b"s EXAMINE INBOX\r\n").startswith(BEFORE)
    assert client.say(b"s SELECT nowhere\r\n").startswith(BEFORE + b"s NO ")
    assert b"CLOSED" not in client.say(b"s SELECT INBOX\r\n")
