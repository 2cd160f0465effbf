"""SELECT, EXAMINE, CLOSE: RFC 9051 §6.3.2, §6.3.3, §6.4.1."""

import pytest

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client


def account_with_mail() -> FakeAccount:
    account = FakeAccount()
    account.inbox.add(b"A: 1\r\n\r\n1", ["\\Seen", "$Junk"])
    account.inbox.add(b"A: 2\r\n\r\n2", ["\\Deleted"])
    account.inbox.add(b"A: 3\r\n\r\n3")
    account.boxes["empty"] = account._new_box()
    return account


def test_select_says_all_there_is() -> None:
    """SELECT tells flags, counts, the first unseen, and all numbers to resume from."""
    client = Client(account_with_mail()).login()
    assert client.say(b"t SELECT INBOX\r\n") == (
        b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\r\n"
        b"* 3 EXISTS\r\n"
        b"* 3 RECENT\r\n"
        b"* OK [UNSEEN 2] First unseen message.\r\n"
        b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk "
        b"\\*)] These flags last.\r\n"
        b"* OK [UIDVALIDITY 101] UIDs are valid.\r\n"
        b"* OK [UIDNEXT 4] Predicted next UID.\r\n"
        b"* OK [MAILBOXID (F00000000000000000000000000000065)] It keeps this.\r\n"
        b"* OK [HIGHESTMODSEQ 4] Highest mod-sequence.\r\n"
        b"t OK [READ-WRITE] Mailbox opened.\r\n"
    )


def test_examine_lets_nothing_change() -> None:
    """EXAMINE offers no permanent flags, and the session can change nothing."""
    client = Client(account_with_mail()).login()
    said = client.say(b"t EXAMINE inbox\r\n")
    assert b"* OK [PERMANENTFLAGS ()] No flags can be changed.\r\n" in said
    assert said.endswith(b"t OK [READ-ONLY] Mailbox opened for reading.\r\n")
    for command in (b"STORE 1 +FLAGS (\\Deleted)", b"EXPUNGE"):
        assert client.say(b"t " + command + b"\r\n").startswith(b"t NO [READ-ONLY] ")
    said = client.say(b"t FETCH 3 (FLAGS BODY[])\r\n")
    assert b"\\Seen" not in said
    assert client.say(b"t CLOSE\r\n") == b"t OK Mailbox closed.\r\n"
    assert len(client.account.inbox.messages) == 3


def test_close_expunges_silently() -> None:
    r"""CLOSE removes what is \Deleted and tells no EXPUNGE."""
    client = Client(account_with_mail()).login().select()
    assert client.say(b"t CLOSE\r\n") == b"t OK Mailbox closed.\r\n"
    assert list(client.account.inbox.messages) == [1, 3]
    assert client.account.open == []


def test_unselect_expunges_nothing() -> None:
    r"""UNSELECT leaves the mailbox, and what is \Deleted in it: RFC 3691."""
    client = Client(account_with_mail()).login().select()
    assert client.say(b"t UNSELECT\r\n") == b"t OK Mailbox left.\r\n"
    assert list(client.account.inbox.messages) == [1, 2, 3]
    assert client.account.open == []
    assert client.say(b"f FETCH 1 FLAGS\r\n").startswith(b"f BAD ")


@pytest.mark.parametrize("name", [b"nowhere", b"&AAA-", b"a//b", b'""'])
def test_a_failed_select_leaves_none_selected(name: bytes) -> None:
    """After a SELECT that failed no mailbox is selected: RFC 9051 §6.3.2."""
    client = Client(account_with_mail()).login().select()
    said = client.say(b"t SELECT " + name + b"\r\n")
    assert said.startswith(b"* OK [CLOSED] The mailbox before is closed.\r\nt NO [")
    assert client.say(b"t FETCH 1 FLAGS\r\n").startswith(b"t BAD ")
    assert client.account.open == []


def test_a_select_that_is_none_changes_nothing() -> None:
    """A SELECT with bad syntax leaves the selected mailbox selected."""
    client = Client(account_with_mail()).login().select()
    assert client.say(b"t SELECT\r\n").startswith(b"t BAD ")
    assert client.say(b"t FETCH 1 UID\r\n").startswith(b"* 1 FETCH (UID 1)\r\n")


def test_another_select_closes_the_first() -> None:
    """Selecting another mailbox gives the first one back, unexpunged."""
    client = Client(account_with_mail()).login().select().select(b"empty")
    assert [mailbox.name for mailbox in client.account.open] == ["empty"]
    assert len(client.account.inbox.messages) == 3


@pytest.mark.parametrize("end", [b"t LOGOUT\r\n", None])
def test_the_end_closes_the_mailbox(end: bytes | None) -> None:
    """LOGOUT and a lost connection give the mailbox back."""
    client = Client(account_with_mail()).login().select()
    if end:
        client.say(end)
    else:
        client.drop()
    assert client.account.open == []


def test_recent_is_told_once() -> None:
    r"""The first session is told \Recent, the next is not."""
    account = account_with_mail()
    first, second = (Client(account).login() for _ in range(2))
    assert b"* 3 RECENT\r\n" in first.say(b"s SELECT INBOX\r\n")
    assert b"* 0 RECENT\r\n" in second.say(b"s SELECT INBOX\r\n")
    assert b"\\Recent" in first.say(b"f FETCH 3 FLAGS\r\n")
