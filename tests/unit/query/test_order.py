"""In which order messages come."""

from functools import cmp_to_key
from typing import Any, NamedTuple
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.card import Card, make_card
from imapbox.mime.scanner import Scanner
from imapbox.model.sorting import SortBy, SortKey
from imapbox.query.order import Order, uids_of
from imapbox.query.runs import Runs


class Row(NamedTuple):
    uid: int
    date: int
    size: int


def card(header: bytes) -> Card:
    scanner = Scanner()
    scanner.feed(header + b"\r\n\r\n")
    return Card(make_card(scanner.finish()))


def order_of(by: list[SortBy], headers: list[bytes]) -> list[int]:
    """The numbers of messages, from 0, as they are sorted."""
    order = Order(by, len(headers))
    keys = [
        order.key(Row(uid, 0, 0), card(header)) for uid, header in enumerate(headers)
    ]
    return uids_of(sorted(keys)).tolist()


TEXTS = st.sampled_from(["", "a", "ab", "B", "b a", "_", "z", "Ä", "學", "a\x01"])
NUMBERS = st.integers(-3, 3) | st.sampled_from([2**40, -(2**40)])
MESSAGES = st.lists(st.tuples(NUMBERS, st.integers(0, 3), TEXTS), max_size=8)
CRITERIA = st.lists(
    st.builds(
        SortBy,
        st.sampled_from([SortKey.ARRIVAL, SortKey.SIZE, SortKey.SUBJECT]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@given(MESSAGES, CRITERIA)
def test_each_criterion_decides_where_those_before_do_not(
    messages: list[tuple[int, int, str]], by: list[SortBy]
) -> None:
    """The first criterion decides, then the next, at last the sequence number.

    REVERSE turns one criterion round, never the sequence numbers: RFC 5256 §3.
    """

    def value(criterion: SortBy, number: int) -> Any:
        date, size, text = messages[number]
        return {
            SortKey.ARRIVAL: date,
            SortKey.SIZE: size,
            SortKey.SUBJECT: normalize("NFKD", text.upper()).encode(),
        }[criterion.key]

    def compare(a: int, b: int) -> int:
        for criterion in by:
            one, other = value(criterion, a), value(criterion, b)
            if one != other:
                return -1 if (one < other) != criterion.descending else 1
        return a - b

    order = Order(by, len(messages))
    keys = [
        order.key(
            Row(uid, date, size), card(b"Subject: =?utf-8?q?" + quoted(text) + b"?=")
        )
        for uid, (date, size, text) in enumerate(messages)
    ]
    found = uids_of(sorted(keys)).tolist()
    assert found == sorted(range(len(messages)), key=cmp_to_key(compare))


def quoted(text: str) -> bytes:
    return b"".join(b"=%02X" % octet for octet in text.encode())


ASCENDING = {
    SortKey.FROM: [
        b"Subject: none",
        b"From: Zoe <ana@z>",
        b"From: =?utf-8?q?ANA?= <Bob@a>, <a@a>",
        b"From: <c@x>",
    ],
    SortKey.TO: [b"X: y", b"To: a@z", b"To: list:b@c;", b"To: M@c"],
    SortKey.CC: [b"To: a@a", b"Cc: a@z", b"Cc: B@c"],
    SortKey.SUBJECT: [
        b"X: y",
        b"Subject: Fwd: A",
        b"Subject: =?utf-8?q?=C3=A4?=",  # A and a mark
        b"Subject: =?utf-8?q?b?=",
        b"Subject: c",
        b"Subject: _",
    ],
    SortKey.DATE: [
        b"Date: 31 Dec 1969 23:59:59 +0000",
        b"X: none, so that it is INTERNALDATE",
        b"Date: 1 Jan 2001 00:01:33 +0100",
        b"Date: 31 Dec 2000 16:01:33 -0800",
        b"Date: 1 Jan 2001 01:00:00 +0000",
    ],
    SortKey.DISPLAYFROM: [
        b"X: y",
        b'From: "" <a@b>',
        b"From: =?utf-8?q?ANNA?= <z@z>",
        b"From: anna@b",
        b"From: b@b",
        b'From: "Bob" <a@a>',
        b"From: group: a@b;",
    ],
    SortKey.DISPLAYTO: [b"X: y", b"To: a@b", b"To: Zoe <a@a>"],
}


@pytest.mark.parametrize("key", ASCENDING)
def test_what_is_sorted_by(key: SortKey) -> None:
    """Names, subjects and dates are sorted decoded, and without regard to case."""
    headers = ASCENDING[key]
    downwards = list(reversed(range(len(headers))))
    assert order_of([SortBy(key)], headers[::-1]) == downwards
    assert order_of([SortBy(key, descending=True)], headers) == downwards


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        (SortKey.SUBJECT, b"Subject: Re: [x] a", b"Subject: Fwd: A (fwd)"),
        (SortKey.SUBJECT, b"X: y", b"Subject: Re: "),
        (SortKey.FROM, b"From: Ana <x@y>", b"From: X@z"),
        (SortKey.DATE, b"Date: 1 Jan 2001 01:00 +0100", b"Date: 1 Jan 2001 00:00 GMT"),
        (SortKey.DISPLAYTO, b"To: Ana <x@y>", b"To: =?utf-8?q?ANA?= <z@z>, x@x"),
    ],
)
def test_what_is_the_same(key: SortKey, one: bytes, other: bytes) -> None:
    """Where a criterion sees no difference, the sequence number decides."""
    for by in ([SortBy(key)], [SortBy(key, descending=True)]):
        assert order_of(by, [one, other]) == order_of(by, [other, one]) == [0, 1]


def test_what_is_gone_comes_first() -> None:
    """A message whose card is gone is sorted as one that says nothing."""
    order = Order([SortBy(SortKey.SUBJECT)], 2)
    gone, there = Row(2, 0, 0), Row(1, 0, 0)
    assert order.key(gone, None) < order.key(there, card(b"Subject: a"))


def test_texts_have_a_limit() -> None:
    """However long texts are, and however many, their keys have some ten MiB."""
    long = card(b"Subject: " + b"x" * 5000)
    by = [SortBy(SortKey.SUBJECT)]
    for count, most in ((1, 1100), (100_000, 400), (1_000_000, 50)):
        key = Order(by, count).key(Row(1, 0, 0), long)
        assert 32 < len(key) <= most


@given(st.lists(st.binary(max_size=3), max_size=50))
def test_runs_are_merged(keys: list[bytes]) -> None:
    """What is sorted in pieces is what is sorted at once."""
    runs = Runs()
    for key in keys:
        runs.add(key)
    assert [key for some in runs.merged() for key in some] == sorted(keys)


def test_many_keys_come_in_pieces() -> None:
    """A hundred thousand are merged about a thousand at a time."""
    runs = Runs()
    keys = [number * 7919 % 100_003 for number in range(100_000)]
    for key in keys:
        runs.add(key.to_bytes(4))
    pieces = list(runs.merged())
    assert max(map(len, pieces)) <= 1024
    assert [int.from_bytes(key) for some in pieces for key in some] == sorted(keys)
