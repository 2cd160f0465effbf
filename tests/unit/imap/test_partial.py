"""PARTIAL: RFC 9394, and RFC 5267 §4.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.imap.partial_ranges import Partial
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client, answer


@pytest.fixture
def client() -> Client:
    """Open a mailbox of UIDs 1 to 9 without 4; 2, 3, 7 and 9 are flagged."""
    account = FakeAccount()
    for uid in range(1, 10):
        octets = b"Subject: %d\r\n\r\nx" % -uid
        account.inbox.add(octets, ["\\Flagged"] if uid in {2, 3, 7, 9} else [])
    del account.inbox.messages[4]
    return Client(account).login().select()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10), st.booleans())
def test_which_results_they_are(
    first: int, last: int, count: int, from_end: bool
) -> None:
    """Results are counted from 1, or from the last one back, in any order."""
    results = list(range(count))
    places = {
        n for n in range(1, count + 1) if min(first, last) <= n <= max(first, last)
    }
    expected = [each for n, each in enumerate(results, 1) if n in places]
    if from_end:
        backwards = enumerate(reversed(results), 1)
        expected = sorted(each for n, each in backwards if n in places)
    assert results[Partial(first, last, from_end).of(count)] == expected


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"SEARCH RETURN (PARTIAL 1:2) FLAGGED", b" PARTIAL (1:2 2:3)"),
        (b"UID SEARCH RETURN (PARTIAL 2:3) FLAGGED", b" UID PARTIAL (2:3 3,7)"),
        (b"UID SEARCH RETURN (PARTIAL 3:2) FLAGGED", b" UID PARTIAL (3:2 3,7)"),
        (b"UID SEARCH RETURN (partial -1:-2) FLAGGED", b" UID PARTIAL (-1:-2 7,9)"),
        (b"UID SEARCH RETURN (PARTIAL -3:-9) FLAGGED", b" UID PARTIAL (-3:-9 2:3)"),
        (b"SEARCH RETURN (PARTIAL 4:400) FLAGGED", b" PARTIAL (4:400 8)"),
        (b"SEARCH RETURN (PARTIAL 5:6) FLAGGED", b" PARTIAL (5:6 NIL)"),
        (b"SEARCH RETURN (PARTIAL -5:-6) FLAGGED", b" PARTIAL (-5:-6 NIL)"),
        (b"SEARCH RETURN (PARTIAL 1:1) DELETED", b" PARTIAL (1:1 NIL)"),
        (
            b"SEARCH RETURN (MAX COUNT PARTIAL 1:1) FLAGGED",
            b" COUNT 4 MAX 8 PARTIAL (1:1 2)",
        ),
        (
            b"UID SORT RETURN (PARTIAL 1:3) (REVERSE ARRIVAL SUBJECT) UTF-8 FLAGGED",
            b" UID PARTIAL (1:3 2:3,7)",
        ),
        (
            b"UID SORT RETURN (PARTIAL -1:-1) (REVERSE SUBJECT) UTF-8 FLAGGED",
            b" UID PARTIAL (-1:-1 2)",
        ),
    ],
)
def test_some_of_what_is_found(client: Client, asked: bytes, told: bytes) -> None:
    """PARTIAL tells the results in a range, which is named as the client did.

    Of a SORT in its order; NIL where there are none. RFC 9394 §3.1.
    """
    assert answer(client, asked) == b'* ESEARCH (TAG "t")%b\r\n' % told


@pytest.mark.parametrize(
    ("returns", "uids"),
    [
        (b"PARTIAL 2:3 SAVE", b"3,7"),
        (b"SAVE MIN PARTIAL 2:3", b"2:3,7"),
        (b"SAVE PARTIAL -1:-2 MAX", b"7,9"),
        (b"SAVE PARTIAL 2:2 MAX MIN", b"2:3,9"),
        (b"SAVE PARTIAL 2:2 COUNT MIN", b"2:3,7,9"),
    ],
)
def test_what_is_saved(client: Client, returns: bytes, uids: bytes) -> None:
    """SAVE keeps what is told, and all with COUNT: RFC 9394 §3.2, table 1."""
    assert b" PARTIAL (" in answer(client, b"SEARCH RETURN (%b) FLAGGED" % returns)
    said = answer(client, b"UID SEARCH RETURN (ALL) $")
    assert said == b'* ESEARCH (TAG "t") UID ALL %b\r\n' % uids


def test_modseq_is_that_of_what_is_told(client: Client) -> None:
    """With MODSEQ among the keys the greatest one of what is told is told."""
    said = answer(client, b"UID SEARCH RETURN (PARTIAL 1:2) MODSEQ 1 FLAGGED")
    assert said.endswith(b" UID MODSEQ 4 PARTIAL (1:2 2:3)\r\n")


@pytest.mark.parametrize(
    ("asked", "uids"),
    [
        (b"1:* (FLAGS) (PARTIAL -1:-2)", [8, 9]),
        (b"1:* (FLAGS) (PARTIAL 2:1)", [1, 2]),
        (b"3:8 UID (partial 2:3)", [5, 6]),
        (b"1:* (RFC822.SIZE) (PARTIAL 9:10)", []),
        (b"1:* FLAGS (PARTIAL -1:-4 CHANGEDSINCE 8)", [8, 9]),
        (b"1:* FLAGS (CHANGEDSINCE 8 PARTIAL 1:7)", [8]),
    ],
)
def test_some_messages_of_a_uid_fetch(
    client: Client, asked: bytes, uids: list[int]
) -> None:
    """UID FETCH tells some of those named, and of these who changed: RFC 9394 §3.3."""
    answer(client, b"ENABLE CONDSTORE")
    said = answer(client, b"UID FETCH " + asked)
    rows = [line for line in said.split(b"\r\n") if b" FETCH " in line]
    assert [int(row.split(b"UID ")[1].split()[0].rstrip(b")")) for row in rows] == uids


@pytest.mark.parametrize(
    "asked",
    [
        b"SEARCH RETURN (PARTIAL) ALL",
        b"SEARCH RETURN (PARTIAL 1) ALL",
        b"SEARCH RETURN (PARTIAL 0:1) ALL",
        b"SEARCH RETURN (PARTIAL 1:*) ALL",
        b"SEARCH RETURN (PARTIAL -1:2) ALL",
        b"SEARCH RETURN (PARTIAL 1:-2) ALL",
        b"SEARCH RETURN (PARTIAL 1:4294967296) ALL",
        b"SEARCH RETURN (PARTIAL 1:2 ALL) ALL",
        b"SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL",
        b"FETCH 1:* FLAGS (PARTIAL 1:2)",
        b"UID FETCH 1:* FLAGS (PARTIAL 1:2 PARTIAL 1:2)",
        b"UID FETCH 1:* FLAGS (PARTIAL 1:2 VANISHED)",
    ],
)
def test_what_is_no_range_is_bad(client: Client, asked: bytes) -> None:
    """What is no range, or one too many, and PARTIAL by sequence numbers are BAD."""
    assert client.say(b"t %b\r\n" % asked).startswith(b"t BAD")
