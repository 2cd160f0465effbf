"""ESEARCH and SEARCHRES: RFC 4731, RFC 5182."""

import pytest

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client, answer


@pytest.fixture
def client() -> Client:
    """Open a mailbox of UIDs 1 to 9 without 4; 2, 3, 7 and 9 are flagged."""
    account = FakeAccount()
    for uid in range(1, 10):
        account.inbox.add(b"x", ["\\Flagged"] if uid in {2, 3, 7, 9} else [])
    del account.inbox.messages[4]
    account.boxes["other"] = account._new_box()
    return Client(account).login().select()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"SEARCH RETURN () FLAGGED", b" ALL 2:3,6,8"),
        (b"SEARCH RETURN (ALL) FLAGGED", b" ALL 2:3,6,8"),
        (b"UID SEARCH RETURN (ALL) FLAGGED", b" UID ALL 2:3,7,9"),
        (b"search return (min max count) FLAGGED", b" COUNT 4 MIN 2 MAX 8"),
        (b"UID SEARCH RETURN (MAX) CHARSET UTF-8 FLAGGED", b" UID MAX 9"),
        (b"SEARCH RETURN (COUNT ALL) DELETED", b" COUNT 0"),
        (b"UID SEARCH RETURN (MIN MAX) DELETED", b" UID"),
        (b"SEARCH RETURN (ALL) ALL", b" ALL 1:8"),
    ],
)
def test_what_is_asked_is_told(client: Client, asked: bytes, told: bytes) -> None:
    """ESEARCH tells what was asked of what was found, and for which command."""
    assert answer(client, asked) == b'* ESEARCH (TAG "t")%b\r\n' % told


@pytest.mark.parametrize(
    ("returns", "modseq"),
    [(b"MIN", 3), (b"MAX", 10), (b"MIN MAX", 10), (b"COUNT", 10), (b"MIN ALL", 10)],
)
def test_modseq_is_that_of_what_is_told(
    client: Client, returns: bytes, modseq: int
) -> None:
    """With MODSEQ among the keys the greatest one of what is told is told."""
    said = answer(client, b"SEARCH RETURN (%b) MODSEQ 3" % returns)
    assert b" MODSEQ %d" % modseq in said


@pytest.mark.parametrize(
    ("returns", "uids"),
    [
        (b"SAVE", b"2:3,7,9"),
        (b"SAVE ALL", b"2:3,7,9"),
        (b"SAVE COUNT MIN", b"2:3,7,9"),
        (b"SAVE MIN", b"2"),
        (b"MAX SAVE", b"9"),
        (b"MIN SAVE MAX", b"2,9"),
    ],
)
def test_what_is_saved(client: Client, returns: bytes, uids: bytes) -> None:
    """SAVE keeps what was found, or the ends of it; alone, it tells nothing."""
    said = answer(client, b"SEARCH RETURN (%b) FLAGGED" % returns)
    assert (said == b"") is (returns == b"SAVE")
    said = answer(client, b"UID SEARCH RETURN (ALL) $")
    assert said == b'* ESEARCH (TAG "t") UID ALL %b\r\n' % uids


def test_what_was_saved_is_named_anywhere(client: Client) -> None:
    """ "$" stands where numbers or UIDs may, and shrinks as messages go."""
    answer(client, b"UID SEARCH RETURN (SAVE) FLAGGED")
    assert answer(client, b"FETCH $ UID").count(b"FETCH") == 4
    assert answer(client, b"UID FETCH $ FLAGS").count(b"FETCH") == 4
    assert answer(client, b"FETCH $ BODY.PEEK[]").count(b"FETCH") == 4
    assert answer(client, b"STORE $ +FLAGS (\\Deleted)").count(b"Deleted") == 4
    assert answer(client, b"SEARCH UID $ NOT 3") == b"* SEARCH 2 6 8\r\n"
    answer(client, b"COPY $ other")
    assert len(client.account.boxes["other"].messages) == 4
    del client.account.inbox.messages[7]
    answer(client, b"NOOP")
    assert answer(client, b"SEARCH $") == b"* SEARCH 2 3 7\r\n"
    assert answer(client, b"UID EXPUNGE $").count(b"EXPUNGE") == 3
    assert answer(client, b"FETCH $ UID") == b""
    assert answer(client, b"UID MOVE $ other") == b""


def test_what_refuses_a_search_saves_nothing(client: Client) -> None:
    """A search that is refused leaves nothing saved, one that is BAD what was."""
    answer(client, b"SEARCH RETURN (SAVE) FLAGGED")
    assert client.say(b"t SEARCH RETURN (SAVE) NONSENSE\r\n").startswith(b"t BAD")
    assert answer(client, b"SEARCH $") == b"* SEARCH 2 3 6 8\r\n"
    client.say(b"u SEARCH RETURN (UPDATE) SEEN\r\n")
    said = client.say(b"u SEARCH RETURN (SAVE UPDATE) ALL\r\n")
    assert said.startswith(b"u BAD")
    for refused in (
        b"SORT RETURN (SAVE) (SIZE) X-NO TEXT a",
        b"ESEARCH RETURN (SAVE) CHARSET X-NO TEXT a",
    ):
        answer(client, b"SEARCH RETURN (SAVE) FLAGGED")
        said = client.say(b"t " + refused + b"\r\n")
        assert said.startswith(b"t NO [BADCHARSET")
        assert answer(client, b"SEARCH $") == b"* SEARCH\r\n"
    answer(client, b"SEARCH RETURN (SAVE) FLAGGED")
    answer(client, b"ENABLE UTF8=ACCEPT")
    said = client.say(b"t SEARCH RETURN (SAVE) CHARSET UTF-8 ALL\r\n")
    assert said.startswith(b"t BAD")
    assert answer(client, b"SEARCH $") == b"* SEARCH 2 3 6 8\r\n"


def test_a_search_may_narrow_what_was_saved(client: Client) -> None:
    """What was saved is there until its successor was found; then only that."""
    answer(client, b"SEARCH RETURN (SAVE) FLAGGED")
    answer(client, b"SEARCH RETURN (SAVE) $ 1:4")
    assert answer(client, b"SEARCH $") == b"* SEARCH 2 3\r\n"
    answer(client, b"SELECT INBOX")
    assert answer(client, b"SEARCH $") == b"* SEARCH\r\n"


def test_a_long_answer_is_one_line(client: Client) -> None:
    """However many ranges there are, they are told, in one response."""
    box = client.account.inbox
    for number in range(20_000):
        box.add(b"x", ["\\Draft"] if number % 2 else [])
    answer(client, b"NOOP")
    said = client.say(b"t UID SEARCH RETURN (ALL) DRAFT\r\n") + client.turn(1)
    line, _ = said.split(b"\r\n", 1)
    assert line.count(b",") == 9_999
    assert line.startswith(b'* ESEARCH (TAG "t") UID ALL 11,13,15,')
