"""Criteria at random, and as a client writes them."""

from dataclasses import fields
from datetime import date
from typing import Any

from hypothesis import strategies as st

from imapbox.model.criteria import (
    And,
    Arrived,
    BodyHas,
    ChangedFrom,
    Criterion,
    FieldHas,
    HasEmailId,
    HasFlag,
    HasKeyword,
    HasSeq,
    HasThreadId,
    HasUid,
    IsRecent,
    Larger,
    Not,
    Older,
    Or,
    Saved,
    Sent,
    Smaller,
    TextHas,
    When,
    Younger,
)
from imapbox.model.flags import FLAG_NAMES
from imapbox.model.sequence_set import SequenceSet
from imapbox.wire.imap.dates import MONTHS

NAMED_FIELDS = ("bcc", "cc", "from", "subject", "to")

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
NUMBERS = st.none() | st.integers(1, 30)
SETS = st.builds(
    SequenceSet,
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4).map(tuple),
)
LEAVES = st.one_of(
    st.just(And(())),
    st.builds(HasSeq, SETS),
    st.builds(HasUid, SETS),
    st.builds(HasFlag, st.sampled_from(sorted(FLAG_NAMES))),
    st.builds(HasKeyword, st.sampled_from(["$Forwarded", "Junk", "seen"])),
    st.just(IsRecent()),
    st.builds(Larger, st.integers(0, 2**63 - 1)),
    st.builds(Smaller, st.integers(0, 2**63 - 1)),
    st.builds(ChangedFrom, st.integers(0, 2**63 - 1)),
    st.builds(Arrived, st.sampled_from(When), DAYS),
    st.builds(Saved, st.sampled_from(When), DAYS),
    st.builds(HasEmailId, st.binary(min_size=16, max_size=16)),
    st.builds(HasThreadId, st.binary(min_size=16, max_size=16)),
    st.builds(Older, st.integers(1, 2**32 - 1)),
    st.builds(Younger, st.integers(1, 2**32 - 1)),
    st.builds(Sent, st.sampled_from(When), DAYS),
    st.builds(FieldHas, st.sampled_from([*NAMED_FIELDS, "X-Mine"]), TEXTS),
    st.builds(BodyHas, TEXTS),
    st.builds(TextHas, TEXTS),
)


def trees(leaves: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    """Criteria as the parser makes them: nothing in them is said twice."""

    def combine(below: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
        several = st.lists(below, min_size=2, max_size=4)
        return st.one_of(
            several.map(tuple).map(And),
            several.map(tuple).map(Or),
            below.filter(lambda each: not isinstance(each, Not)).map(Not),
        )

    return st.recursive(leaves, combine, max_leaves=12)


def spelled_set(numbers: SequenceSet) -> bytes:
    ranges = (
        ":".join("*" if end is None else str(end) for end in ends)
        for ends in numbers.ranges
    )
    return ",".join(ranges).encode()


def spelled(criterion: Criterion, codec: str = "utf-8") -> bytes:
    """A search-key; strings are literals that need no invitation."""
    match criterion:
        case And(()):
            return b"ALL"
        case And(criteria):
            return b"(%b)" % b" ".join(spelled(each, codec) for each in criteria)
        case Or(criteria):
            *firsts, last = (spelled(each, codec) for each in criteria)
            # An OR stands in parentheses, or it would be part of the one above.
            return b"(%b%b)" % (b"".join(b"OR %b " % each for each in firsts), last)
        case Not(key):
            return b"NOT " + spelled(key, codec)
        case HasEmailId(octets) | HasThreadId(octets):
            is_email = isinstance(criterion, HasEmailId)
            key = b"EMAILID M" if is_email else b"THREADID T"
            return key + octets.hex().encode()
    words = (_spelled_word(word, codec) for word in _words(criterion))
    return b" ".join(words)


def _words(criterion: Any) -> tuple[object, ...]:
    """The words of a key that has no key inside."""
    kind = type(criterion)
    name = _NAMES.get(kind, b"")
    if kind is HasSeq:
        return (criterion.seqs,)
    if kind is HasFlag:
        return (FLAG_NAMES[criterion.flag].lstrip("\\").encode(),)
    if kind is HasKeyword:
        return (name, criterion.keyword.encode())
    if kind in {Arrived, Saved, Sent}:
        return (name + criterion.when.name.encode(), criterion.day)
    if kind is FieldHas and criterion.name in NAMED_FIELDS:
        return (criterion.name.encode(), criterion.text)
    return (name, *(getattr(criterion, each.name) for each in fields(criterion)))


_NAMES = {
    HasUid: b"UID",
    HasKeyword: b"KEYWORD",
    IsRecent: b"RECENT",
    Larger: b"LARGER",
    Smaller: b"SMALLER",
    ChangedFrom: b"MODSEQ",
    Older: b"OLDER",
    Younger: b"YOUNGER",
    Saved: b"SAVED",
    Sent: b"SENT",
    FieldHas: b"HEADER",
    BodyHas: b"BODY",
    TextHas: b"TEXT",
}


def _spelled_word(word: object, codec: str) -> bytes:
    match word:
        case bytes():
            return word
        case int():
            return b"%d" % word
        case str():
            octets = word.encode(codec)
            return b"{%d+}\r\n%b" % (len(octets), octets)
        case date():
            return f"{word.day}-{MONTHS[word.month - 1]}-{word.year:04}".encode()
        case SequenceSet():
            return spelled_set(word)
    raise TypeError(word)
