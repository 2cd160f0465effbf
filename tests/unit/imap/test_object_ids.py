"""MAILBOXID, EMAILID and THREADID: RFC 8474."""

import re

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

_IDS = re.compile(rb"EMAILID \((\w+)\)")


def client_with(*messages: bytes) -> Client:
    account = FakeAccount()
    for message in messages:
        account.inbox.add(message)
    return Client(account).login()


def test_a_mailbox_is_called_the_same_everywhere() -> None:
    """CREATE, SELECT and STATUS name a mailbox alike, whatever it is called."""
    client = client_with()
    made = re.search(rb"\[MAILBOXID \((F\w+)\)\]", client.say(b"t CREATE a\r\n"))
    assert made
    client.say(b"t RENAME a b\r\n")
    for asked in (b"SELECT b", b"EXAMINE b"):
        assert b"* OK [MAILBOXID (%b)]" % made[1] in client.say(b"t %b\r\n" % asked)
    for asked in (b"STATUS b (MAILBOXID)", b'LIST "" b RETURN (STATUS (MAILBOXID))'):
        said = client.say(b"t %b\r\n" % asked)
        assert b"* STATUS b (MAILBOXID (%b))\r\n" % made[1] in said
    assert made[1] not in client.say(b"t CREATE a\r\n")


def test_messages_of_the_same_octets_are_one() -> None:
    """EMAILID is the same for the same octets; SEARCH finds messages by it."""
    client = client_with(b"a: b\r\n\r\n", b"c: d\r\n\r\n", b"a: b\r\n\r\n").select()
    said = client.say(b"t FETCH 1:* (EMAILID THREADID)\r\n")
    one, two, three = _IDS.findall(said)
    assert one == three != two
    assert client.say(b"t SEARCH EMAILID %b\r\n" % one).startswith(b"* SEARCH 1 3\r\n")
    either = b"t UID SEARCH OR EMAILID %b EMAILID %b\r\n" % (two, one)
    assert client.say(either).startswith(b"* SEARCH 1 2 3\r\n")
    for nobodys in (one.upper(), one.lower(), one[:-1], one[1:], b"NIL", b"x"):
        said = client.say(b"t SEARCH EMAILID %b\r\n" % nobodys)
        assert said.startswith(b"* SEARCH\r\n")


def test_a_thread_has_one_id_wherever_it_is() -> None:
    """What answers, and what is answered, has one THREADID, and is found by it."""
    client = client_with(
        b"Message-ID: <b@x>\r\nReferences: <a@x>\r\n\r\n",
        b"Message-ID: <z@x>\r\n\r\n",
        b"Message-ID: <c@x>\r\nReferences: <a@x>\r\n <b@x>\r\n\r\n",
        b"Message-ID: <a@x>\r\n\r\n",
    ).select()
    client.say(b"t CREATE other\r\nt COPY 4 other\r\n")
    said = client.say(b"t FETCH 1:* (THREADID)\r\n")
    ids = re.findall(rb"FETCH \(THREADID \((T[0-9a-f]{32})\)\)\r\n", said)
    assert ids[0] == ids[2] == ids[3] != ids[1]
    for number, found in ((0, b"1 3 4"), (1, b"2")):
        said = client.say(b"t SEARCH THREADID %b\r\n" % ids[number])
        assert said.startswith(b"* SEARCH %b\r\n" % found)
    for nobodys in (ids[0].upper(), b"M" + ids[0][1:], ids[0][:-1], b"NIL", b"T1"):
        said = client.say(b"t SEARCH NOT THREADID %b\r\n" % nobodys)
        assert said.startswith(b"* SEARCH 1 2 3 4\r\n")
    said = client.say(b"t SELECT other\r\nt FETCH 1 (BODY.PEEK[TEXT] THREADID)\r\n")
    assert b"THREADID (%b)" % ids[0] in said


def test_ids_are_told_with_octets() -> None:
    """EMAILID and SAVEDATE may be asked for together with octets."""
    client = client_with(b"a: b\r\n\r\n").select()
    said = client.say(b"t FETCH 1 (EMAILID BODY.PEEK[HEADER])\r\n")
    assert re.match(rb"\* 1 FETCH \(EMAILID \(M[0-9a-f]{32}\) BODY\[HEADER\] \{", said)
