"""Who may do what, as a client asks and is told: RFC 4314, RFC 8440."""

import pytest

from imapbox.model.rights import Rights, named_rights
from tests.support.imap_client import Client


@pytest.fixture
def client() -> Client:
    client = Client().login()
    client.account.boxes["öl"] = client.account._new_box()
    return client


def test_rights_are_given_and_told(client: Client) -> None:
    """What SETACL gives, GETACL tells, in the words of this client's names."""
    said = client.say(
        b"a SETACL &APY-l {4}\r\n"
        b"ad\xc3\xa9 lrc\r\n"
        b'b SETACL &APY-l "John Doe" ""\r\n'
        b'c SETACL &APY-l "Jane D" l\r\n'
        b"d GETACL &APY-l\r\n"
        b"e LISTRIGHTS &APY-l {4+}\r\nAD\xc3\xa9\r\n"
        b"f MYRIGHTS &APY-l\r\n"
        b"g DELETEACL &APY-l {4+}\r\nad\xc3\xa9\r\n"
    )
    assert said == (
        b"+ Go on.\r\n"
        b"a OK Rights changed.\r\n"
        b"b OK Rights changed.\r\n"
        b"c OK Rights changed.\r\n"
        b'* ACL &APY-l ana lrswipkxteacd {4}\r\nad\xc3\xa9 lrkxc "jane d" l\r\n'
        b"d OK Rights listed.\r\n"
        b'* LISTRIGHTS &APY-l {4}\r\nAD\xc3\xa9 "" l r s w i p k x t e a c d\r\n'
        b"e OK Rights listed.\r\n"
        b"* MYRIGHTS &APY-l lrswipkxteacd\r\n"
        b"f OK Rights told.\r\n"
        b"g OK Rights taken.\r\n"
    )


def test_names_are_in_utf8_where_the_client_reads_it(client: Client) -> None:
    """After ENABLE UTF8=ACCEPT names of mailboxes are in UTF-8."""
    said = client.say('a ENABLE UTF8=ACCEPT\r\nb GETACL "öl"\r\n'.encode())
    assert '* ACL "öl" ana lrswipkxteacd\r\n'.encode() in said


def test_list_tells_rights(client: Client) -> None:
    """LIST RETURN (MYRIGHTS) tells what one may do with each mailbox that it shows."""
    client.account.boxes["a/b"] = client.account._new_box()
    said = client.say(b'a LIST "" % RETURN (STATUS (MESSAGES) MYRIGHTS)\r\n')
    assert said == (
        b'* LIST (\\HasNoChildren) "/" INBOX\r\n'
        b"* MYRIGHTS INBOX lrswipkxteacd\r\n* STATUS INBOX (MESSAGES 0)\r\n"
        b'* LIST (\\NonExistent \\HasChildren) "/" a\r\n'
        b'* LIST (\\HasNoChildren) "/" &APY-l\r\n'
        b"* MYRIGHTS &APY-l lrswipkxteacd\r\n* STATUS &APY-l (MESSAGES 0)\r\n"
        b"a OK Listed.\r\n"
    )


@pytest.mark.parametrize(
    ("rights", "flags"),
    [
        ("lr", b"()"),
        ("lri", b"()"),
        ("lrs", b"(\\Seen)"),
        ("lrt", b"(\\Deleted)"),
        ("lrw", b"(\\Answered \\Flagged \\Draft blue \\*)"),
        ("lrswt", b"(\\Answered \\Flagged \\Deleted \\Seen \\Draft blue \\*)"),
    ],
)
def test_permanent_flags_are_those_that_may_be_changed(
    client: Client, rights: str, flags: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PERMANENTFLAGS has what the user may change: RFC 4314 §5.1.1."""
    client.account.inbox.bit_of("blue")
    monkeypatch.setattr(
        "tests.support.fake_mail.FakeMailbox.rights", named_rights(rights)
    )
    assert b"* OK [PERMANENTFLAGS %b] " % flags in client.say(b"a SELECT INBOX\r\n")


READING = (
    *(b"FETCH 1 BODY.PEEK[]", b"UID FETCH 1 FLAGS", b"SEARCH ALL", b"COPY 1 x"),
    *(b"THREAD REFERENCES UTF-8 ALL", b"SORT (DATE) UTF-8 ALL", b"EXPUNGE"),
    *(b"ESEARCH IN (selected) ALL", b"STORE 1 FLAGS ()", b'LIST "" *'),
)


@pytest.mark.parametrize("command", READING)
def test_nothing_is_told_without_the_right_to_read(
    client: Client, command: bytes
) -> None:
    """Who may not read any more what is selected hears BYE before anything of it."""
    client.account.inbox.add(b"Subject: secret\r\n\r\n")
    client.select()
    (selected,) = client.account.open
    selected.rights = named_rights("l")
    assert selected.rights == Rights.LOOKUP
    assert client.say(b"a " + command + b"\r\n") == (
        b"a NO [NONEXISTENT] The mailbox is not there any more.\r\n"
        b"* BYE [NONEXISTENT] The mailbox is not there any more.\r\n"
    )


def test_what_is_selected_can_be_left(client: Client) -> None:
    """Who may not read any more what is selected can go elsewhere."""
    client.select()
    client.account.open[0].rights = Rights(0)
    assert b"a OK" in client.say(b"a SELECT &APY-l\r\n")
    client.account.open[0].rights = Rights(0)
    assert client.say(b"b UNSELECT\r\n") == b"b OK Mailbox left.\r\n"
