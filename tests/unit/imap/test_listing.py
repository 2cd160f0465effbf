"""LIST, LSUB, STATUS and the commands on names: RFC 9051 §6.3."""

import pytest

from imapbox.mailbox.values import Status
from imapbox.model.names import MailboxName
from tests.support.imap_client import Client


@pytest.fixture
def client() -> Client:
    client = Client().login()
    for name in (b"a/b", b"a/b/c", b"z", b"&APY-l", b'"two words"'):
        assert client.say(b"c CREATE %b\r\n" % name).startswith(b"c OK ")
    for name in (b"a/b", b"gone/x", b"z"):
        assert client.say(b"s SUBSCRIBE %b\r\n" % name).startswith(b"s OK ")
    return client


def listed(client: Client, command: bytes) -> list[bytes]:
    said = client.say(b"t " + command + b"\r\n").split(b"\r\n")
    assert said[-2:] == [b"t OK Listed.", b""]
    return said[:-2]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (b'LIST "" ""', [b'* LIST (\\Noselect) "/" ""']),
        (
            b'LIST "" *',
            [
                b'* LIST (\\HasNoChildren) "/" INBOX',
                b'* LIST (\\HasChildren) "/" a/b',
                b'* LIST (\\HasNoChildren) "/" a/b/c',
                b'* LIST (\\HasNoChildren) "/" "two words"',
                b'* LIST (\\HasNoChildren) "/" z',
                b'* LIST (\\HasNoChildren) "/" &APY-l',
            ],
        ),
        (b'LIST "" %/b', [b'* LIST (\\HasChildren) "/" a/b']),
        (b"LIST a/ %", [b'* LIST (\\HasChildren) "/" a/b']),
        (b'LIST "" inbox', [b'* LIST (\\HasNoChildren) "/" INBOX']),
        (b'LIST "" a', []),
        (b'LIST "" a%', [b'* LIST (\\Noselect \\HasChildren) "/" a']),
        (b'LIST "" &APY-*', [b'* LIST (\\HasNoChildren) "/" &APY-l']),
        (b'LIST "" gone/x', []),
        (b'LSUB "" ""', [b'* LSUB (\\Noselect) "/" ""']),
        (
            b'LSUB "" *',
            [
                b'* LSUB () "/" a/b',
                b'* LSUB () "/" gone/x',
                b'* LSUB () "/" z',
            ],
        ),
        (
            b'LSUB "" %',
            [
                b'* LSUB (\\Noselect) "/" a',
                b'* LSUB (\\Noselect) "/" gone',
                b'* LSUB () "/" z',
            ],
        ),
    ],
)
def test_lists(client: Client, command: bytes, names: list[bytes]) -> None:
    r"""LIST tells mailboxes and LSUB subscriptions; "%" also the levels above."""
    assert listed(client, command) == names


@pytest.mark.parametrize("pattern", [b"%", b"*"])
def test_children_are_told(client: Client, pattern: bytes) -> None:
    r"""LIST says of each name whether there are names below it: RFC 3348."""
    below = {"a": True, "a/b": True, "a/b/c": False, "z": False, "INBOX": False}
    rows = listed(client, b'LIST "" ' + pattern)
    rows += listed(client, b'LIST "a/" ' + pattern)
    rows += listed(client, b'LIST "a/b/" ' + pattern)
    for row in rows:
        name = row.decode().rpartition(" ")[2]
        if name in below:
            assert (b"\\HasChildren" in row) is below[name]
            assert (b"\\HasNoChildren" in row) is not below[name]


SPECIAL = (
    b'* LIST (\\HasNoChildren \\Sent) "/" "two words"',
    b'* LIST (\\HasNoChildren \\Junk) "/" z',
)


@pytest.mark.parametrize(
    ("command", "others"),
    [
        (b'LIST "" *', 4),
        (b'LIST "" * RETURN (SPECIAL-USE)', 4),
        (b'LIST () "" * RETURN ()', 4),
        (b'LIST (SPECIAL-USE) "" *', 0),
        (b'LIST (SPECIAL-USE) "" %', 0),
        (b'LIST (special-use) "" * return (special-use)', 0),
    ],
)
def test_special_use(client: Client, command: bytes, others: int) -> None:
    """LIST says what mailboxes are for, and lists only those if asked: RFC 6154."""
    client.account.boxes["two words"].special_use = "\\Sent"
    client.account.boxes["z"].special_use = "\\Junk"
    rows = listed(client, command)
    assert set(SPECIAL) <= set(rows)
    assert len(rows) == len(SPECIAL) + others


@pytest.mark.parametrize(
    "command",
    [
        b'LIST (SPECIAL-USE RECURSIVEMATCH) "" *',
        b'LIST "" * RETURN (RIGHTS)',
        b'LIST "" * RETURN',
        b'LIST "" * (SPECIAL-USE)',
        b'LSUB (SPECIAL-USE) "" *',
    ],
)
def test_options_that_are_not_offered(client: Client, command: bytes) -> None:
    """An option of LIST that is not offered is BAD, not passed over."""
    assert client.say(b"t " + command + b"\r\n").startswith(b"t BAD ")


def test_a_mailbox_is_made_for_a_use(client: Client) -> None:
    """A mailbox can be made for special uses, also of others: RFC 6154 §3."""
    for made in (b"one (USE (\\sent))", b"both (USE (\\Sent \\Drafts \\SENT))"):
        assert client.say(b"c CREATE %b\r\n" % made).startswith(b"c OK ")
    assert listed(client, b'LIST (SPECIAL-USE) "" *') == [
        b'* LIST (\\HasNoChildren \\Sent \\Drafts) "/" both',
        b'* LIST (\\HasNoChildren \\Sent) "/" one',
    ]


@pytest.mark.parametrize("use", [b"\\All", b"\\Flagged", b"\\Important", b"\\Sent \\x"])
def test_a_use_that_can_not_be_makes_no_mailbox(client: Client, use: bytes) -> None:
    """Of views of all mail, and of what nobody knows, no mailbox is made."""
    before = set(client.account.boxes)
    said = client.say(b"c CREATE new (USE (%b))\r\n" % use)
    assert said.startswith(b"c NO [USEATTR] ")
    assert set(client.account.boxes) == before


@pytest.mark.parametrize("command", [b"CREATE new/", b"CREATE new (USE ())"])
def test_a_mailbox_is_made(client: Client, command: bytes) -> None:
    """CREATE makes a mailbox, and says what it is called for good: RFC 8474 §4.1."""
    said = client.say(b"t " + command + b"\r\n")
    assert said == (
        b"t OK [MAILBOXID (F0000000000000000000000000000006b)] Mailbox made.\r\n"
    )
    assert "new" in client.account.boxes


def test_how_large_a_message_may_be(client: Client) -> None:
    """Clients are told how large a message may be, of all mailboxes the same.

    RFC 7889.
    """
    client.select()
    assert b" APPENDLIMIT=67108864 " in client.say(b"t CAPABILITY\r\n")
    for asked in (
        b"STATUS z (APPENDLIMIT)",
        b'LIST "" z RETURN (STATUS (APPENDLIMIT))',
    ):
        said = client.say(b"t " + asked + b"\r\n")
        assert b"* STATUS z (APPENDLIMIT 67108864)\r\n" in said


def test_namespace(client: Client) -> None:
    """All mailboxes are the user's own, from the top: RFC 2342."""
    said = client.say(b"t NAMESPACE\r\n")
    assert said == b'* NAMESPACE (("" "/")) NIL NIL\r\nt OK Namespaces listed.\r\n'


def test_a_pattern_that_is_no_name_is_refused(client: Client) -> None:
    """A pattern in broken modified UTF-7 is refused, not guessed at."""
    assert client.say(b't LIST "" "&A*"\r\n').startswith(b"t NO [CANNOT] ")


def test_status_counts_what_is_asked_for(client: Client) -> None:
    """A mailbox is opened for DELETED and RECENT, so only where they are asked for."""
    asked = []
    status = client.account.status

    async def note(name: MailboxName, **wanted: bool) -> Status:
        asked.append((wanted["deleted"], wanted["recent"]))
        return await status(name, **wanted)

    client.account.status = note
    client.say(b"t STATUS INBOX (MESSAGES UNSEEN)\r\n")
    said = client.say(b"t STATUS INBOX (MESSAGES DELETED)\r\n")
    assert said.startswith(b"* STATUS INBOX (MESSAGES ")
    client.say(b"t STATUS INBOX (RECENT UIDNEXT)\r\n")
    assert asked == [(False, False), (True, False), (False, True)]


def test_status(client: Client) -> None:
    """STATUS tells what is asked, in that order, the mailbox's name quoted."""
    client.say(b'a APPEND "two words" (\\Seen) {1+}\r\nx\r\n')
    client.say(b'a APPEND "two words" {1+}\r\nx\r\n')
    said = client.say(
        b"t STATUS {9+}\r\ntwo words (UNSEEN MESSAGES UIDNEXT RECENT UIDVALIDITY "
        b"DELETED SIZE)\r\n"
    )
    assert said == (
        b'* STATUS "two words" (UNSEEN 1 MESSAGES 2 UIDNEXT 3 RECENT 2 '
        b"UIDVALIDITY 106 DELETED 0 SIZE 2)\r\nt OK Counted.\r\n"
    )


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (
            b"CREATE new (USE (\\All))",
            b"NO [USEATTR] A mailbox can not be made for that.",
        ),
        (b"CREATE z", b"NO [ALREADYEXISTS] A mailbox of this name exists already."),
        (b"CREATE inbox", b"NO [ALREADYEXISTS] A mailbox of this name exists already."),
        (b"DELETE nowhere", b"NO [NONEXISTENT] No mailbox has this name."),
        (b"RENAME z y", b"OK Mailbox renamed."),
        (
            b"RENAME nowhere y",
            b"NO [NONEXISTENT] No mailbox has this name.",
        ),
        (b"UNSUBSCRIBE z", b"OK Unsubscribed."),
        (b"STATUS nowhere (MESSAGES)", b"NO [NONEXISTENT] No mailbox has this name."),
    ],
)
def test_names(client: Client, command: bytes, answer: bytes) -> None:
    """Commands on names are answered OK or with the reason why not."""
    assert client.say(b"t " + command + b"\r\n") == b"t " + answer + b"\r\n"


@pytest.mark.parametrize(
    ("command", "names", "subscribed"),
    [
        (b"CREATE new", {"new"}, set()),
        (b"DELETE z", {"-z"}, set()),
        (b"RENAME z y", {"-z", "y"}, set()),
        (b"SUBSCRIBE new", set(), {"new"}),
        (b"UNSUBSCRIBE z", set(), {"-z"}),
        (b"UNSUBSCRIBE gone/x", set(), {"-gone/x"}),
    ],
)
def test_what_commands_on_names_do(
    client: Client, command: bytes, names: set[str], subscribed: set[str]
) -> None:
    """Each command changes what it names, and nothing else."""

    def changed(before: set[str], now: set[str]) -> set[str]:
        return now - before | {"-" + name for name in before - now}

    account = client.account
    before, subscribed_before = set(account.boxes), set(account.subscribed)
    assert client.say(b"t " + command + b"\r\n").startswith(b"t OK ")
    assert changed(before, set(account.boxes)) == names
    assert changed(subscribed_before, set(account.subscribed)) == subscribed


@pytest.mark.parametrize(
    "name",
    [
        b"../../etc",
        b"a/../b",
        b"a/./b",
        b"/a",
        b"a//b",
        b"&AAA-",
        b"&AC8-",
        b"&Jjo",
        b"&2AA-",
        b'"a%b*"',
        b"x" * 256,
        b"/".join([b"a"] * 21),
        b'"\x01"',
    ],
)
def test_names_that_can_not_be(client: Client, name: bytes) -> None:
    """Names that walk, hide or choke are refused in every command: row 19."""
    before = dict(client.account.boxes)
    for command in (
        b"CREATE %b",
        b"DELETE %b",
        b"RENAME z %b",
        b"RENAME %b y",
        b"SUBSCRIBE %b",
        b"SELECT %b",
        b"STATUS %b (MESSAGES)",
        b"APPEND %b {1+}\r\nx",
    ):
        said = client.say(b"t " + command % name + b"\r\n")
        assert said == b"t NO [CANNOT] A mailbox can not have this name.\r\n", command
    assert client.account.boxes == before


def test_a_literal_name_stays_one_line(client: Client) -> None:
    """A name with CR LF in a literal ends no line of ours: row 20."""
    name = b"x\r\n* BYE y"
    said = client.say(b"t CREATE {%d+}\r\n%b\r\n" % (len(name), name))
    assert said == b"t NO [CANNOT] A mailbox can not have this name.\r\n"
