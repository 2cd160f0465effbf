"""What an account lacks is neither announced nor obeyed."""

import pytest

from imapbox.imap.capabilities import AFTER_LOGIN
from imapbox.imap.offered import COMMANDS
from imapbox.imap.settings import Connections, Settings
from imapbox.imap.states import PERMITTED_IN
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client, FakeLogins, answer

# What every server must have: RFC 3501, and ID.
BASE = frozenset(
    {
        *("CAPABILITY", "NOOP", "LOGOUT", "ID", "STARTTLS", "AUTHENTICATE", "LOGIN"),
        *("SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE"),
        *("UNSUBSCRIBE", "LIST", "LSUB", "STATUS", "APPEND", "CHECK", "CLOSE"),
        *("EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY"),
        "THREAD",  # needs what is called after the algorithm
    }
)
NEEDS = {
    "ACL": (b"GETACL INBOX", b"MYRIGHTS INBOX", b"SETACL INBOX bob lr"),
    "BINARY": (b"FETCH 1 BINARY.PEEK[1]", b"FETCH 1 BINARY.SIZE[1]"),
    "CATENATE": (
        b"APPEND INBOX CATENATE (URL /INBOX/;UID=1)",
        b"APPEND INBOX CATENATE (TEXT {1+}\r\nx)",
        b"REPLACE 1 INBOX CATENATE (TEXT {1+}\r\nx)",
    ),
    "COMPRESS=DEFLATE": (b"COMPRESS DEFLATE",),
    "CONDSTORE": (
        b"FETCH 1 MODSEQ",
        b"FETCH 1 FLAGS (CHANGEDSINCE 1)",
        b"STORE 1 (UNCHANGEDSINCE 1) FLAGS ()",
        b"SEARCH MODSEQ 1",
        b"SELECT INBOX (CONDSTORE)",
        b"STATUS INBOX (HIGHESTMODSEQ)",
        b'LIST "" * RETURN (STATUS (HIGHESTMODSEQ))',
    ),
    "CONTEXT=SEARCH": (b"SEARCH RETURN (UPDATE) ALL", b'CANCELUPDATE "a"'),
    "CONTEXT=SORT": (b"SORT RETURN (CONTEXT) (SIZE) UTF-8 ALL",),
    "CREATE-SPECIAL-USE": (b"CREATE sent (USE (\\Sent))",),
    "ENABLE": (b"ENABLE CONDSTORE",),
    "ESEARCH": (b"SEARCH RETURN () ALL",),
    "ESORT": (b"SORT RETURN () (SIZE) UTF-8 ALL",),
    "LIST-EXTENDED": (b'LIST () "" *',),
    "LIST-MYRIGHTS": (b'LIST "" * RETURN (MYRIGHTS)',),
    "LIST-STATUS": (b'LIST "" * RETURN (STATUS (MESSAGES))',),
    "METADATA": (b"GETMETADATA INBOX /private/comment",),
    "MOVE": (b"MOVE 1 INBOX", b"UID MOVE 1 INBOX"),
    "MULTIAPPEND": (b"APPEND INBOX {1+}\r\nx {1+}\r\ny",),
    "MULTISEARCH": (b"ESEARCH ALL",),
    "NAMESPACE": (b"NAMESPACE",),
    "NOTIFY": (
        b"NOTIFY SET (personal (MailboxName))",
        b"SEARCH RETURN (UPDATE (UID)) ALL",
    ),
    "OBJECTID": (b"FETCH 1 EMAILID", b"FETCH 1 THREADID", b"STATUS INBOX (MAILBOXID)"),
    "PARTIAL": (b"SEARCH RETURN (PARTIAL 1:1) ALL", b"UID FETCH 1 UID (PARTIAL 1:1)"),
    "PREVIEW": (
        b"FETCH 1 PREVIEW",
        b"FETCH 1 PREVIEW (LAZY)",
        b"NOTIFY SET (selected (MessageNew (PREVIEW) MessageExpunge))",
        b"SEARCH RETURN (UPDATE (PREVIEW)) ALL",
    ),
    "QUOTA": (b"GETQUOTAROOT INBOX",),
    "QUOTA=RES-STORAGE": (b"STATUS INBOX (DELETED-STORAGE)",),
    "REPLACE": (b"REPLACE 1 INBOX {1+}\r\nx",),
    "SAVEDATE": (b"FETCH 1 SAVEDATE", b"SEARCH SAVEDSINCE 1-Jan-2026"),
    "SEARCH=FUZZY": (
        b"SEARCH FUZZY ALL",
        b"THREAD REFERENCES UTF-8 FUZZY ALL",
        b"ESEARCH FUZZY ALL",
    ),
    "SEARCHRES": (b"SEARCH RETURN (SAVE) ALL",),
    "SORT": (b"SORT (SIZE) UTF-8 ALL", b"UID SORT (SIZE) UTF-8 ALL"),
    "SORT=DISPLAY": (b"SORT (REVERSE DISPLAYTO) UTF-8 ALL",),
    "SPECIAL-USE": (b'LIST (SPECIAL-USE) "" *',),
    "STATUS=SIZE": (b"STATUS INBOX (SIZE)",),
    "THREAD=ORDEREDSUBJECT": (b"THREAD ORDEREDSUBJECT UTF-8 ALL",),
    "THREAD=REFERENCES": (b"UID THREAD REFERENCES UTF-8 ALL",),
    "UIDPLUS": (b"UID EXPUNGE 1",),
    "UNAUTHENTICATE": (b"UNAUTHENTICATE",),
    "UNSELECT": (b"UNSELECT",),
    "WITHIN": (b"SEARCH OLDER 1", b"SEARCH NOT YOUNGER 1"),
}


def client_without(*names: str) -> Client:
    account = FakeAccount(lacks=frozenset(names))
    account.inbox.add(b"a: b\r\n\r\nx")
    return Client(account).login().select()


@pytest.mark.parametrize("name", NEEDS)
def test_what_is_lacking_is_bad(name: str) -> None:
    """Without a capability, what it brought is BAD, by its name; all else goes on."""
    without, with_it = client_without(name), client_without()
    assert name not in answer(without, b"CAPABILITY").decode().split()
    assert name in answer(with_it, b"CAPABILITY").decode().split()
    for asked in NEEDS[name]:
        said = without.say(b"t %b\r\n" % asked)
        assert b"t BAD %b is not offered here.\r\n" % name.encode() in said
        said = client_without().say(b"t %b\r\n" % asked)
        assert b"t OK" in said or b"t NO [BADURL" in said
    assert answer(without, b"FETCH 1 FLAGS") == b"* 1 FETCH (FLAGS (\\Recent))\r\n"


def test_each_command_is_known_to_be_base_or_not() -> None:
    """A command is in RFC 3501, or needs a capability that is announced."""
    assert PERMITTED_IN.keys() - COMMANDS.keys() == BASE
    assert set(COMMANDS.values()) - {*AFTER_LOGIN} == {"IDLE"}


def test_what_is_lacking_is_not_enabled() -> None:
    """ENABLE passes it over, as what nobody knows: RFC 5161 §3.1."""
    client = client_without("IMAP4rev2", "QRESYNC", "UTF8=ACCEPT")
    asked = b"ENABLE QRESYNC IMAP4rev2 UTF8=ACCEPT CONDSTORE"
    assert b"* ENABLED CONDSTORE\r\n" in answer(client, asked)
    assert b"NIL NIL" in answer(client, b"NAMESPACE")


def test_before_login_nothing_is_announced_that_nobody_has() -> None:
    """What all accounts lack is not announced to strangers."""
    logins = FakeLogins(FakeAccount(), lacks=frozenset({"IMAP4rev2"}))
    said = Client(logins=logins).heard()
    assert b"CAPABILITY IMAP4rev1 LITERAL+ " in said


@pytest.mark.parametrize("end", [b"LOGOUT", b"UNAUTHENTICATE", b""])
def test_an_account_is_given_back(end: bytes) -> None:
    """However its client goes, an account is told so, once."""
    client = client_without()
    if end:
        client.say(b"t %b\r\n" % end)
    client.drop()
    assert client.account.closed == 1


def test_who_finds_no_seat_gives_the_account_back() -> None:
    """A login that is refused for there being too many leaves nothing behind."""
    client = Client(settings=Settings(connections=Connections(of_user=0)))
    client.heard()
    assert client.say(b"t LOGIN ana secret\r\n").startswith(b"t NO [LIMIT]")
    assert client.account.closed == 1
