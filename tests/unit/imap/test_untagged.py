"""Which untagged responses come with which command, and which never do.

RFC 3501 §7 and RFC 9051 §7: what a client is told without having asked must be
told where it can follow it, and nowhere else.
"""

import re
from collections.abc import Iterator

import pytest

from imapbox.imap.states import PERMITTED_IN, State
from tests.support.command_examples import EXAMPLES, MESSAGE, name_of
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

# What is told with any command that may tell what others did.
NEWS = frozenset({"EXISTS", "RECENT", "FETCH", "FLAGS", "OK [PERMANENTFLAGS]"})
OPENING = frozenset(
    {
        *("FLAGS", "EXISTS", "RECENT", "OK [PERMANENTFLAGS]"),
        "OK [MAILBOXID]",
        *("OK [UNSEEN]", "OK [UIDVALIDITY]", "OK [UIDNEXT]", "OK [HIGHESTMODSEQ]"),
    }
)
NONE: frozenset[str] = frozenset()
# What belongs to the command itself, once more and by hand: RFC 9051 §6.
# The first one that shows that the client knows modseqs: RFC 7162 §3.1.
AWARE = re.compile(rb"CONDSTORE|MODSEQ|CHANGEDSINCE|QRESYNC")
OWN: dict[str, frozenset[str]] = {
    "CAPABILITY": frozenset({"CAPABILITY"}),
    "NOOP": NONE,
    "LOGOUT": frozenset({"BYE"}),
    "ID": frozenset({"ID"}),
    "STARTTLS": NONE,
    "AUTHENTICATE": NONE,
    "LOGIN": NONE,
    "COMPRESS": NONE,
    "UNAUTHENTICATE": NONE,
    "ENABLE": frozenset({"ENABLED"}),
    "SELECT": OPENING,
    "EXAMINE": OPENING,
    "CREATE": NONE,
    "DELETE": NONE,
    "RENAME": NONE,
    "SUBSCRIBE": NONE,
    "UNSUBSCRIBE": NONE,
    "LIST": frozenset({"LIST", "STATUS", "MYRIGHTS"}),
    "LSUB": frozenset({"LSUB"}),
    "NAMESPACE": frozenset({"NAMESPACE"}),
    "SETACL": NONE,
    "DELETEACL": NONE,
    "GETACL": frozenset({"ACL"}),
    "LISTRIGHTS": frozenset({"LISTRIGHTS"}),
    "MYRIGHTS": frozenset({"MYRIGHTS"}),
    "STATUS": frozenset({"STATUS"}),
    "GETQUOTA": frozenset({"QUOTA"}),
    "GETQUOTAROOT": frozenset({"QUOTAROOT", "QUOTA"}),
    "SETQUOTA": NONE,
    "GETMETADATA": frozenset({"METADATA"}),
    "SETMETADATA": NONE,
    "APPEND": NONE,
    "GENURLAUTH": frozenset({"GENURLAUTH"}),
    "RESETKEY": NONE,
    "URLFETCH": frozenset({"URLFETCH"}),
    "IDLE": NONE,
    "NOTIFY": frozenset({"STATUS"}),
    "CHECK": NONE,
    "CLOSE": NONE,
    "UNSELECT": NONE,
    "EXPUNGE": frozenset({"EXPUNGE"}),
    "UID EXPUNGE": frozenset({"EXPUNGE"}),
    "FETCH": frozenset({"FETCH"}),
    "UID FETCH": frozenset({"FETCH"}),
    "SEARCH": frozenset({"SEARCH", "ESEARCH"}),
    "UID SEARCH": frozenset({"SEARCH", "ESEARCH"}),
    "SORT": frozenset({"SORT", "ESEARCH"}),
    "UID SORT": frozenset({"SORT", "ESEARCH"}),
    "CANCELUPDATE": NONE,
    "ESEARCH": frozenset({"ESEARCH"}),
    "THREAD": frozenset({"THREAD"}),
    "UID THREAD": frozenset({"THREAD"}),
    "STORE": frozenset({"FETCH"}),
    "UID STORE": frozenset({"FETCH"}),
    "COPY": NONE,
    "UID COPY": NONE,
    "MOVE": frozenset({"OK [COPYUID]", "EXPUNGE"}),
    "UID MOVE": frozenset({"OK [COPYUID]", "EXPUNGE"}),
    "REPLACE": frozenset({"OK [APPENDUID]", "EXPUNGE"}),
    "UID REPLACE": frozenset({"OK [APPENDUID]", "EXPUNGE"}),
}
# RFC 9051 §7.5.1: these name positions, so that none may move meanwhile.
BY_POSITION = {"FETCH", "STORE", "SEARCH", "SORT", "THREAD"}
# After these nothing is selected, or something else is, or all is compressed.
ELSEWHERE = {
    *("SELECT", "EXAMINE", "CLOSE", "UNSELECT", "LOGOUT", "UNAUTHENTICATE"),
    "COMPRESS",
}
QUIET = b"NOTIFY NONE"
# What stands for others once a client has said that it wants UIDs.
BY_UID = {"VANISHED": "EXPUNGE", "UIDFETCH": "FETCH"}
# A new keyword is news to who defines it, too.
NEW_KEYWORD = frozenset({"FLAGS", "OK [PERMANENTFLAGS]"})

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_KIND = re.compile(rb"\* (?:[0-9]+ )?([A-Z]+)(?: \[([A-Z-]+))?")
ALL = [(state, example) for state, some in EXAMPLES.items() for example in some]
# What the examples of the other states leave out of this one.
SELECTED = [
    *EXAMPLES[State.SELECTED],
    # After NOTIFY NONE nothing is news.
    *(each for each in EXAMPLES[State.AUTHENTICATED] if each not in {b"", QUIET}),
    b"LOGOUT",
    b"STORE 1 +FLAGS.SILENT (\\Flagged)",
    b"SEARCH DELETED",
]


def responses(said: bytes) -> Iterator[bytes]:
    """Cut what was said into responses: lines, with their literals."""
    at = 0
    while at < len(said):
        end = at
        while True:
            end = said.index(b"\r\n", end) + 2
            literal = _LITERAL.search(said[at:end])
            if not literal:
                break
            end += int(literal[1])
        yield said[at:end]
        at = end


def kinds(said: bytes) -> list[str]:
    """Return of each untagged response what it is."""
    found = []
    for response in responses(said):
        kind = _KIND.match(response)
        if kind is not None:
            code = f" [{kind[2].decode()}]" if kind[2] else ""
            found.append(kind[1].decode() + (code if kind[1] == b"OK" else ""))
    return found


def client_in(state: State) -> Client:
    account = FakeAccount()
    account.boxes["old"] = account._new_box()
    account.boxes["old"].add(b"x")
    for number in range(4):
        account.inbox.add(MESSAGE, ["\\Seen"] if number else ["\\Deleted"])
    client = Client(account, tls="context")
    client.heard()
    if state is not State.NOT_AUTHENTICATED:
        client.login()
    if state is State.SELECTED:
        client.select()
    return client


def let_others_work(client: Client, *, expunge: bool) -> None:
    """Let another session do all that a client may have to be told."""
    box = client.account.inbox
    box.add(b"new", ["$Word"])
    box.modseq += 1
    box.messages[2].flags |= 2
    box.messages[2].modseq = box.modseq
    if expunge:
        del box.messages[3]
    box.changed()


def own(example: bytes) -> frozenset[str]:
    """Return what belongs to a command itself."""
    belongs = OWN.get(name_of(example).decode(), NONE)
    if name_of(example) in {b"SELECT", b"EXAMINE"}:
        belongs |= {"OK [CLOSED]"}  # where another one was selected
    return belongs | {"OK [HIGHESTMODSEQ]"} if AWARE.search(example) else belongs


def run(client: Client, example: bytes) -> tuple[bytes, list[str]]:
    """Give a command; return the status of its answer, and what else was said."""
    said = client.say(b"t " + example + b"\r\n") + client.turn(5) + client.turn(5)
    *_, answer = [each for each in responses(said) if each.startswith(b"t ")]
    return answer.split(b" ")[1], kinds(said)


def test_the_table_is_complete() -> None:
    """Each command has its row, and no other has."""
    named = {name.removeprefix("UID ") for name in OWN}
    assert named == set(PERMITTED_IN)


@pytest.mark.parametrize(("state", "example"), ALL, ids=repr)
def test_without_news(state: State, example: bytes) -> None:
    """Where nothing happened a command is answered with what belongs to it only."""
    client = client_in(state)
    status, said = run(client, example)
    name = name_of(example).decode()
    allowed = own(example) if status == b"OK" else NONE
    if "STORE" in name:
        allowed |= NEW_KEYWORD
    if name.endswith(("APPEND", "REPLACE")) and state is State.SELECTED:
        allowed |= {"EXISTS", "RECENT"}
    assert set(said) <= allowed, said


@pytest.mark.parametrize("expunge", [False, True])
@pytest.mark.parametrize("example", SELECTED, ids=repr)
def test_what_others_did(example: bytes, expunge: bool) -> None:
    """News come with every command, expunges with none that names positions."""
    client = client_in(State.SELECTED)
    let_others_work(client, expunge=expunge)
    assert client.turn() == b"", "nothing is told while no command is in progress"
    status, said = run(client, example)
    if b"ENABLE" in example:  # QRESYNC or UIDONLY
        said = [BY_UID.get(kind, kind) for kind in said]
    name = name_of(example).decode()
    assert set(said) <= own(example) | NEWS | {"EXPUNGE"}
    if name in BY_POSITION:
        assert "EXPUNGE" not in said
    if expunge and b"1:*" in example and ("COPY" in name or "MOVE" in name):
        assert status == b"NO"
        assert "EXPUNGE" in said, "what is refused as gone is told to be gone"
    elif status != b"OK":
        begun = {"FETCH", "OK [HIGHESTMODSEQ]", "OK [CLOSED]"}
        assert set(said) <= begun, "what is refused tells only what it had begun"
    elif name in ELSEWHERE:
        assert set(said) <= own(example)
    elif name not in BY_POSITION or not expunge:
        # IMAP4rev2 knows nothing that is recent: RFC 9051 §E, 12.
        recent = set() if b"IMAP4rev2" in example else {"RECENT"}
        assert set(said) >= {"EXISTS", "FLAGS", "OK [PERMANENTFLAGS]"} | recent
    if expunge and status == b"OK" and name not in BY_POSITION | ELSEWHERE:
        assert "EXPUNGE" in said
    if not client.closed and name not in ELSEWHERE | {"IDLE"}:
        _, rest = run(client, b"NOOP")
        if expunge:
            assert "EXPUNGE" in [*said, *rest], "an expunge is told in the end"
        again = run(client, b"NOOP")
        assert again == (b"OK", []), "and nothing is told twice"


@pytest.mark.parametrize("command", [b"SELECT", b"EXAMINE"])
def test_select_tells_what_it_must(command: bytes) -> None:
    """SELECT tells all that RFC 3501 §6.3.1 wants, EXISTS before what is optional."""
    client = client_in(State.AUTHENTICATED)
    _, said = run(client, command + b" INBOX")
    assert set(said) == OPENING
    assert len(said) == len(OPENING)


def test_between_commands_nothing_is_said() -> None:
    """What happens while no command is in progress waits for the next one."""
    client = client_in(State.SELECTED)
    let_others_work(client, expunge=True)
    assert client.turn(60) == b""
