"""STORE and EXPUNGE: RFC 9051 §6.4.3, §6.4.6."""

from collections.abc import Iterator

import pytest

from imapbox.mailbox.updates import Expunged, Update
from imapbox.model.numbers import Seq
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client


def account_with(count: int) -> FakeAccount:
    account = FakeAccount()
    for _ in range(count):
        account.inbox.add(b"A: b\r\n\r\nc", ["\\Seen"])
    account.inbox.recent_from = account.inbox.uidnext
    return account


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (b"FLAGS (\\Draft)", b"\\Draft"),
        (b"FLAGS ()", b""),
        (b"+FLAGS (\\Draft \\Deleted)", b"\\Deleted \\Seen \\Draft"),
        (b"+FLAGS \\Draft \\Deleted", b"\\Deleted \\Seen \\Draft"),
        (b"-FLAGS (\\seen \\Flagged)", b""),
        (b"+FLAGS ()", b"\\Seen"),
        (b"+FLAGS (\\Recent)", b"\\Seen"),
    ],
)
def test_what_store_does(change: bytes, flags: bytes) -> None:
    r"""STORE adds, removes or replaces flags, never \Recent, and tells them."""
    client = Client(account_with(2)).login().select()
    said = client.say(b"t STORE 2 %b\r\n" % change)
    assert said == b"* 2 FETCH (FLAGS (%b))\r\nt OK Flags stored.\r\n" % flags
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


def test_silent_store_tells_only_others() -> None:
    """.SILENT spares the client its own change; other sessions are told."""
    account = account_with(2)
    one, two = (Client(account).login().select() for _ in range(2))
    said = one.say(b"t STORE 1:2 -FLAGS.SILENT (\\Seen)\r\n")
    assert said == b"t OK Flags stored.\r\n"
    assert two.say(b"t NOOP\r\n") == (
        b"* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n"
        b"t OK Nothing more.\r\n"
    )


def test_uid_store_tells_uids() -> None:
    """UID STORE tells the UID with the flags, and skips who is not there."""
    account = account_with(3)
    del account.inbox.messages[2]
    client = Client(account).login().select()
    assert client.say(b"t UID STORE 2:99 FLAGS (\\Flagged)\r\n") == (
        b"* 2 FETCH (UID 3 FLAGS (\\Flagged))\r\nt OK Flags stored.\r\n"
    )
    assert client.say(b"t UID STORE 77 FLAGS ()\r\n") == b"t OK Flags stored.\r\n"
    assert client.say(b"t STORE 3 FLAGS ()\r\n") == b"t BAD No such message.\r\n"


@pytest.mark.parametrize("numbers", [b"2", b"1:3"])
def test_who_was_expunged_has_no_flags(numbers: bytes) -> None:
    """STORE by number tells no flags of the expunged, and says NO; silent, OK."""
    account = account_with(3)
    client = Client(account).login().select()
    del account.inbox.messages[2]
    said = client.say(b"t STORE %b +FLAGS (\\Flagged)\r\n" % numbers)
    assert b"* 2 FETCH" not in said
    assert said.count(b"\\Flagged") == (2 if numbers == b"1:3" else 0)
    assert said.endswith(b"t NO [EXPUNGEISSUED] Some messages were expunged.\r\n")
    said = client.say(b"t STORE %b +FLAGS.SILENT (\\Draft)\r\n" % numbers)
    assert said == b"t OK Flags stored.\r\n"
    said = client.say(b"t UID STORE 2 +FLAGS (\\Draft)\r\n")
    assert said == b"* 2 EXPUNGE\r\nt OK Flags stored.\r\n"


def test_new_keywords_are_announced() -> None:
    """A keyword nobody had is stored, and every session reads FLAGS anew."""
    account = account_with(1)
    one, two = (Client(account).login().select() for _ in range(2))
    said = one.say(b"t STORE 1 +FLAGS ($Work)\r\n")
    assert b"* 1 FETCH (FLAGS (\\Seen $Work))\r\n" in said
    for heard in (said, two.say(b"n NOOP\r\n")):
        assert b"* FLAGS (" in heard
        assert b"Draft $Work)\r\n* OK [PERMANENTFLAGS (" in heard
    assert two.heard() == b""


@pytest.mark.parametrize(
    "items",
    [
        b"FLAGS",
        b"(FLAGS RFC822.SIZE)",
        b"(FLAGS ENVELOPE)",
        b"(FLAGS BODY.PEEK[HEADER])",
        b"BODY[]",
    ],
)
def test_new_keywords_are_announced_before_their_use(items: bytes) -> None:
    """FLAGS comes before the first FETCH with a new keyword, whatever was asked."""
    account = account_with(2)
    account.inbox.messages[1].flags = 0
    one, two = (Client(account).login().select() for _ in range(2))
    one.say(b"t STORE 1 +FLAGS ($Work)\r\n")
    said = two.say(b"t FETCH 1 " + items + b"\r\n")
    announced, _, told = said.partition(b"* 1 FETCH (")
    assert b"* FLAGS (" in announced
    assert b"* OK [PERMANENTFLAGS (" in announced
    assert b"$Work" in told
    assert b"* FLAGS (" not in told


def test_a_keyword_defined_during_a_fetch_is_announced() -> None:
    """A keyword that comes up while a long FETCH is told is announced before it."""
    account = account_with(5000)
    client = Client(account).login().select()
    client.protocol.dataReceived(b"t FETCH 1:* FLAGS\r\n")
    account.inbox.messages[5000].keywords = account.inbox.bit_of("$Work")
    said = client.turn()
    assert said.index(b"* FLAGS (") < said.index(b"* 5000 FETCH (FLAGS (\\Seen $Work))")
    assert said.count(b"* FLAGS (") == 1


def test_changes_that_can_not_be_told_end_the_session() -> None:
    """Where not all changes can be told the connection is closed, without an OK."""
    account = account_with(3)
    client = Client(account).login().select()
    mailbox = account.open[0]

    def broken() -> Iterator[Update]:
        yield Expunged(Seq(3))
        raise OSError

    async def sync(*, may_expunge: bool) -> Iterator[Update]:
        assert may_expunge
        return broken()

    mailbox.sync = sync
    for command in (b"NOOP", b"COPY 1 INBOX"):
        assert client.say(b"t %b\r\n" % command) == b"* 3 EXPUNGE\r\n"
        assert client.closed
        client = Client(account).login().select()
        account.open[-1].sync = sync


def test_expunge_tells_from_the_end() -> None:
    """EXPUNGE tells each message that went, with the position it then had."""
    client = Client(account_with(4)).login().select()
    client.say(b"s STORE 1,3:4 +FLAGS.SILENT (\\Deleted)\r\n")
    assert client.say(b"t EXPUNGE\r\n") == (
        b"* 4 EXPUNGE\r\n* 3 EXPUNGE\r\n* 1 EXPUNGE\r\nt OK Expunged.\r\n"
    )
    assert client.say(b"f FETCH 1 UID\r\n").startswith(b"* 1 FETCH (UID 2)\r\n")


@pytest.mark.parametrize(
    ("uids", "gone"),
    [
        (b"2:3,7", []),
        (b"*", [5]),
        (b"4,9:4294967295", [2]),
        (b"9:*", [5]),
        (b"9,1", []),
        (b"8:4", [5, 3, 2]),
        (b"1:*", [5, 3, 2]),
    ],
)
def test_uid_expunge_takes_only_what_it_names(uids: bytes, gone: list[int]) -> None:
    r"""UID EXPUNGE removes what it names and is \Deleted: RFC 4315 §2.1."""
    account = account_with(8)
    client = Client(account).login().select()
    client.say(b"s STORE 1,3,6 +FLAGS.SILENT (\\Deleted)\r\ne EXPUNGE\r\n")
    # 2, 4, 5, 7 and 8 are left.
    client.say(b"s UID STORE 4:5,8 +FLAGS.SILENT (\\Deleted)\r\n")
    said = client.say(b"t UID EXPUNGE " + uids + b"\r\n")
    expected = b"".join(b"* %d EXPUNGE\r\n" % seq for seq in gone)
    assert said == expected + b"t OK Expunged.\r\n"


def test_sessions_agree() -> None:
    """After a NOOP each, two sessions have been told the same."""
    account = account_with(6)
    one, two = (Client(account).login().select() for _ in range(2))
    one.say(b"a STORE 2:3 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\n")
    two.say(b"a STORE 1 +FLAGS (blue)\r\nb APPEND INBOX (red) {1+}\r\nx\r\n")
    one.say(b"n NOOP\r\n")
    two.say(b"n NOOP\r\n")
    rows = [each.say(b"f UID FETCH 1:* FLAGS\r\n") for each in (one, two)]
    assert rows[0].replace(b" \\Recent", b"") == rows[1].replace(b" \\Recent", b"")
    assert rows[0].count(b"FETCH (") == 5


def test_a_large_store_is_one_commit() -> None:
    """A STORE of 10,000 messages changes them together and tells each."""
    account = account_with(10_000)
    client = Client(account).login().select()
    before = account.inbox.modseq
    said = client.say(b"t STORE 1:* FLAGS (\\Flagged)\r\n")
    said += client.turn()
    assert said.count(b"FETCH (FLAGS (\\Flagged))\r\n") == 10_000
    assert said.endswith(b"t OK Flags stored.\r\n")
    assert account.inbox.modseq == before + 1
