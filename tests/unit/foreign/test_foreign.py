"""Foreign accounts behind our engine: as bare as their interfaces allow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from twisted.mail import imap4
from zope.interface import alsoProvides

from imapbox.foreign.capabilities import HAS, LACKS
from imapbox.foreign.mailbox import POLL_SECONDS
from imapbox.foreign.octets import OCTETS_AT_ONCE
from imapbox.foreign.rows import Keywords, rows_of
from imapbox.imap.capabilities import AFTER_LOGIN, ALWAYS
from tests.support.foreign_mail import Boxes, client_of
from tests.support.imap_client import Client, FakeLogins, answer

PLAIN = b"Subject: one\nFrom: a@example.org\n\nhay needle\n"
WHEN = b'"14-Nov-2023 23:13:20 +0100"'
PARTS = (
    b"Subject: two\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    b"Content-Type: text/plain\n\nfirst\n--b\n"
    b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGk=\n--b--\n"
)


@pytest.fixture
def boxes() -> Boxes:
    """Return an account whose INBOX has UIDs 1 and 3."""
    boxes = Boxes()
    boxes.inbox.add(PLAIN, "\\Seen", "\\Odd", "Work")
    boxes.inbox.add(b"Subject: gone\n\n")
    boxes.inbox.add(PARTS)
    del boxes.inbox.messages[1]
    return boxes


@pytest.fixture
def client(boxes: Boxes) -> Client:
    return client_of(boxes)


def test_what_is_offered(client: Client) -> None:
    """No more is announced than works, also before login; all else is BAD."""
    offered = set(answer(client, b"CAPABILITY").decode().split()[2:])
    assert {each for each in offered if not each.startswith("APPENDLIMIT=")} == HAS
    assert {*ALWAYS, *AFTER_LOGIN} == HAS | LACKS
    logins = FakeLogins(client.account, lacks=LACKS)
    assert b"IMAP4rev2" not in Client(logins=logins).heard()
    for lacking in (b"MOVE 1 INBOX", b"UID EXPUNGE 1", b"FETCH 1 MODSEQ"):
        assert b" is not offered here." in client.select().say(b"t %b\r\n" % lacking)
    assert b"* ENABLED UTF8=ACCEPT\r\n" in answer(
        client, b"ENABLE CONDSTORE QRESYNC UTF8=ACCEPT IMAP4rev2"
    )


def test_the_tree(client: Client, boxes: Boxes) -> None:
    """The application's delimiter is "/" here; what fits no name is not shown."""
    said = answer(client, b'LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT))')
    assert said.splitlines() == [
        b'* LIST (\\HasNoChildren) "/" INBOX',
        b"* STATUS INBOX (MESSAGES 2 UIDNEXT 4)",
        b'* LIST (\\Subscribed \\HasNoChildren) "/" Work/Old',
        b"* STATUS Work/Old (MESSAGES 0 UIDNEXT 1)",
    ]
    answer(client, b"CREATE Work/New")
    answer(client, b"RENAME Work/New Neu")
    answer(client, b"SUBSCRIBE Neu")
    assert sorted(boxes.boxes) == ["Neu", "Work.Old", "a/b", "inbox"]
    assert b'* LSUB () "/" Neu' in answer(client, b'LSUB "" *')
    answer(client, b"UNSUBSCRIBE Neu")
    answer(client, b"DELETE Neu")
    refused = {
        b"DELETE Neu": b"NO [NONEXISTENT]",
        b"CREATE Work/Old": b"NO [ALREADYEXISTS]",
        b"RENAME Work/Old inbox/x": b"OK",
        b"UNSUBSCRIBE Neu": b"NO [CANNOT] no] suchthing",
        b"SELECT Neu": b"NO [NONEXISTENT]",
        b"APPEND Neu {1+}\r\nx": b"NO [TRYCREATE]",
        b"NAMESPACE": b"* NAMESPACE (",
    }
    for asked, told in refused.items():
        assert told in client.say(b"t %b\r\n" % asked)


def test_namespaces_are_what_a_presenter_presents(boxes: Boxes) -> None:
    """Without a presenter there is one namespace; with one, those that it tells."""
    assert b'NAMESPACE (("" "/")) NIL NIL' in answer(client_of(boxes), b"NAMESPACE")

    alsoProvides(boxes, imap4.INamespacePresenter)
    said = answer(client_of(boxes), b"NAMESPACE")
    assert b'* NAMESPACE (("" "/")) NIL (("news/" "/"))' in said


def test_a_day(client: Client, boxes: Boxes) -> None:
    """SELECT, FETCH, STORE, SEARCH, COPY, APPEND and EXPUNGE do what they do."""
    said = client.say(b"s SELECT INBOX\r\n")
    for line in (b"2 EXISTS", b"1 RECENT", b"OK [UIDVALIDITY 7]", b"OK [UIDNEXT 4]"):
        assert b"* %b" % line in said
    assert b"HIGHESTMODSEQ" not in said
    assert b"MAILBOXID" not in said
    assert answer(client, b"FETCH 1:* (UID FLAGS INTERNALDATE)").splitlines() == [
        b"* 1 FETCH (UID 1 FLAGS (\\Seen Work) INTERNALDATE %b)" % WHEN,
        b"* 2 FETCH (UID 3 FLAGS (\\Recent) INTERNALDATE %b)" % WHEN,
    ]
    whole = answer(client, b"FETCH 2 BODY[]")
    assert b"\\Seen" in whole
    size = int(whole.partition(b"BODY[] {")[2].partition(b"}")[0])
    assert b"RFC822.SIZE %d)" % size in answer(client, b"FETCH 2 RFC822.SIZE")
    assert b"BINARY[2] {2}\r\nhi" in answer(client, b"FETCH 2 BINARY.PEEK[2]")
    assert b'"one"' in answer(client, b"UID FETCH 1 (ENVELOPE BODYSTRUCTURE PREVIEW)")
    assert answer(client, b"SEARCH BODY first") == b"* SEARCH 2\r\n"
    assert answer(client, b"SORT (REVERSE SUBJECT) UTF-8 ALL") == b"* SORT 2 1\r\n"
    answer(client, b"UID STORE 3 FLAGS (\\Deleted Play)")
    assert answer(client, b"SEARCH KEYWORD play") == b"* SEARCH 2\r\n"
    assert boxes.inbox.messages[1].flags == {"\\Deleted", "Play"}
    assert b"OK Copied." in client.say(b"t COPY 1:2 Work/Old\r\n")
    copied = boxes.boxes["Work.Old"].messages
    assert [each.flags for each in copied] == [
        {"\\Seen", "\\Odd", "Work"},
        {"\\Deleted", "Play"},
    ]
    said = client.say(b"t APPEND INBOX (\\Seen) %b {3+}\r\nabc\r\n" % WHEN)
    assert b"* 3 EXISTS\r\n" in said
    assert b"t OK Message stored.\r\n" in said
    assert boxes.inbox.messages[2].octets == b"abc"
    assert answer(client, b"EXPUNGE") == b"* 2 EXPUNGE\r\n"
    assert b"(MESSAGES 2 UNSEEN 0)" in answer(client, b"STATUS INBOX (MESSAGES UNSEEN)")


def test_what_others_do_is_told(client: Client, boxes: Boxes) -> None:
    """What came, went and changed, though nobody said so, the next NOOP tells."""
    client.select()
    box = boxes.inbox
    box.messages[0].flags = {"\\Answered", "New"}
    box.add(PLAIN)
    del box.messages[1]
    # Positions may not move yet: RFC 9051 §7.5.1.
    assert b"FETCH (UID 1 FLAGS (\\Answered New" in answer(client, b"FETCH 1 UID")
    assert client.say(b"t FETCH 2 BODY[]\r\n").startswith(b"t NO [EXPUNGEISSUED]")
    assert answer(client, b"NOOP") == b"* 2 EXPUNGE\r\n* 2 EXISTS\r\n* 1 RECENT\r\n"
    assert answer(client, b"FETCH 2 UID") == b"* 2 FETCH (UID 4)\r\n"
    assert answer(client, b"NOOP") == b""


def test_idle_hears_the_listener_and_looks_by_itself(
    client: Client, boxes: Boxes
) -> None:
    """Who idles is told at once if the mailbox tells, else within a bounded time."""
    client.select()
    client.say(b"i IDLE\r\n")
    boxes.inbox.add(PLAIN)
    assert client.turn(1) == b""
    (listener,) = boxes.inbox.listeners
    listener.newMessages(3, None)
    assert b"* 3 EXISTS" in client.turn()
    boxes.inbox.add(PLAIN)
    listener.modeChanged(True)
    assert b"* 4 EXISTS" in client.turn(POLL_SECONDS)
    assert b"i OK" in client.say(b"DONE\r\n")


def test_a_searchable_mailbox_is_asked(boxes: Boxes) -> None:
    """Texts are asked of it as the stock server asks; what it can't say we find out."""
    box = boxes.box("inbox", imap4.ISearchableMailbox)
    box.add(PLAIN)
    box.add(PARTS)
    client = client_of(boxes).select()
    found = answer(client, b'SEARCH OR BODY NEEDLE HEADER X-No "" NOT DELETED')
    assert found == b"* SEARCH 1\r\n"
    assert box.searched == [[b"BODY", b"NEEDLE"]]
    answer(client, b"SEARCH CHARSET UTF-8 BODY {2+}\r\n\xc3\xb6")
    assert len(box.searched) == 1
    assert answer(client, b"UID SEARCH SUBJECT two") == b"* SEARCH 2\r\n"
    box.messages.pop(0)
    # Its first message is another one by now.
    assert answer(client, b"SEARCH TEXT two") == b"* SEARCH 2\r\n"
    assert answer(client, b"NOOP") == b"* 1 EXPUNGE\r\n"


def test_optional_interfaces_are_used(boxes: Boxes) -> None:
    """A copier copies, and what can be closed is closed."""
    old = boxes.box("Work.Old", imap4.IMessageCopier, imap4.ICloseableMailbox)
    client = client_of(boxes).select()
    assert b"OK Copied." in client.say(b"t UID COPY 1,3 Work/Old\r\n")
    assert old.copied == [1, 3]
    client.select(b"Work/Old")
    assert boxes.inbox.listeners == []
    client.drop()
    assert (old.closed, old.listeners, boxes.logouts) == (1, [], 1)


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("fetch", b"FETCH 1 BODY.PEEK[]"),
        ("fetch", b"SEARCH BODY x"),
        ("store", b"STORE 1 FLAGS ()"),
        ("expunge", b"EXPUNGE"),
        ("addMessage", b"APPEND INBOX {1+}\r\nx"),
        ("requestStatus", b"STATUS INBOX (MESSAGES)"),
        ("getUIDNext", b"SELECT INBOX"),
        ("isWriteable", b"SELECT INBOX"),
    ],
)
def test_a_fault_is_answered(boxes: Boxes, method: str, asked: bytes) -> None:
    """What the application's code raises is logged and answered NO; all goes on."""
    client = client_of(boxes).select()
    boxes.inbox.faults[method] = ZeroDivisionError("a fault")
    assert b"t NO [SERVERBUG] " in client.say(b"t %b\r\n" % asked)
    boxes.inbox.faults.clear()
    assert b"1 FETCH" in answer(client.select(), b"FETCH 1 FLAGS")
    boxes.inbox.faults["removeListener"] = ZeroDivisionError("another one")
    boxes.faults["logout"] = ZeroDivisionError("the last one")
    client.drop()
    assert boxes.logouts == 1


def test_what_is_read_only_stays_as_it_is(boxes: Boxes) -> None:
    """EXAMINE, and a mailbox that says so, change nothing; nor what refuses to."""
    client = client_of(boxes)
    boxes.inbox.writeable = False
    assert b"OK [READ-ONLY]" in client.say(b"s SELECT INBOX\r\n")
    assert b"NO [READ-ONLY]" in client.say(b"t STORE 1 FLAGS ()\r\n")
    boxes.inbox.writeable = True
    client.select()
    boxes.inbox.faults["store"] = imap4.ReadOnlyMailbox("no")
    assert b"NO [READ-ONLY]" in client.say(b"t STORE 1 FLAGS ()\r\n")


def test_numbers_that_lie_end_the_session(client: Client, boxes: Boxes) -> None:
    """UIDs that go back, or another UIDVALIDITY, are told with BYE, never as mail."""
    client.select()
    boxes.inbox.messages[1].uid = 2
    assert b"* BYE [NONEXISTENT]" in client.say(b"t NOOP\r\n")
    again = client_of(boxes).select()
    boxes.inbox.uidvalidity = 8
    assert b"* BYE [NONEXISTENT]" in again.say(b"t NOOP\r\n")


def test_what_can_not_be_opened_is_closed(boxes: Boxes) -> None:
    """SELECT of a mailbox whose numbers can't be is NO, and the mailbox is closed."""
    box = boxes.box("Work.Old", imap4.ICloseableMailbox)
    box.add(PLAIN)
    box.add(PLAIN)
    client = client_of(boxes)
    box.messages[0].uid = 9
    said = client.say(b"t SELECT Work/Old\r\n")
    assert said == b"t NO The application's mailbox has UIDs that are none.\r\n"
    assert box.closed == 1
    box.messages[0].uid = 1
    box.uidvalidity = 0
    said = client.say(b"t SELECT Work/Old\r\n")
    assert said == b"t NO The application's mailbox has no UIDVALIDITY.\r\n"
    assert box.closed == 2
    box.uidvalidity = 7
    box.faults["isWriteable"] = ZeroDivisionError("a fault")
    assert b"NO [SERVERBUG]" in client.say(b"t SELECT Work/Old\r\n")
    assert (box.closed, box.listeners) == (3, [])


class Turns:
    """A clock that counts how often somebody lets others have their turn."""

    def __init__(self) -> None:
        self.count = 0

    def callLater(self, _delay: float, call: Callable[..., Any], *args: Any) -> None:  # noqa: N802 - Twisted's
        self.count += 1
        call(*args)


async def test_large_messages_leave_others_their_turn(boxes: Boxes) -> None:
    """Messages that are put together for their sizes hold up nobody."""
    for size in (OCTETS_AT_ONCE // 2, OCTETS_AT_ONCE // 2, 3 * OCTETS_AT_ONCE):
        boxes.inbox.add(b"Subject: large\n\n" + b"x" * size)
    turns = Turns()
    uids = np.array([4, 5, 6], np.uint32)
    rows = [row async for _, row in rows_of(boxes.inbox, uids, Keywords(), turns)]
    assert len(rows) == 3
    # Behind the second, three times within the third, behind it, and at the end.
    assert turns.count == 6


def test_a_portal_decides(boxes: Boxes) -> None:
    """Whom the portal refuses is refused, and one that fails is not blamed on him."""
    client = client_of(boxes)
    assert b"t OK" in client.say(b"t UNAUTHENTICATE\r\n")
    assert boxes.logouts == 1
    client.say(b"a LOGIN ana wrong\r\n")
    assert b"a NO [AUTHENTICATIONFAILED]" in client.turn(5)
    assert b"b OK" in client.say(b"b LOGIN ana secret\r\n")
