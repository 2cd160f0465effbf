"""CONDSTORE and ENABLE: RFC 7162 §3.1, RFC 5161."""

import pytest

from imapbox.imap.output import Output
from imapbox.model.flags import Flag
from tests.support.elsewhere import change
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

FIRST = b"* OK [HIGHESTMODSEQ 13] Highest mod-sequence.\r\n"


@pytest.fixture
def account() -> FakeAccount:
    r"""Three messages, changed last at 11, 12 and 13; the second is ``\Flagged``."""
    account = FakeAccount()
    for number, flags in enumerate(([], ["\\Flagged"], ["$Work"]), start=11):
        account.inbox.add(b"Subject: %d\r\n\r\nbody\r\n" % number, flags)
        account.inbox.messages[number - 10].modseq = number
    account.inbox.modseq = 13
    account.inbox.recent_from = account.inbox.uidnext
    return account


@pytest.fixture
def client(account: FakeAccount) -> Client:
    return Client(account).login().select()


def aware(client: Client) -> Client:
    """Let the client say that it knows modseqs."""
    assert client.say(b"e ENABLE CONDSTORE\r\n") == (
        FIRST + b"* ENABLED CONDSTORE\r\ne OK Enabled.\r\n"
    )
    return client


def test_enable_tells_what_is_new(client: Client) -> None:
    """ENABLE tells what it enabled, once; what nobody knows is no mistake."""
    aware(client)
    said = client.say(b"e ENABLE X-FOO CONDSTORE condstore\r\n")
    assert said == b"* ENABLED\r\ne OK Enabled.\r\n"


@pytest.mark.parametrize(
    "command",
    [
        b"ENABLE CONDSTORE",
        b"STATUS INBOX (HIGHESTMODSEQ)",
        b"FETCH 1 MODSEQ",
        b"FETCH 1 FLAGS (CHANGEDSINCE 99)",
        b"SEARCH MODSEQ 99",
        b"STORE 1 (UNCHANGEDSINCE 0) FLAGS ()",
    ],
)
def test_whoever_asks_is_told(client: Client, command: bytes) -> None:
    """What only a client says that knows modseqs has it told them from then on."""
    said = client.say(b"t %b\r\n" % command)
    assert said.startswith(FIRST)
    assert b"t OK" in said
    change(client.account, 2, Flag.SEEN)
    assert client.say(b"n NOOP\r\n") == (
        b"* 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen) MODSEQ (14))\r\n"
        b"n OK Nothing more.\r\n"
    )


def test_select_condstore(account: FakeAccount) -> None:
    """SELECT (CONDSTORE) tells HIGHESTMODSEQ once, and modseqs with flags."""
    client = Client(account).login()
    said = client.say(b"t SELECT INBOX (CONDSTORE)\r\n")
    assert said.count(b"HIGHESTMODSEQ") == 1
    said = client.say(b"t FETCH 1 FLAGS\r\n")
    assert said == b"* 1 FETCH (FLAGS () MODSEQ (11))\r\nt OK Fetched.\r\n"


def test_others_hear_of_no_modseqs(client: Client) -> None:
    """A client that did not ask is told flags as ever."""
    change(client.account, 1, Flag.SEEN)
    assert b"MODSEQ" not in client.say(b"n NOOP\r\n")
    assert b"MODSEQ" not in client.say(b"n STORE 1 +FLAGS (\\Draft)\r\n")


def test_fetch_changed_since(client: Client) -> None:
    """CHANGEDSINCE leaves out what was not changed behind that modseq."""
    said = client.say(b"t UID FETCH 1:* (FLAGS) (CHANGEDSINCE 11)\r\n")
    assert said.removeprefix(FIRST) == (
        b"* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (12))\r\n"
        b"* 3 FETCH (UID 3 FLAGS ($Work) MODSEQ (13))\r\nt OK Fetched.\r\n"
    )
    assert client.say(b"t FETCH 1 FLAGS (CHANGEDSINCE 11)\r\n") == b"t OK Fetched.\r\n"
    said = client.say(b"t FETCH 1:* BODY.PEEK[TEXT] (CHANGEDSINCE 12)\r\n")
    assert said.startswith(b"* 3 FETCH (BODY[TEXT] {6}\r\nbody\r\n MODSEQ (13))")
    said = client.say(b"t FETCH 4 FLAGS (CHANGEDSINCE 1)\r\n")
    assert said == b"t BAD No such message.\r\n"


def test_reading_tells_the_modseq_of_seen(client: Client) -> None:
    r"""A FETCH that sets ``\Seen`` tells flags and modseq, if they are wanted."""
    aware(client)
    said = client.say(b"t FETCH 1 BODY[TEXT]\r\n")
    assert said == (
        b"* 1 FETCH (FLAGS (\\Seen) MODSEQ (14) BODY[TEXT] {6}\r\nbody\r\n)\r\n"
        b"t OK Fetched.\r\n"
    )


def test_a_silent_store_tells_modseqs(client: Client) -> None:
    """STORE tells modseqs even where it is silent; with flags where it is not."""
    aware(client)
    said = client.say(b"t STORE 1:2 +FLAGS.SILENT (\\Seen)\r\n")
    assert said == (
        b"* 1 FETCH (MODSEQ (14))\r\n* 2 FETCH (MODSEQ (14))\r\nt OK Flags stored.\r\n"
    )
    said = client.say(b"t UID STORE 3 -FLAGS ($Work)\r\n")
    assert said == b"* 3 FETCH (UID 3 FLAGS () MODSEQ (15))\r\nt OK Flags stored.\r\n"


@pytest.mark.parametrize(("uid", "code"), [(b"", b"1,3"), (b"UID ", b"1,4")])
def test_store_unchanged_since(
    account: FakeAccount, client: Client, uid: bytes, code: bytes
) -> None:
    """What was changed behind that modseq is left alone, named, and told."""
    account.inbox.messages[4] = account.inbox.messages.pop(3)
    account.inbox.messages[4].uid = 4
    client.say(b"n NOOP\r\n")
    change(account, 1, Flag.ANSWERED)
    said = client.say(
        b"t %bSTORE 1:* (UNCHANGEDSINCE 12) +FLAGS.SILENT (\\Deleted)\r\n" % uid
    )
    assert b"t OK [MODIFIED %b] Flags stored.\r\n" % code in said
    assert (
        b"* 1 FETCH (%bFLAGS (\\Answered) MODSEQ (14))" % (b"UID 1 " if uid else b"")
        in said
    )
    assert b"* 2 FETCH (%bMODSEQ (15))" % (b"UID 2 " if uid else b"") in said
    deleted = [each.flags & Flag.DELETED for each in account.inbox.messages.values()]
    assert list(map(bool, deleted)) == [False, True, False]


def test_what_is_left_alone_is_named_by_and_by(
    monkeypatch: pytest.MonkeyPatch, account: FakeAccount, client: Client
) -> None:
    """However many ranges MODIFIED has, others have their turn between some of them.

    It is one line: beyond a limit nothing is changed, and the answer is NO [LIMIT].
    """
    for _ in range(5):
        account.inbox.add(b"x")
    client.say(b"n NOOP\r\n")
    for uid in (2, 4, 6, 7):
        change(account, uid, Flag.ANSWERED)
    client.say(b"n NOOP\r\n")
    pauses = 0
    room = Output.room

    async def count(output: Output) -> None:
        nonlocal pauses
        pauses += 1
        await room(output)

    monkeypatch.setattr(Output, "room", count)
    store = b"t UID STORE %b (UNCHANGEDSINCE %d) +FLAGS.SILENT ($x)\r\n"
    said = client.say(store % (b"1:8", 18))
    assert b"t OK [MODIFIED 2,4,6:7] " in said
    at_once, pauses = pauses, 0
    monkeypatch.setattr("imapbox.imap.handlers.flags._AT_A_TIME", 1)
    said = client.say(store % (b"1:8", 22))
    assert b"t OK [MODIFIED 1,3,5,8] " in said
    assert pauses == at_once + 3
    monkeypatch.setattr("imapbox.imap.handlers.flags.MOST_CONDITIONAL", 3)
    said = client.say(store % (b"1:4", 99))
    assert said.startswith(b"t NO [LIMIT] ")
    assert b"t OK" in client.say(store % (b"1:3", 99))


def test_modified_comes_with_no_where_some_are_gone(
    account: FakeAccount, client: Client
) -> None:
    """Where some are expunged, and some were changed, NO names the latter."""
    del account.inbox.messages[2]
    said = client.say(b"t STORE 1:3 (UNCHANGEDSINCE 11) +FLAGS (\\Seen)\r\n")
    assert said.endswith(b"t NO [MODIFIED 3] Some messages were expunged.\r\n")


def test_unchanged_since_0_always_fails(client: Client) -> None:
    """Every message has system flags, so none is unchanged since 0."""
    said = client.say(b"t STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($x)\r\n")
    assert said.endswith(b"t OK [MODIFIED 1:3] Flags stored.\r\n")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (b"SEARCH MODSEQ 12", b" 2 3 (MODSEQ 13)"),
        (b"UID SEARCH MODSEQ 12 FLAGGED", b" 2 (MODSEQ 12)"),
        (b'SEARCH MODSEQ "/flags/\\\\draft" all 13', b" 3 (MODSEQ 13)"),
        (b"SEARCH NOT MODSEQ 13", b" 1 2 (MODSEQ 12)"),
        (b"SEARCH MODSEQ 14", b""),
        (b"SEARCH FLAGGED", b" 2"),
    ],
)
def test_search_modseq(client: Client, asked: bytes, found: bytes) -> None:
    """SEARCH MODSEQ tells the greatest modseq of what it found, if it found any."""
    said = client.say(b"t %b\r\n" % asked)
    assert said.removeprefix(FIRST) == b"* SEARCH%b\r\nt OK Searched.\r\n" % found


def test_status_tells_highestmodseq(client: Client) -> None:
    """STATUS tells HIGHESTMODSEQ."""
    said = client.say(b"t STATUS INBOX (HIGHESTMODSEQ)\r\n")
    assert b"* STATUS INBOX (HIGHESTMODSEQ 13)\r\n" in said
