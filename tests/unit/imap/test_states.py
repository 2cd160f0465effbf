"""Which commands a client may give in which state: RFC 9051 §3, walked."""

import pytest

from imapbox.imap.dispatch import HANDLERS
from imapbox.imap.states import PERMITTED_IN, State, WrongState, check_permitted
from imapbox.model.quota import Quota
from imapbox.wire.imap.parser import GRAMMAR, UID_GRAMMAR
from tests.support.imap_client import Client

# One example for each command, and what the conversation needs to go on.
EXAMPLES = {
    "CAPABILITY": b"CAPABILITY",
    "NOOP": b"NOOP",
    "LOGOUT": b"LOGOUT",
    "ID": b'ID ("name" "probe")',
    "STARTTLS": b"STARTTLS",
    "AUTHENTICATE": b"AUTHENTICATE PLAIN AGFuYQBzZWNyZXQ=",
    "LOGIN": b"LOGIN ana secret",
    "SELECT": b"SELECT INBOX",
    "EXAMINE": b"EXAMINE INBOX",
    "CREATE": b"CREATE new",
    "DELETE": b"DELETE old",
    "RENAME": b"RENAME old older",
    "SUBSCRIBE": b"SUBSCRIBE old",
    "UNSUBSCRIBE": b"UNSUBSCRIBE old",
    "LIST": b'LIST "" *',
    "LSUB": b'LSUB "" *',
    "NAMESPACE": b"NAMESPACE",
    "SETACL": b"SETACL old bob lr",
    "DELETEACL": b"DELETEACL old bob",
    "GETACL": b"GETACL old",
    "LISTRIGHTS": b"LISTRIGHTS old bob",
    "MYRIGHTS": b"MYRIGHTS old",
    "ENABLE": b"ENABLE CONDSTORE",
    "COMPRESS": b"COMPRESS DEFLATE",
    "UNAUTHENTICATE": b"UNAUTHENTICATE",
    "STATUS": b"STATUS INBOX (MESSAGES)",
    "GETQUOTA": b'GETQUOTA ""',
    "GETQUOTAROOT": b"GETQUOTAROOT INBOX",
    "SETQUOTA": b'SETQUOTA "" ()',
    "GETMETADATA": b"GETMETADATA INBOX /private/a",
    "SETMETADATA": b'SETMETADATA INBOX (/private/a "x")',
    "APPEND": b"APPEND INBOX {3+}\r\nabc",
    "GENURLAUTH": (b"GENURLAUTH imap://ana@x/INBOX/;uid=1;urlauth=authuser INTERNAL"),
    "RESETKEY": b"RESETKEY",
    "URLFETCH": b"URLFETCH x",
    "IDLE": b"IDLE\r\nDONE",
    "NOTIFY": b"NOTIFY SET (personal (MailboxName))",
    "CHECK": b"CHECK",
    "CLOSE": b"CLOSE",
    "UNSELECT": b"UNSELECT",
    "EXPUNGE": b"EXPUNGE",
    "FETCH": b"FETCH 1 FLAGS",
    "SEARCH": b"SEARCH ALL",
    "SORT": b"SORT (DATE) UTF-8 ALL",
    "CANCELUPDATE": b'CANCELUPDATE "t"',
    "ESEARCH": b"ESEARCH IN (personal) ALL",
    "THREAD": b"THREAD REFERENCES UTF-8 ALL",
    "STORE": b"STORE 1 FLAGS ()",
    "COPY": b"COPY 1 old",
    "MOVE": b"MOVE 1 old",
    "REPLACE": b"REPLACE 1 old {1+}\r\nx",
}
# RFC 9051 §6: what each state permits, once more and by hand.
ANY = {"CAPABILITY", "NOOP", "LOGOUT", "ID"}
LOGGED_IN = {
    *("ENABLE", "SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE"),
    *("UNSUBSCRIBE", "LIST", "LSUB", "NAMESPACE", "STATUS", "APPEND", "IDLE"),
    *("GETQUOTA", "GETQUOTAROOT", "SETQUOTA", "GETMETADATA", "SETMETADATA"),
    *("COMPRESS", "UNAUTHENTICATE", "ESEARCH", "GENURLAUTH", "RESETKEY", "URLFETCH"),
    "NOTIFY",
    *("SETACL", "DELETEACL", "GETACL", "LISTRIGHTS", "MYRIGHTS"),
}
PERMITTED = {
    State.NOT_AUTHENTICATED: ANY | {"STARTTLS", "AUTHENTICATE", "LOGIN"},
    State.AUTHENTICATED: ANY | LOGGED_IN,
    State.SELECTED: ANY
    | LOGGED_IN
    | {"CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "FETCH", "SEARCH", "SORT", "STORE"}
    | {"THREAD", "CANCELUPDATE"}
    | {"COPY", "MOVE", "REPLACE"},
}


def client_in(state: State) -> Client:
    client = Client(tls="context")
    client.account.limits = Quota(messages=9)
    client.account.inbox.add(b"Subject: one\r\n\r\nbody\r\n")
    client.account.boxes["old"] = client.account._new_box()
    client.heard()
    if state is not State.NOT_AUTHENTICATED:
        client.login()
    if state is State.SELECTED:
        client.select()
    return client


@pytest.mark.parametrize("state", PERMITTED)
@pytest.mark.parametrize("command", EXAMPLES)
def test_every_command_in_every_state(command: str, state: State) -> None:
    """A command is answered OK where RFC 9051 §6 permits it, and BAD elsewhere."""
    said = client_in(state).say(b"t " + EXAMPLES[command] + b"\r\n")
    answers = [line for line in said.split(b"\r\n") if line.startswith(b"t ")]
    expected = b"OK" if command in PERMITTED[state] else b"BAD"
    if command == "SETQUOTA" and expected == b"OK":
        expected = b"NO"  # only the administrator does
    assert [answer.split(b" ")[1] for answer in answers] == [expected]


@pytest.mark.parametrize("command", EXAMPLES)
def test_nothing_is_permitted_at_the_end(command: str) -> None:
    """After LOGOUT no command is answered."""
    client = client_in(State.SELECTED)
    client.say(b"l LOGOUT\r\n")
    assert client.closed
    assert client.say(b"t " + EXAMPLES[command] + b"\r\n") == b""
    with pytest.raises(WrongState):
        check_permitted(command, State.LOGOUT)


def test_the_table_is_the_handlers() -> None:
    """Whatever can be dispatched has a row in the table of states, and no more."""
    assert {command.name for command in HANDLERS} == set(PERMITTED_IN)


def test_the_table_is_the_grammar() -> None:
    """Whatever can be parsed has a row in the table of states, and no more."""
    names = {name.decode() for name in (*GRAMMAR, *UID_GRAMMAR)} - {"UID"}
    assert names == set(PERMITTED_IN)
    assert set(EXAMPLES) == set(PERMITTED_IN)
