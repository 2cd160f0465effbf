"""SORT, SORT=DISPLAY and ESORT: RFC 5256, RFC 5957, RFC 5267 §3."""

import pytest

from imapbox.model.errors import StoreFailure
from imapbox.model.message import InternalDate
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client, answer
from tests.support.taking_turns import leave_in_the_middle


@pytest.fixture
def client() -> Client:
    """Open a mailbox of UIDs 1 to 6 without 2, whose subjects are e, c, a, d, a."""
    account = FakeAccount()
    for number, subject in enumerate(b"excadA"):
        octets = b"Subject: Re: %c\r\n\r\n%b" % (subject, b"x" * (9 - number))
        date = InternalDate(1_700_000_000 - number % 4, 0)
        account.inbox.add(octets, ["\\Flagged"] if number > 2 else [], date)
    del account.inbox.messages[2]
    return Client(account).login().select()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"SORT (SUBJECT) UTF-8 ALL", b"SORT 3 5 2 4 1"),
        (b"UID SORT (SUBJECT) UTF-8 ALL", b"SORT 4 6 3 5 1"),
        (b"SORT (REVERSE SUBJECT) US-ASCII ALL", b"SORT 1 4 2 3 5"),
        (b"sort (subject reverse arrival) utf-8 all", b"SORT 5 3 2 4 1"),
        (b"SORT (ARRIVAL) UTF-8 ALL", b"SORT 3 2 5 1 4"),
        (b'SORT (REVERSE SIZE) "UTF-8" FLAGGED', b"SORT 3 4 5"),
        (b"SORT (SIZE) UTF-8 DELETED", b"SORT"),
        (b"SORT (SUBJECT) UTF-8 MODSEQ 5", b"SORT 3 5 4 (MODSEQ 7)"),
        (b"SORT (SUBJECT) UTF-8 MODSEQ 99", b"SORT"),
    ],
)
def test_what_is_found_is_told_in_order(
    client: Client, asked: bytes, told: bytes
) -> None:
    """SORT tells sequence numbers, UID SORT tells UIDs, in the order wanted."""
    answer(client, b"ENABLE CONDSTORE")
    assert answer(client, asked) == b"* %b\r\n" % told


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"SORT RETURN () (SUBJECT) UTF-8 ALL", b" ALL 3,5,2,4,1"),
        (b"UID SORT RETURN (ALL) (ARRIVAL) UTF-8 ALL", b" UID ALL 4,3,6,1,5"),
        (b"SORT RETURN (ALL) (REVERSE SIZE) UTF-8 ALL", b" ALL 1:5"),
        (b"SORT RETURN (ALL) (SIZE) UTF-8 ALL", b" ALL 5,4,3,2,1"),
        (b"SORT RETURN (MIN MAX COUNT) (SUBJECT) UTF-8 ALL", b" COUNT 5 MIN 3 MAX 1"),
        (b"SORT RETURN (COUNT MIN) (SUBJECT) UTF-8 DELETED", b" COUNT 0"),
    ],
)
def test_esort(client: Client, asked: bytes, told: bytes) -> None:
    """With RETURN it is an ESEARCH: the first, the last, all in their order.

    RFC 5267 §3.1 and §3.2: no range runs downwards.
    """
    assert answer(client, asked) == b'* ESEARCH (TAG "t")%b\r\n' % told


def test_what_is_saved(client: Client) -> None:
    """SAVE keeps what was found, or the ends of it in its order."""
    assert answer(client, b"SORT RETURN (SAVE) (SUBJECT) UTF-8 FLAGGED") == b""
    assert answer(client, b"UID SORT (SIZE) UTF-8 $") == b"* SORT 6 5 4\r\n"
    answer(client, b"SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL")
    assert answer(client, b"UID SEARCH $") == b"* SEARCH 4\r\n"


@pytest.mark.parametrize(
    "asked",
    [
        b"SORT",
        b"SORT (SUBJECT)",
        b"SORT (SUBJECT) UTF-8",
        b"SORT SUBJECT UTF-8 ALL",
        b"SORT () UTF-8 ALL",
        b"SORT (REVERSE) UTF-8 ALL",
        b"SORT (REVERSE REVERSE SIZE) UTF-8 ALL",
        b"SORT (NONSENSE) UTF-8 ALL",
        b"SORT (SUBJECT) ALL",
        b"SORT RETURN (NONSENSE) (SUBJECT) UTF-8 ALL",
        b"SORT (SUBJECT) CHARSET UTF-8 ALL",
        b"SORT (" + b"SIZE " * 100 + b"SIZE) UTF-8 ALL",
    ],
    ids=lambda asked: asked[:30],
)
def test_what_is_no_sort_is_bad(client: Client, asked: bytes) -> None:
    """What is missing or is no criterion, and too many of them, are BAD."""
    assert client.say(b"t %b\r\n" % asked).startswith(b"t BAD")


def test_an_unknown_charset_is_refused(client: Client) -> None:
    """A charset that we don't read is NO, with the list of those that we do."""
    said = client.say(b"t SORT (SUBJECT) X-NO ALL\r\n")
    assert said.startswith(b"t NO [BADCHARSET (US-ASCII UTF-8 ")


def test_what_is_gone_is_sorted(client: Client) -> None:
    """What another session expunged is sorted as an empty message, until it is told.

    RFC 5256 §3: SORT tells no EXPUNGE, UID SORT does.
    """
    del client.account.inbox.messages[5]
    client.account.inbox.bodies_gone.add(5)
    assert answer(client, b"SORT (SUBJECT) UTF-8 ALL") == b"* SORT 4 3 5 2 1\r\n"
    said = answer(client, b"UID SORT (SUBJECT) UTF-8 ALL")
    assert said == b"* SORT 5 4 6 3 1\r\n* 4 EXPUNGE\r\n"


def test_what_can_not_be_read_is_no_result(client: Client) -> None:
    """If the store fails, the answer is NO, and nothing is said to be found."""
    client.account.pause = refusing(StoreFailure(), "read_cards")
    said = client.say(b"t SORT (SUBJECT) UTF-8 ALL\r\n")
    assert said.startswith(b"t NO [UNAVAILABLE] ")
    assert answer(client, b"SORT (SIZE) UTF-8 3:4") == b"* SORT 4 3\r\n"


def test_only_what_decides_is_read(client: Client) -> None:
    """No card is read where sizes and arrival decide."""
    asked: list[str] = []

    async def note(what: str) -> None:
        asked.append(what)

    client.account.pause = note
    answer(client, b"SORT (SIZE REVERSE ARRIVAL) UTF-8 ALL")
    assert set(asked) == {"sync"}
    answer(client, b"SORT (SIZE DATE) UTF-8 ALL")
    assert "read_cards" in asked


@pytest.mark.parametrize("by", [b"SIZE", b"DATE", b"SUBJECT"])
def test_others_have_their_turn_and_who_leaves_ends_it(by: bytes) -> None:
    """A long SORT lets others have their turn, and ends with its connection."""
    leave_in_the_middle(b"SORT (%b) UTF-8 ALL" % by)


def test_a_long_sort_is_not_silent() -> None:
    """Every ten seconds a client reads that its SORT goes on."""
    account = FakeAccount()
    for _ in range(30):
        account.inbox.add(b"Subject: s\r\n\r\nbody")
    client = Client(account).login().select()

    async def slowly(what: str) -> None:
        client.clock.rightNow += 4 * (what == "make_card")

    account.pause = slowly
    said = client.say(b"t SORT (SUBJECT) UTF-8 ALL\r\n")
    assert b"Still sorting 30 messages.\r\n" in said
    assert said.count(b"* SORT 1 2 3 ") == 1
