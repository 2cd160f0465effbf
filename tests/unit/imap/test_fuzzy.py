"""SEARCH=FUZZY: RFC 6203."""

from typing import Any

import numpy as np
import pytest

from imapbox.imap.output import Output
from imapbox.query.matches import Matches
from imapbox.wire.imap.search_keys import MAX_FUZZY
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client, answer


def matches(*, known_up_to: int = 9, **scores: float) -> Matches:
    """Return what an index knows: for each UID its score, as u1=0.5."""
    uids = np.array([int(name[1:]) for name in scores], np.uint32)
    return Matches(uids, np.array(list(scores.values()), np.float32), known_up_to)


@pytest.fixture
def client() -> Client:
    """Open a mailbox of UIDs 1 to 6 without 4, of which an index knows 1 to 5."""
    account = FakeAccount()
    for uid in range(1, 7):
        words = b"needle" if uid == 6 else b"hay"
        account.inbox.add(b"Subject: %b\r\n\r\nx" % words)
    del account.inbox.messages[4]
    account.likes = matches(u1=0.5, u3=4.0, u5=0.5, known_up_to=5)
    return Client(account).login().select()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"SEARCH FUZZY TEXT hay", b"SEARCH 1 3 4"),
        (b"UID SEARCH FUZZY SUBJECT needl", b"SEARCH 1 3 5 6"),
        (b"SEARCH FUZZY (TEXT hay 2:*)", b"SEARCH 3 4"),
        (b"SEARCH NOT FUZZY FUZZY BODY hay", b"SEARCH 2 5"),
        (b"SEARCH FUZZY UNDELETED", b"SEARCH 1 2 3 4 5"),
        (b'SEARCH FUZZY HEADER Subject "" FUZZY OR 1 TEXT x', b"SEARCH 1 3 4 5"),
        (b"SORT (RELEVANCY SIZE) UTF-8 FUZZY TEXT hay", b"SORT 3 1 4"),
        (b"SORT (REVERSE RELEVANCY) UTF-8 FUZZY TEXT hay", b"SORT 1 4 3"),
        (b"UID THREAD ORDEREDSUBJECT UTF-8 FUZZY TEXT hay", b"THREAD (1 (3)(5))"),
    ],
)
def test_what_is_like_something_is_found(
    client: Client, asked: bytes, told: bytes
) -> None:
    """Within FUZZY texts are what the index says; what it does not know, as they are.

    All other keys are as exact as ever: RFC 6203 §5.
    """
    assert answer(client, asked) == b"* %b\r\n" % told


@pytest.mark.parametrize(
    ("returns", "told"),
    [
        (b"RELEVANCY ALL", b" ALL 1,3:5 RELEVANCY (1 100 1 100)"),
        (b"ALL", b" ALL 1,3:5"),
        (b"COUNT RELEVANCY", b" COUNT 4 RELEVANCY (1 100 1 100)"),
        (b"RELEVANCY", b" RELEVANCY (1 100 1 100)"),
        (b"MIN RELEVANCY", b" MIN 1 RELEVANCY (1)"),
        (b"MAX MIN RELEVANCY", b" MIN 1 MAX 5 RELEVANCY (1 100)"),
        (b"RELEVANCY PARTIAL 2:3", b" PARTIAL (2:3 3:4) RELEVANCY (100 1)"),
        (b"RELEVANCY PARTIAL 100:200", b" PARTIAL (100:200 NIL)"),
        (b"RELEVANCY MIN PARTIAL -5:-9", b" MIN 1 PARTIAL (-5:-9 NIL)"),
    ],
)
def test_relevancy_is_told_of_what_is_told(
    client: Client, returns: bytes, told: bytes
) -> None:
    """Each number that is told has its score, in the same order: RFC 6203 §4."""
    asked = b"SEARCH RETURN (%b) FUZZY TEXT needle" % returns
    assert answer(client, asked) == b'* ESEARCH (TAG "t")%b\r\n' % told


def test_relevancy_of_a_sort(client: Client) -> None:
    """ESORT tells scores in the order of the result: RFC 6203 §6."""
    sort = b"UID SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT hay"
    told = answer(client, sort)
    assert told == b'* ESEARCH (TAG "t") UID ALL 3,1,5 RELEVANCY (100 1 1)\r\n'
    several = answer(client, b"ESEARCH IN (inboxes) RETURN (RELEVANCY) FUZZY TEXT hay")
    assert b" UID RELEVANCY (1 100 1)\r\n" in several
    none = answer(client, b"SEARCH RETURN (RELEVANCY) FUZZY TEXT hay DELETED")
    assert none == b'* ESEARCH (TAG "t")\r\n'
    flags = answer(client, b"SEARCH RETURN (RELEVANCY ALL) FUZZY UNSEEN 1:2")
    assert flags.endswith(b" ALL 1:2 RELEVANCY (100 100)\r\n")


@pytest.mark.parametrize(
    "asked",
    [
        b"SEARCH FUZZY",
        b"SEARCH FUZZY FUZZY",
        b"SEARCH FUZZY (TEXT a",
        b"SEARCH RETURN (RELEVANCY) TEXT hay",
        b"SORT (RELEVANCY) UTF-8 TEXT hay",
        b"ESEARCH RETURN (RELEVANCY) ALL",
    ],
)
def test_what_is_bad(client: Client, asked: bytes) -> None:
    """RELEVANCY is for a search with FUZZY: RFC 6203 §4, §6."""
    assert client.say(b"t %b\r\n" % asked).startswith(b"t BAD")


def test_it_is_not_kept_up(client: Client) -> None:
    """What is like something changes with all else: a context is refused."""
    told = client.say(b"t SEARCH RETURN (UPDATE ALL) FUZZY TEXT hay\r\n")
    assert b" ALL 1,3:4\r\n" in told
    assert b'* NO [NOUPDATE "t"]' in told


def test_without_an_index_it_is_not_offered(client: Client) -> None:
    """Where the full-text extra is missing, FUZZY is neither announced nor obeyed."""
    assert b" SEARCH=FUZZY " in answer(client, b"CAPABILITY")
    client.account.lacks = frozenset({"SEARCH=FUZZY"})
    assert b"FUZZY" not in answer(client, b"CAPABILITY")
    for asked in (b"SEARCH FUZZY ALL", b"ESEARCH FUZZY TEXT a"):
        assert (
            client.say(b"t %b\r\n" % asked)
            == b"t BAD SEARCH=FUZZY is not offered here.\r\n"
        )


def test_many_texts_are_too_many(client: Client) -> None:
    """Of a limited number of texts one is told which messages are like them."""
    keys = b" ".join(b"TEXT w%d" % number for number in range(MAX_FUZZY))
    said = client.say(b"t SEARCH FUZZY (%b) UNSEEN\r\n" % keys)
    assert said.startswith(b"* SEARCH")
    said = client.say(b"t SEARCH FUZZY (%b NOT SUBJECT x)\r\n" % keys)
    assert said.startswith(b"t BAD")
    said = client.say(b"t SEARCH FUZZY (%b) TEXT x\r\n" % keys)
    assert said.startswith(b"* SEARCH")


def test_relevancy_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    """Scores are put together, and put in order, for some messages at a time."""
    monkeypatch.setattr("imapbox.mailbox.searching._SLICE", 2)
    monkeypatch.setattr("imapbox.mailbox.sorting._AT_A_TIME", 2)
    monkeypatch.setattr("imapbox.query.runs._PIECE", 2)
    sizes = []
    searchsorted = np.searchsorted

    def note(here: Any, numbers: Any, *how: Any) -> Any:
        sizes.append(np.size(numbers))
        return searchsorted(here, numbers, *how)

    pauses = 0
    room = Output.room

    async def count(output: Output) -> None:
        nonlocal pauses
        pauses += 1
        await room(output)

    monkeypatch.setattr(np, "searchsorted", note)
    monkeypatch.setattr(Output, "room", count)
    client.account.likes = matches(u1=0.5, u2=1, u3=4.0, u5=0.5, u6=1)
    sort = b"UID SORT RETURN (RELEVANCY ALL) (%b) UTF-8 FUZZY (TEXT a TEXT b)"
    told = answer(client, sort % b"SIZE")
    assert told.endswith(b" ALL 1:3,5:6 RELEVANCY (1 15 100 1 15)\r\n")
    by_size, pauses = pauses, 0
    told = answer(client, sort % b"RELEVANCY")
    assert told.endswith(b" ALL 3,2,6,1,5 RELEVANCY (100 15 15 1 1)\r\n")
    assert pauses == by_size + 3
    assert max(sizes) <= 3
