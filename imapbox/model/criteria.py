r"""What a SEARCH asks of messages, as values.

A criterion is a tree: `And`, `Or` and `Not`, and below them what one message
has or has not. Nothing here knows how it is found out; that is the `query`
room. SORT, THREAD and the later forms of SEARCH take the same values.

Several of RFC 3501's keys are one criterion: UNSEEN is ``Not(HasFlag(SEEN))``,
NEW is ``And((IsRecent(), Not(HasFlag(SEEN))))``, ALL is ``And(())``.

See Also:
    RFC 9051 §6.4.4, RFC 3501 §6.4.4 (NEW, OLD, RECENT).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import TypeAlias

from imapbox.model.flags import Flag
from imapbox.model.numbers import ModSeq
from imapbox.model.sequence_set import SequenceSet


class When(Enum):
    """How a day lies to the one that was named: BEFORE, ON, SINCE."""

    BEFORE = auto()
    ON = auto()
    SINCE = auto()


@dataclass(frozen=True, slots=True)
class And:
    """All of ``criteria``; of none of them, every message."""

    criteria: "tuple[Criterion, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of ``criteria``."""

    criteria: "tuple[Criterion, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Not ``criterion``."""

    criterion: "Criterion"


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """What ``criterion`` asks, about: texts in it are `Like`. RFC 6203 §3."""

    criterion: "Criterion"


@dataclass(frozen=True, slots=True)
class HasSeq:
    """Its sequence number is one of these.

    A number beyond the last message's is nobody's, and no mistake.
    """

    seqs: SequenceSet


@dataclass(frozen=True, slots=True)
class HasUid:
    """Its UID is one of these."""

    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class HasFlag:
    """It has this system flag."""

    flag: Flag


@dataclass(frozen=True, slots=True)
class HasKeyword:
    """It has the keyword of this name, in any case."""

    keyword: str


@dataclass(frozen=True, slots=True)
class IsRecent:
    r"""This session is told ``\Recent``. RFC 3501 §2.3.2."""


@dataclass(frozen=True, slots=True)
class Larger:
    """It has more than this number of octets."""

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """It has less than this number of octets."""

    octets: int


@dataclass(frozen=True, slots=True)
class ChangedFrom:
    """Its modseq is this one or a greater one. RFC 7162 §3.1.5."""

    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class Arrived:
    """The day of its INTERNALDATE, as it is in its own zone."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class Saved:
    """The day on which it came into this mailbox, in UTC. RFC 8514 §4.4."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class HasEmailId:
    """Its octets have this id, 16 octets. RFC 8474 §6."""

    emailid: bytes


@dataclass(frozen=True, slots=True)
class HasThreadId:
    """It is in the thread with this id, 16 octets. RFC 8474 §6."""

    threadid: bytes


@dataclass(frozen=True, slots=True)
class Older:
    """It arrived this number of seconds ago, or before. RFC 5032 §2."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Younger:
    """It arrived this number of seconds ago, or since. RFC 5032 §2."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The day that its Date field names, zone disregarded."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class FieldHas:
    """A header field of this name holds this text; any does if it is empty.

    SUBJECT, FROM, TO, CC and BCC are this criterion, too.

    Attributes:
        name: Of the field, in any case.
        text: Part of its text, in any case.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BodyHas:
    """Its body holds this text, in any case. Header fields don't count."""

    text: str


@dataclass(frozen=True, slots=True)
class TextHas:
    """Its header, a part's header, or its body holds this text, in any case."""

    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """It has words like those of a text, in one of these places. RFC 6203 §3.

    What of them is not known to the full-text index is so if ``text`` itself is.
    """

    text: FieldHas | BodyHas | TextHas


# What is not said by numbers, and may be in the octets of a message only.
Text: TypeAlias = FieldHas | BodyHas | TextHas | Like

Criterion: TypeAlias = (
    And
    | Or
    | Not
    | Fuzzy
    | HasSeq
    | HasUid
    | HasFlag
    | HasKeyword
    | IsRecent
    | Larger
    | Smaller
    | ChangedFrom
    | Arrived
    | Saved
    | HasEmailId
    | HasThreadId
    | Older
    | Younger
    | Sent
    | FieldHas
    | BodyHas
    | TextHas
    | Like
)


def parts_in(criterion: Criterion) -> tuple[Criterion, ...] | None:
    """Return the criteria of which one is made; None if it is made of none."""
    if isinstance(criterion, And | Or):
        return criterion.criteria
    if isinstance(criterion, Not | Fuzzy):
        return (criterion.criterion,)
    return None


def parts_of(criterion: Criterion) -> Iterator[Criterion]:
    """Yield all that a criterion consists of, itself among it."""
    todo = [criterion]
    while todo:
        each = todo.pop()
        yield each
        todo += parts_in(each) or ()
