"""COPY and MOVE: RFC 9051 §6.4.7 and §6.4.8, RFC 4315, RFC 6851."""

import pytest

from imapbox.model.errors import MailboxBusy, MailError, TooMuchAtOnce
from imapbox.model.flags import Flag
from imapbox.model.message import InternalDate
from imapbox.model.names import MailboxName
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

OLD = InternalDate(1_000_000_000, -90)
BOTH = ("COPY", "MOVE")


@pytest.fixture
def client() -> Client:
    """A client with four messages, of which the second is gone: 1, 3, 4, 5."""
    account = FakeAccount()
    for number in range(1, 6):
        account.inbox.add(b"A: %d\r\n\r\n" % number, ["\\Seen", "blue"], OLD)
    account.boxes["other"] = account._new_box()
    account.boxes["other"].bit_of("red")
    client = Client(account).login().select()
    client.say(b"a STORE 2 +FLAGS.SILENT (\\Deleted)\r\nb EXPUNGE\r\n")
    return client


def bodies(client: Client, name: str) -> list[bytes]:
    box = client.account.boxes[name]
    return [stored.octets for stored in box.messages.values()]


@pytest.mark.parametrize(
    ("which", "originals", "copies"),
    [
        (b"1", b"1", b"1"),
        (b"1:2", b"1,3", b"1:2"),
        (b"4,1", b"1,5", b"1:2"),
        (b"*:1", b"1,3:5", b"1:4"),
    ],
)
def test_copies_are_named(
    client: Client, which: bytes, originals: bytes, copies: bytes
) -> None:
    """COPY says which UIDs the copies of which messages have: RFC 4315 §3."""
    said = client.say(b"t COPY " + which + b" other\r\n")
    assert said == b"t OK [COPYUID 102 %b %b] Copied.\r\n" % (originals, copies)


def test_a_line_that_nobody_reads_is_not_said() -> None:
    """COPYUID is left out where it had more than 10,000 ranges."""
    account = FakeAccount()
    for _ in range(20_002):
        account.inbox.add(b"x")
    for uid in range(2, 20_001, 2):
        del account.inbox.messages[uid]
    account.boxes["other"] = account._new_box()
    client = Client(account).login().select()
    # 1, 3 and so on to 19999, and then 20001:20002.
    said = client.say(b"t UID COPY 1:20000 other\r\n")
    assert said.startswith(b"t OK [COPYUID 102 1,3,5,")
    assert len(said) < 64 * 1024
    said = client.say(b"t UID COPY 1:* other\r\n")
    assert said == b"t OK Copied.\r\n"


def test_a_copy_keeps_what_it_had(client: Client) -> None:
    """A copy has the octets, flags, keywords and date of the original."""
    client.say(b"t UID COPY 3 other\r\n")
    (stored,) = client.account.boxes["other"].messages.values()
    assert (stored.octets, stored.date) == (b"A: 3\r\n\r\n", OLD)
    assert stored.flags == Flag.SEEN
    assert client.account.boxes["other"].keywords == ["red", "blue"]
    assert stored.keywords == 0b10
    assert len(client.account.inbox.messages) == 4


def test_moved_is_told_before_gone(client: Client) -> None:
    """MOVE says where messages went, and then that they went: RFC 6851 §4.3."""
    assert client.say(b"t MOVE 2:3 other\r\n") == (
        b"* OK [COPYUID 102 3:4 1:2] Moved.\r\n"
        b"* 3 EXPUNGE\r\n* 2 EXPUNGE\r\nt OK Done.\r\n"
    )
    assert bodies(client, "other") == [b"A: 3\r\n\r\n", b"A: 4\r\n\r\n"]
    assert bodies(client, "INBOX") == [b"A: 1\r\n\r\n", b"A: 5\r\n\r\n"]


def test_many_are_moved_in_steps(client: Client) -> None:
    """What is moved in several commits is told with one COPYUID for each."""
    client.account.moves_at_once = 3
    assert client.say(b"t UID MOVE 1:* other\r\n") == (
        b"* OK [COPYUID 102 1,3:4 1:3] Moved.\r\n"
        b"* OK [COPYUID 102 5 4] Moved.\r\n"
        b"* 4 EXPUNGE\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\n* 1 EXPUNGE\r\nt OK Done.\r\n"
    )


@pytest.mark.parametrize(
    ("error", "code"), [(MailboxBusy(), b"INUSE"), (RuntimeError(), b"SERVERBUG")]
)
def test_a_move_that_ends_halfway_says_so(
    client: Client, error: Exception, code: bytes
) -> None:
    """Where a MOVE fails halfway, what was moved is told, and then NO."""
    client.account.moves_at_once = 2
    steps: list[str] = []

    async def fail(what: str) -> None:
        steps.append(what)
        if steps.count("move") == 2 and what == "move":
            raise error

    client.account.pause = fail
    said = client.say(b"t MOVE 1:4 other\r\n")
    assert said.startswith(
        b"* OK [COPYUID 102 1,3 1:2] Moved.\r\n"
        b"* 2 EXPUNGE\r\n* 1 EXPUNGE\r\nt NO [" + code + b"] "
    )
    assert len(bodies(client, "INBOX")) == 2


@pytest.mark.parametrize("command", BOTH)
def test_into_the_selected_mailbox(client: Client, command: str) -> None:
    """Messages may be copied or moved into the mailbox that they are in."""
    said = client.say(b"t " + command.encode() + b" 1 INBOX\r\n")
    if command == "COPY":
        assert said == (
            b"* 5 EXISTS\r\n* 5 RECENT\r\nt OK [COPYUID 101 1 6] Copied.\r\n"
        )
    else:
        assert said == (
            b"* OK [COPYUID 101 1 6] Moved.\r\n"
            b"* 1 EXPUNGE\r\n* 4 EXISTS\r\n* 4 RECENT\r\nt OK Done.\r\n"
        )


@pytest.mark.parametrize("command", BOTH)
@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (b"1 nowhere", b"NO [TRYCREATE] No mailbox has this name."),
        (b"1 &AAA-", b"NO [CANNOT] A mailbox can not have this name."),
        (b"5 other", b"BAD No such message."),
        (b"0 other", b"BAD Not a valid sequence-set."),
        (b"1", b"BAD Not a valid space."),
        (b"1 other x", b"BAD Not a valid end of command."),
    ],
)
def test_refusals(
    client: Client, command: str, arguments: bytes, answer: bytes
) -> None:
    """What can't be copied or moved is refused, and nothing happens."""
    said = client.say(b"t %b %b\r\n" % (command.encode(), arguments))
    assert said == b"t " + answer + b"\r\n"
    assert bodies(client, "other") == []
    assert len(bodies(client, "INBOX")) == 4


@pytest.mark.parametrize("command", BOTH)
def test_uids_that_nobody_has(client: Client, command: str) -> None:
    """UIDs that no message has are passed over; a mailbox must be there even so."""
    said = client.say(b"t UID %b 2,99 other\r\n" % command.encode())
    assert said in {b"t OK Copied.\r\n", b"t OK Done.\r\n"}
    said = client.say(b"t UID %b 2,99 nowhere\r\n" % command.encode())
    assert said.startswith(b"t NO [TRYCREATE] ")


@pytest.mark.parametrize("command", BOTH)
def test_of_messages_that_are_gone_none_is_taken(client: Client, command: str) -> None:
    """Where another session expunged one of them, none is taken; it is told which."""
    del client.account.inbox.messages[4]
    said = client.say(b"t %b 1:4 other\r\n" % command.encode())
    assert said == (
        b"* 3 EXPUNGE\r\nt NO [EXPUNGEISSUED] Some messages were expunged.\r\n"
    )
    assert bodies(client, "other") == []


def test_what_is_read_only_is_not_moved(client: Client) -> None:
    """From a mailbox that was opened with EXAMINE messages are copied, not moved."""
    client.say(b"e EXAMINE INBOX\r\n")
    assert client.say(b"t MOVE 1 other\r\n").startswith(b"t NO [READ-ONLY] ")
    assert client.say(b"t COPY 1 other\r\n").startswith(b"t OK [COPYUID ")


@pytest.mark.parametrize("command", BOTH)
@pytest.mark.parametrize(
    ("error", "code"), [(MailboxBusy(), b"INUSE"), (TooMuchAtOnce(), b"LIMIT")]
)
def test_the_store_may_decline(
    client: Client, command: str, error: MailError, code: bytes
) -> None:
    """What the store declines is answered NO, and the session goes on."""
    client.account.pause = refusing(error, command.lower())
    said = client.say(b"t %b 1 other\r\n" % command.encode())
    assert said.startswith(b"t NO [" + code + b"] ")
    assert client.say(b"n NOOP\r\n") == b"n OK Nothing more.\r\n"


def test_the_source_of_a_name_is_any(client: Client) -> None:
    """A target is named as everywhere: in modified UTF-7, INBOX in any case."""
    client.account.boxes[MailboxName("öl")] = client.account._new_box()
    assert client.say(b"t COPY 1 &APY-l\r\n").startswith(b"t OK [COPYUID 103 ")
    assert client.say(b"t COPY 1 inbox\r\n").endswith(b"[COPYUID 101 1 6] Copied.\r\n")
