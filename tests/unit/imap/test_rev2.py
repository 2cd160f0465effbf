"""IMAP4rev2, once it is enabled: RFC 9051 §A, §E."""

import pytest

from imapbox.mailbox.tree import FewNames
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

ENABLE = b"e ENABLE IMAP4rev2\r\n"


def account_with_mail() -> FakeAccount:
    account = FakeAccount()
    account.boxes["Caf\xe9"] = account._new_box()
    account.boxes["Caf\xe9"].special_use = "\\Sent"
    account.boxes["a/b"] = account._new_box()
    for number in range(3):
        account.inbox.add(b"Subject: %d\r\n\r\n" % number)
    return account


@pytest.fixture
def client() -> Client:
    client = Client(account_with_mail()).login()
    assert client.say(ENABLE) == b"* ENABLED IMAP4rev2\r\ne OK Enabled.\r\n"
    return client


def test_both_are_offered() -> None:
    """Both revisions are offered from the greeting on, and the first is spoken."""
    client = Client(account_with_mail())
    assert b" IMAP4rev1 IMAP4rev2 " in client.heard()
    client.login()
    assert b"* 3 RECENT\r\n" in client.say(b"s SELECT INBOX\r\n")
    assert client.say(ENABLE).startswith(b"* ENABLED IMAP4rev2\r\n")
    assert client.say(ENABLE).startswith(b"* ENABLED\r\n")


def test_a_mailbox_is_opened(client: Client) -> None:
    """SELECT tells of the mailbox itself, and of nothing that is recent or unseen."""
    assert client.say(b"t SELECT INBOX\r\n") == (
        b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
        b"* 3 EXISTS\r\n"
        b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] "
        b"These flags last.\r\n"
        b"* OK [UIDVALIDITY 101] UIDs are valid.\r\n"
        b"* OK [UIDNEXT 4] Predicted next UID.\r\n"
        b"* OK [MAILBOXID (F00000000000000000000000000000065)] It keeps this.\r\n"
        b"* OK [HIGHESTMODSEQ 4] Highest mod-sequence.\r\n"
        b'* LIST (\\HasNoChildren) "/" INBOX\r\n'
        b"t OK [READ-WRITE] Mailbox opened.\r\n"
    )
    said = client.say(b"t EXAMINE INBOX\r\n")
    assert said.startswith(b"* OK [CLOSED] ")


@pytest.mark.parametrize(
    ("given", "row"),
    [
        (b"inbox", b'(\\HasNoChildren) "/" INBOX ("OLDNAME" (inbox))'),
        (
            b'"Cafe\xcc\x81"',
            b'(\\HasNoChildren \\Sent) "/" "Caf\xc3\xa9" ("OLDNAME" ("Cafe\xcc\x81"))',
        ),
        (b'"Caf\xc3\xa9"', b'(\\HasNoChildren \\Sent) "/" "Caf\xc3\xa9"'),
    ],
)
def test_a_name_that_is_spelled_otherwise(
    client: Client, given: bytes, row: bytes
) -> None:
    """SELECT says what the mailbox is called here: OLDNAME is what was given."""
    said = client.say(b"t SELECT %b\r\n" % given)
    assert b"* LIST %b\r\n" % row in said


@pytest.mark.parametrize(
    ("command", "row"),
    [
        (b'CREATE "e\xcc\x81"', b'* LIST () "/" "\xc3\xa9" ("OLDNAME" ("e\xcc\x81"))'),
        (
            b'RENAME a/b "e\xcc\x81"',
            b'* LIST () "/" "\xc3\xa9" ("OLDNAME" ("e\xcc\x81"))',
        ),
        (
            b'DELETE "Cafe\xcc\x81"',
            b'* LIST (\\NonExistent) "/" "Caf\xc3\xa9" ("OLDNAME" ("Cafe\xcc\x81"))',
        ),
        (b"CREATE plain", b""),
        (b"DELETE a/b", b""),
    ],
)
def test_names_that_change_on_the_way(
    client: Client, command: bytes, row: bytes
) -> None:
    """CREATE, RENAME and DELETE say so where the name was made NFC."""
    said = client.say(b"t %b\r\n" % command)
    assert said.startswith(row + b"\r\nt OK " if row else b"t OK ")


def test_nothing_is_recent(client: Client) -> None:
    r"""Neither RECENT nor \Recent is told, whatever happens: RFC 9051 §E, 12."""
    client.select()
    client.account.inbox.add(b"a: b\r\n\r\n")
    client.account.inbox.changed()
    said = client.say(b"n NOOP\r\n")
    assert said == b"* 4 EXISTS\r\nn OK Nothing more.\r\n"
    assert client.say(b"t FETCH 4 FLAGS\r\n").startswith(b"* 4 FETCH (FLAGS ())\r\n")
    said = client.say(b"t FETCH 4 (FLAGS UID)\r\n")
    assert said.startswith(b"* 4 FETCH (UID 4 FLAGS ())\r\n")
    # Who asks for it all the same is told: RFC 9051 §A.
    assert b"RECENT 0" in client.say(b"t STATUS INBOX (RECENT)\r\n")


def test_it_may_be_enabled_in_an_open_mailbox() -> None:
    """Enabled in an open mailbox it holds from then on."""
    client = Client(account_with_mail()).login().select()
    assert b"\\Recent" in client.say(b"t FETCH 1 FLAGS\r\n")
    client.say(ENABLE)
    assert b"\\Recent" not in client.say(b"t FETCH 1 FLAGS\r\n")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (b"SEARCH ALL", b'* ESEARCH (TAG "t") ALL 1:3'),
        (b"UID SEARCH SUBJECT 1", b'* ESEARCH (TAG "t") UID ALL 2'),
        (b"SEARCH SUBJECT none", b'* ESEARCH (TAG "t")'),
        (b"SEARCH CHARSET UTF-8 SUBJECT 1", b'* ESEARCH (TAG "t") ALL 2'),
        (b"SEARCH MODSEQ 3", b'* ESEARCH (TAG "t") MODSEQ 4 ALL 2:3'),
        (b"SEARCH RETURN (COUNT) ALL", b'* ESEARCH (TAG "t") COUNT 3'),
        (b"SORT (SUBJECT) UTF-8 ALL", b"* SORT 1 2 3"),
    ],
)
def test_a_search_is_answered_by_esearch(
    client: Client, command: bytes, told: bytes
) -> None:
    """SEARCH is answered with ESEARCH, always: RFC 9051 §E, 4."""
    client.say(b"c ENABLE CONDSTORE\r\n")
    client.select()
    said = client.say(b"t %b\r\n" % command)
    assert said.startswith(told + b"\r\nt OK ")


def test_levels_do_not_exist(client: Client) -> None:
    r"""LIST says \NonExistent of a level that is no mailbox, not \Noselect."""
    said = client.say(b't LIST "" a%\r\n')
    assert said.startswith(b'* LIST (\\NonExistent \\HasChildren) "/" a\r\n')


def test_names_are_utf8(client: Client) -> None:
    """Names are UTF-8, both ways, and a SEARCH may name its charset."""
    assert b' "Caf\xc3\xa9"\r\n' in client.say(b't LIST "" *\r\n')
    assert b'* STATUS "Caf\xc3\xa9" ' in client.say(
        b't LIST "" "Caf\xc3\xa9" RETURN (STATUS (MESSAGES))\r\n'
    )
    assert client.say(b"t APPEND INBOX UTF8 (~{1+}\r\na)\r\n").startswith(b"t OK ")


def test_what_changes_comes_with_its_uid(client: Client) -> None:
    """Flags that nobody asked for come with the UID: RFC 9051 §E, 21."""
    client.select()
    other = Client(client.account, factory=client.factory, clock=client.clock)
    other.login().select()
    other.say(b"s STORE 2 FLAGS (\\Seen)\r\n")
    said = client.say(b"n NOOP\r\n")
    assert said.startswith(b"* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n")


def test_a_mailbox_that_is_gone_as_soon_as_it_is_open(client: Client) -> None:
    """Where a mailbox is deleted between the two, only its name is said."""
    mailboxes = client.account.mailboxes

    async def without(*_: object) -> FewNames:
        return FewNames(each for each in await mailboxes() if each.name != "INBOX")

    client.account.mailboxes = without
    said = client.say(b"t SELECT INBOX\r\n")
    assert b'* LIST () "/" INBOX\r\nt OK ' in said
