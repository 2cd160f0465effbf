"""THREAD: RFC 5256 §3. Who belongs to whom, `tests/unit/query/test_threads.py` asks."""

import pytest

from imapbox.imap.settings import SLICE
from imapbox.model.errors import StoreFailure
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client, answer
from tests.support.taking_turns import leave_in_the_middle


@pytest.fixture
def client() -> Client:
    """Open a mailbox of UIDs 1 to 6 without 2: 3 and 6 answer 1, 5 answers 4."""
    account = FakeAccount()
    for own, before in enumerate((0, 0, 1, 0, 4, 1), start=1):
        octets = b"Message-ID: <%d@x>\r\nReferences: <%d@x>\r\nSubject: %d\r\n\r\n"
        account.inbox.add(octets % (own, before, own), ["\\Seen"] if own > 3 else [])
    del account.inbox.messages[2]
    return Client(account).login().select()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"THREAD REFERENCES UTF-8 ALL", b" ((1 (2)(5))(3 4))"),
        (b"UID THREAD references us-ascii ALL", b" ((1 (3)(6))(4 5))"),
        (b'THREAD REFERENCES "UTF-8" UID 1:4', b" ((1 2)(3))"),
        (b"THREAD REFERENCES UTF-8 SEEN", b" (3 4)(5)"),
        (b"THREAD ORDEREDSUBJECT UTF-8 1:2", b" (1)(2)"),
        (b"THREAD REFERENCES UTF-8 DELETED", b""),
    ],
)
def test_threads_of_what_is_found(client: Client, asked: bytes, told: bytes) -> None:
    """THREAD tells sequence numbers, UID THREAD tells UIDs; none is told, too.

    What 1 and 4 answer, 0, is not there, but they have it in common.
    """
    assert answer(client, asked) == b"* THREAD%b\r\n" % told


@pytest.mark.parametrize(
    "asked",
    [
        b"THREAD",
        b"THREAD REFERENCES",
        b"THREAD REFERENCES UTF-8",
        b"THREAD REFERENCES ALL",
        b"THREAD REFS UTF-8 ALL",
        b"THREAD (REFERENCES) UTF-8 ALL",
        b"THREAD RETURN () REFERENCES UTF-8 ALL",
    ],
)
def test_what_is_no_thread_is_bad(client: Client, asked: bytes) -> None:
    """What is missing, and an algorithm that nobody knows, are BAD."""
    assert client.say(b"t %b\r\n" % asked).startswith(b"t BAD")


def test_an_unknown_charset_is_refused(client: Client) -> None:
    """A charset that we don't read is NO, with the list of those that we do."""
    said = client.say(b"t THREAD REFERENCES X-NO ALL\r\n")
    assert said.startswith(b"t NO [BADCHARSET (US-ASCII UTF-8 ")


def test_what_is_gone_stands_alone(client: Client) -> None:
    """What another session expunged is in no thread; UID THREAD tells that it went."""
    del client.account.inbox.messages[4]
    client.account.inbox.bodies_gone.add(4)
    told = b"* THREAD (1 (2)(5))(3)(4)\r\n"
    assert answer(client, b"THREAD REFERENCES UTF-8 ALL") == told
    said = answer(client, b"UID THREAD REFERENCES UTF-8 ALL")
    assert said == b"* THREAD (1 (3)(6))(4)(5)\r\n* 3 EXPUNGE\r\n"


def test_what_was_saved_is_threaded(client: Client) -> None:
    """ "$" stands for what the last search saved."""
    answer(client, b"SEARCH RETURN (SAVE) 1,5")
    assert answer(client, b"THREAD REFERENCES UTF-8 $") == b"* THREAD (1 5)\r\n"


def test_what_can_not_be_read_is_no_result(client: Client) -> None:
    """If the store fails, the answer is NO, and nothing is said to be found."""
    client.account.pause = refusing(StoreFailure(), "read_cards")
    said = client.say(b"t THREAD REFERENCES UTF-8 ALL\r\n")
    assert said.startswith(b"t NO [UNAVAILABLE] ")


@pytest.mark.parametrize("algorithm", [b"REFERENCES", b"ORDEREDSUBJECT"])
def test_others_have_their_turn_and_who_leaves_ends_it(algorithm: bytes) -> None:
    """A long THREAD lets others have their turn, and ends with its connection."""
    leave_in_the_middle(b"THREAD %b UTF-8 ALL" % algorithm)


def test_a_long_answer_goes_out_in_slices() -> None:
    """However many threads there are, they are one line, in slices of 64 KiB."""
    account = FakeAccount()
    for _ in range(20_000):
        account.inbox.add(b"")
    client = Client(account).login().select()
    for stored in account.inbox.messages.values():
        account.inbox.bodies_gone.add(stored.uid)
    client.protocol.dataReceived(b"t UID THREAD REFERENCES UTF-8 ALL\r\n")
    slices = [client.heard()]
    while client.reactor_turn():
        slices.append(client.heard())
    line, _ = b"".join(slices).split(b"\r\n", 1)
    assert line.count(b"(") == 20_000
    assert max(map(len, slices)) < 2 * SLICE
