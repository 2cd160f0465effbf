"""MULTISEARCH: ESEARCH over mailboxes. RFC 7377."""

import pytest

from imapbox.model.errors import StoreFailure
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client


@pytest.fixture
def client() -> Client:
    """INBOX, a, a/b, a/b/c and d: one message each, flagged but in d."""
    account = FakeAccount()
    for name in ("INBOX", "a", "a/b", "a/b/c", "d"):
        box = account.boxes.setdefault(name, account._new_box())
        box.add(b"Subject: x\r\n\r\nx", [] if name == "d" else ["\\Flagged"])
    account.subscribed |= {"a/b", "d", "gone"}
    return Client(account).login()


def told(client: Client, command: bytes) -> list[tuple[bytes, bytes]]:
    """Of each ESEARCH the mailbox and what is told of it; the answer is OK."""
    *lines, answer, _ = client.say(b"t %b\r\n" % command).split(b"\r\n")
    assert answer == b"t OK Searched."
    found = []
    for line in lines:
        correlators, _, items = line.partition(b") UID")
        start, _, rest = correlators.partition(b" MAILBOX ")
        assert start == b'* ESEARCH (TAG "t"'
        name, _, uidvalidity = rest.partition(b" UIDVALIDITY ")
        box = client.account.boxes[name.decode()]
        assert int(uidvalidity) == box.uidvalidity
        found.append((name, items))
    return found


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (b"mailboxes a", [b"a"]),
        (b'mailboxes ("a/b" a nowhere a "" "x//y")', [b"a", b"a/b"]),
        (b"subtree a", [b"a", b"a/b", b"a/b/c"]),
        (b"subtree-one a", [b"a", b"a/b"]),
        (b"subtree (a/b nowhere)", [b"a/b", b"a/b/c"]),
        (b"personal", [b"INBOX", b"a", b"a/b", b"a/b/c"]),
        (b"inboxes", [b"INBOX", b"a", b"a/b", b"a/b/c"]),
        (b"subscribed", [b"a/b"]),
        (b"mailboxes d", []),
        (b"subscribed mailboxes a subtree a/b", [b"a", b"a/b", b"a/b/c"]),
    ],
)
def test_where_is_searched(client: Client, where: bytes, names: list[bytes]) -> None:
    """Each mailbox that is meant and there is searched once, whatever is selected.

    RFC 7377 §2.1: of one in which nothing is found, nothing is told.
    """
    expected = [(name, b" ALL 1") for name in names]
    command = b"ESEARCH IN (%b) FLAGGED" % where
    assert told(client, command) == expected
    client.select(b"d")
    assert told(client, command) == expected
    assert b"* SEARCH 1\r\n" in client.say(b"s SEARCH ALL\r\n")


def test_the_selected_mailbox_is_searched_as_it_is_known(client: Client) -> None:
    """Where no source is named it is the selected one, with what the client knows."""
    client.select(b"a")
    client.account.boxes["a"].add(b"y", ["\\Flagged"])
    assert client.say(b"t ESEARCH 1:* FLAGGED\r\n").startswith(
        b'* ESEARCH (TAG "t" MAILBOX a UIDVALIDITY %d) UID ALL 1\r\n'
        % client.account.boxes["a"].uidvalidity
    )
    said = told(client, b"ESEARCH IN (selected subtree a) RETURN (COUNT MAX) FLAGGED")
    assert said[0] == (b"a", b" COUNT 2 MAX 2")
    assert [name for name, _ in said] == [b"a", b"a/b", b"a/b/c"]


def test_what_is_told_of_each(client: Client) -> None:
    """Return options are told of each mailbox for itself."""
    client.account.boxes["a"].add(b"y", ["\\Flagged"])
    said = told(client, b"ESEARCH IN (subtree a) RETURN (COUNT PARTIAL -1:-1) FLAGGED")
    assert said[0] == (b"a", b" COUNT 2 PARTIAL (-1:-1 2)")
    assert said[1] == (b"a/b", b" COUNT 1 PARTIAL (-1:-1 1)")


def test_what_only_a_selected_mailbox_has(client: Client) -> None:
    """SAVE and "selected" without a selected mailbox, or of others, are BAD."""
    for command in (
        b"ESEARCH ALL",
        b"ESEARCH IN (selected) ALL",
        b"ESEARCH IN (selected personal) ALL",
        b"ESEARCH IN (mailboxes a) RETURN (UPDATE) ALL",
        b"ESEARCH IN (mailboxes a) RETURN (SAVE) ALL",
    ):
        assert client.say(b"t %b\r\n" % command).startswith(b"t BAD "), command
    client.select(b"a")
    said = client.say(b"t ESEARCH IN (selected mailboxes d) RETURN (SAVE) ALL\r\n")
    assert said.startswith(b"t BAD ")
    assert told(client, b"ESEARCH RETURN (SAVE) FLAGGED") == []
    assert client.say(b"t SEARCH $\r\n").startswith(b"* SEARCH 1\r\n")
    said = client.say(b"t ESEARCH RETURN (UPDATE COUNT) ALL\r\n")
    assert b'\r\n* NO [NOUPDATE "t"] ' in said


def test_nothing_is_left_open(client: Client) -> None:
    """Mailboxes are closed again, and are as recent to the next one as before."""
    told(client, b"ESEARCH IN (personal) ALL")
    assert client.account.open == []
    assert b"* 1 RECENT" in client.say(b"s SELECT a\r\n")


def test_trouble_with_one_mailbox_is_told_in_the_end(client: Client) -> None:
    """If one can't be searched the others are, and the answer is NO."""
    opened = 0

    async def pause(what: str) -> None:
        nonlocal opened
        opened += what == "select"
        if what == "select" and opened == 2:
            raise StoreFailure

    client.account.pause = pause
    said = client.say(b"t ESEARCH IN (personal) FLAGGED\r\n")
    assert said.count(b"ESEARCH") == 3
    assert b"\r\nt NO [UNAVAILABLE] " in said


@pytest.mark.parametrize(
    "command",
    [
        b"ESEARCH",
        b"ESEARCH IN () ALL",
        b"ESEARCH IN (nowhere) ALL",
        b"ESEARCH IN (selected-delayed) ALL",
        b"ESEARCH IN (mailboxes) ALL",
        b"ESEARCH IN (mailboxes ()) ALL",
        b"ESEARCH IN (mailboxes a)",
        b"ESEARCH IN (mailboxes a (x)) ALL",
        b"ESEARCH IN (mailboxes (" + b"a " * 1000 + b"a)) ALL",
        b"UID ESEARCH IN (personal) ALL",
    ],
    ids=lambda command: command[:30],
)
def test_what_is_bad(client: Client, command: bytes) -> None:
    """What is no source, or too many of them, is BAD."""
    assert client.say(b"t %b\r\n" % command).startswith(b"t BAD ")


def test_an_unknown_charset_is_refused(client: Client) -> None:
    """A charset that we don't read is NO."""
    said = client.say(b"t ESEARCH IN (personal) CHARSET X-NO SUBJECT x\r\n")
    assert said.startswith(b"t NO [BADCHARSET ")
