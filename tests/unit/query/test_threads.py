"""Which messages belong together: against the words of RFC 5256, one by one."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.card import Card, make_card
from imapbox.mime.message_ids import thread_id
from imapbox.mime.scanner import Scanner
from imapbox.model.sorting import ThreadAlgorithm
from imapbox.query.forest import Forest
from imapbox.query.references import ROOT, References
from imapbox.query.threads import THREADINGS, Work
from tests.support.naive_threads import Mail, by_references

REFERENCES = ThreadAlgorithm.REFERENCES
ORDEREDSUBJECT = ThreadAlgorithm.ORDEREDSUBJECT


class Row(NamedTuple):
    uid: int
    date: int = 0
    size: int = 0


def card(header: bytes) -> Card:
    scanner = Scanner()
    scanner.feed(header + b"\r\n\r\n")
    return Card(make_card(scanner.finish()))


def finished(work: Work) -> Forest:
    while True:
        try:
            next(work)
        except StopIteration as end:
            forest: Forest = end.value
            return forest


def threads(algorithm: ThreadAlgorithm, headers: Sequence[bytes]) -> str:
    """What is told of messages with these headers, counted from 1."""
    threading = THREADINGS[algorithm](len(headers))
    for uid, header in enumerate(headers, start=1):
        threading.add(Row(uid), card(header))
    forest = finished(threading.forest())
    return b"".join(forest.told(range(1, len(headers) + 1))).decode()


# Clients keep these: they never change.
FIRST = "f378af5ee441669b3087246e8731e49b"
KEPT_IDS = {
    b"Message-ID: <a@b>": FIRST,
    b"Subject: answer\r\nReferences: <a@b> <c@d>\r\nMessage-ID: <e@f>": FIRST,
    b"In-Reply-To: your mail of today <a@b>\r\nReferences: none": FIRST,
    b'References: (he said) <"a" @ B>': FIRST,
    b"Message-ID: <a@c>": "120135ea583a3c5e9e4518c7ce63c449",
    b"Subject: x": "6497eb533483ebad6897c4ce205b9a22",
    b"": "b63bd05fea2e4a1a610132b88cf21655",
}


@pytest.mark.parametrize("header", KEPT_IDS)
def test_a_thread_keeps_its_id(header: bytes) -> None:
    """What a message's thread is called follows from its header, for ever."""
    assert thread_id(card(header)).hex() == KEPT_IDS[header]


IDS = "abcdefgh"


def mails(ancestors: Callable[[str | None], st.SearchStrategy[tuple[str, ...]]]) -> Any:
    """Some mails, whose ancestors depend on their ids."""
    return st.lists(
        st.one_of(st.none(), st.sampled_from(IDS)).flatmap(
            lambda own: st.builds(
                Mail,
                own=st.just(own),
                references=ancestors(own),
                date=st.integers(0, 9),
                subject=st.sampled_from(["", "s", "t"]),
                is_reply=st.booleans(),
            )
        ),
        max_size=9,
    )


def older(own: str | None) -> st.SearchStrategy[tuple[str, ...]]:
    """Some ids that come before it in the alphabet, in this order."""
    before = IDS[: IDS.index(own) if own else None]
    return st.sets(st.sampled_from(before or "a")).map(
        lambda some: tuple(sorted(some)) if before else ()
    )


def any_order(_own: str | None) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(IDS), max_size=4).map(tuple)


@given(mails(older))
def test_it_is_what_the_words_say(mails: list[Mail]) -> None:
    """Whoever follows RFC 5256 §3 step by step has the same threads.

    Wherever messages are in the mailbox, and whatever of their ancestors is not.
    """
    assert threads(REFERENCES, [mail.header for mail in mails]) == by_references(mails)


@given(mails(any_order), st.sampled_from(ThreadAlgorithm))
def test_each_message_is_told_once(
    mails: list[Mail], algorithm: ThreadAlgorithm
) -> None:
    """Also where messages name one another as their ancestors, in circles."""
    told = threads(algorithm, [mail.header for mail in mails])
    numbers = [int(number) for number in re.findall("[0-9]+", told)]
    assert sorted(numbers) == list(range(1, len(mails) + 1))
    assert told.count("(") == told.count(")")


def headers(*mails: tuple[str, str, str]) -> list[bytes]:
    """Of each mail its id, its references, and its subject."""
    return [
        f"Message-ID: {own}\r\nReferences: {before}\r\nSubject: {subject}".encode()
        for own, before, subject in mails
    ]


@pytest.mark.parametrize(
    ("mails", "told"),
    [
        # RFC 5256 §4: "2", "3 6 (4 23)(44 7 96)", and "((3)(5))".
        ([("<a@x>", "", "")], "(1)"),
        (
            [
                *(("<a@x>", "", "1"), ("<b@x>", "<a@x>", "2"), ("<c@x>", "<b@x>", "3")),
                *(("<d@x>", "<c@x>", "4"), ("<e@x>", "<b@x>", "5")),
                *(("<f@x>", "<e@x>", "6"), ("<g@x>", "<f@x>", "7")),
            ],
            "(1 2 (3 4)(5 6 7))",
        ),
        ([("<a@x>", "<z@x>", "1"), ("<b@x>", "<z@x>", "2")], "((1)(2))"),
        # Of ids that are the same, the first message has it.
        ([("<a@x>", "", "1"), ("<a@x>", "", "2"), ("<b@x>", "<a@x>", "3")], "(1 3)(2)"),
        # Needless quotes, and what is no id.
        ([('<"a"@x>', "", "1"), ("<b@x>", "<a@x>", "2")], "(1 2)"),
        ([('<"a\\"b"@x>', "", "1"), ("<b@x>", 'x <y> <@z> <"a\\"b"@x>', "2")], "(1 2)"),
        ([("nonsense", "", "1"), ("<b@x>", "nonsense", "2")], "(1)(2)"),
        ([("<a@x>", "<a@x>", "1"), ("<b@x>", "<b@x> <b@x>", "2")], "(1)(2)"),
        # By subject: RFC 5256 §3, step 5.
        ([("<a@x>", "", "s"), ("<b@x>", "", "Re: S")], "(1 2)"),
        ([("<a@x>", "", "Re: s"), ("<b@x>", "", "[l] s")], "(2 1)"),
        (
            [("<a@x>", "", "s"), ("<b@x>", "", "s"), ("<c@x>", "", "Fwd: s")],
            "((1)(2)(3))",
        ),
        ([("<a@x>", "", ""), ("<b@x>", "", "Re:")], "(1)(2)"),
    ],
)
def test_references(mails: list[tuple[str, str, str]], told: str) -> None:
    """Answers stand below what they answer; those with one subject meet."""
    assert threads(REFERENCES, headers(*mails)) == told


def test_in_reply_to_counts_where_there_are_no_references() -> None:
    """The first id in In-Reply-To is the parent where References names none."""
    mails = [
        b"Message-ID: <a@x>\r\nSubject: 1",
        b"Message-ID: <b@x>\r\nSubject: 2",
        b"In-Reply-To: Ana's of today <b@x> <a@x>\r\nReferences: none\r\nSubject: 3",
        b"In-Reply-To: <b@x>\r\nReferences: <a@x>\r\nSubject: 4",
    ]
    assert threads(REFERENCES, mails) == "(1 4)(2 3)"


def test_ordered_subject() -> None:
    """All with one base subject are below the one that was sent first.

    RFC 5256 §3: there are no grandchildren; threads come by their first message.
    """
    mails = [
        b"Subject: Re: b\r\nDate: 2 Jan 2001 00:00:00 +0000",
        b"Subject: a\r\nDate: 4 Jan 2001 00:00:00 +0000",
        b"Subject: B\r\nDate: 1 Jan 2001 00:00:00 +0000",
        b"Subject: Fwd: a\r\nDate: 3 Jan 2001 00:00:00 +0000",
        b"Subject: [x] b\r\nDate: 5 Jan 2001 00:00:00 +0000",
        b"Date: 2 Jan 2001 00:00:00 +0000",
    ]
    assert threads(ORDEREDSUBJECT, mails) == "(3 (1)(5))(6)(4 2)"


def test_what_is_gone_has_no_thread() -> None:
    """A message whose card is gone stands alone, by its INTERNALDATE."""
    threading = THREADINGS[REFERENCES](2)
    threading.add(Row(1, date=5), None)
    threading.add(Row(2), card(b"Date: 1 Jan 1970 00:00:01 +0000"))
    assert list(finished(threading.forest()).told([1, 2])) == [b"(2)(1)"]


SHAPES: dict[str, Callable[[int, int], Sequence[int]]] = {
    "deep": lambda n, _: [n - 1],
    "deep, from below": lambda n, _: [n + 1],
    "each below the first": lambda _, __: [0],
    "two and two": lambda n, _: [n // 2],
    "a circle": lambda n, many: [(n + 1) % many],
    "chains that meet": lambda n, _: [n ^ 255, n & ~255],
    "below a chain": lambda n, many: [n + 1] if n < many // 2 else [0],
    "below a chain of nobody": lambda n, many: (
        [many + n + 1, many + n] if n < many // 2 else [many]
    ),
    "nobody that is there": lambda n, many: range(many + 5 * n, many + 5 * n + 5),
}


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python some work takes."""
    count = 0

    def trace(_frame: object, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_is_linear(shape: str) -> None:
    """Row 12: twice as many messages are twice the work, whatever they refer to."""

    def thread(many: int) -> None:
        references = References(many)
        for number in range(many):
            references.add(number, SHAPES[shape](number, many))
        assert sum(1 for _ in references.link()) >= many / 500
        forest = Forest(many)
        for number in range(many):
            forest.put(number, max(ROOT, references.above(number)))
        told = b"".join(forest.told(range(many)))
        assert len(re.findall(b"[0-9]+", told)) == many

    few, many = (lines_run(lambda n=n: thread(n)) for n in (512, 2048))
    assert many < 6 * few


def test_deep_threads_are_told_flat() -> None:
    """Of what branches a hundred levels deep, the rest is told in one line.

    Clients read threads by recursion. A line of answers is no depth at all.
    """
    forest = Forest(3000)
    forest.put(0, ROOT)
    for number in range(1, 3000):
        forest.put(number, number - 1 - number % 2)
    told = b"".join(forest.told(range(1, 3001)))
    depth = deepest = 0
    for octet in told:
        depth += (octet == ord("(")) - (octet == ord(")"))
        deepest = max(deepest, depth)
    assert (depth, deepest) == (0, 101)
    assert len(re.findall(b"[0-9]+", told)) == 3000


def test_references_have_a_limit() -> None:
    """Of one message the last hundred ids count; of very many, the last twenty."""
    for count, most in ((1, 100), (10**6, 20)):
        references = References(count)
        references.add(1, range(100, 1000))
        references.add(1000 - most, ())
        references.add(999 - most, ())
        for _ in references.link():
            pass
        assert (references.above(0), references.above(1)) == (1, ROOT)
