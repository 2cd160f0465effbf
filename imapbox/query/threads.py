"""Which messages belong together: ORDEREDSUBJECT and REFERENCES.

Both take messages one by one, with their cards, and make a `Forest` of them in
small pieces of work: between any two the caller may do something else.

See Also:
    RFC 5256 §3 (THREAD); `references` has the first steps of REFERENCES.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

from imapbox.mime.card import Card, Field
from imapbox.mime.casemap import collation_key
from imapbox.mime.message_ids import digest, message_id, references
from imapbox.mime.subject import is_reply
from imapbox.model.sorting import ThreadAlgorithm
from imapbox.query.forest import Forest
from imapbox.query.order import Row, sent
from imapbox.query.references import ROOT, References
from imapbox.query.runs import Runs

Work: TypeAlias = Generator[None, None, Forest]

_NO_SUBJECT: Final = 0
_HALF: Final = 2**63
_AT_A_TIME: Final = 256


class Threading(Protocol):
    """Puts messages into threads."""

    def add(self, row: Row, card: Card | None) -> None:
        """Take the next message, in the mailbox's order."""
        ...

    def forest(self) -> Work:
        """Put all of them into threads, in small pieces of work."""
        ...


class _Dates:
    """Messages in the order of their sent dates. RFC 5256 §2.2."""

    def __init__(self) -> None:
        self._runs = Runs()
        self._count = 0

    def add(self, row: Row, card: Card | None) -> None:
        date = sent(row, card) + _HALF
        self._runs.add(date.to_bytes(8) + self._count.to_bytes(4))
        self._count += 1

    def sorted(self) -> Iterator["array[int]"]:
        """Yield the messages' numbers, some at a time. Once."""
        for keys in self._runs.merged():
            yield array("i", [int.from_bytes(key[-4:]) for key in keys])


def _subject(card: Card | None) -> int:
    text = b"" if card is None else collation_key(card.base_subject)
    return digest(text) if text else _NO_SUBJECT


class OrderedSubject:
    """Those with one base subject are one thread, all below the first one sent."""

    def __init__(self, _count: int) -> None:
        self._dates = _Dates()
        self._subjects = array("q")

    def add(self, row: Row, card: Card | None) -> None:
        """See `Threading`."""
        self._dates.add(row, card)
        self._subjects.append(_subject(card))

    def forest(self) -> Work:
        """See `Threading`."""
        forest = Forest(len(self._subjects))
        heads: dict[int, int] = {}
        for numbers in self._dates.sorted():
            for number in numbers:
                head = heads.setdefault(self._subjects[number], number)
                forest.put(number, ROOT if head == number else head)
            yield
        return forest


class ByReferences:
    """Those that answer others are below them; then those with one subject meet."""

    def __init__(self, count: int) -> None:
        self._dates = _Dates()
        self._references = References(count)
        self._subjects = array("q")
        self._are_replies = bytearray()
        self._above = array("i")

    def add(self, row: Row, card: Card | None) -> None:
        """See `Threading`."""
        self._dates.add(row, card)
        self._subjects.append(_subject(card))
        if card is None:
            self._references.add(None, ())
            self._are_replies.append(False)
            return
        self._references.add(message_id(card), references(card))
        subject = (card.field(Field.SUBJECT) or "").rpartition("\n")[2]
        self._are_replies.append(is_reply(subject))

    def forest(self) -> Work:
        """See `Threading`."""
        yield from self._references.link()
        dummies = yield from self._place()
        order = array("i")
        for numbers in self._dates.sorted():
            order += numbers
            yield
        gathering = _Gathering(self._above, self._subjects, self._are_replies, dummies)
        yield from gathering.gather(order)
        forest = Forest(gathering.nodes)
        placed: set[int] = set()
        count = len(self._above)
        for at, number in enumerate(order):
            above = gathering.above(number)
            if above >= count and above not in placed:
                placed.add(above)
                forest.put(above, ROOT)
            forest.put(number, above)
            if not at % _AT_A_TIME:
                yield
        return forest

    def _place(self) -> Generator[None, None, int]:
        """Note what is above each message; return how many dummies there are.

        A dummy at the top stays where several are below it. Step 3.
        """
        count = len(self._subjects)
        below: Counter[int] = Counter()
        for number in range(count):
            above = self._references.above(number)
            self._above.append(above)
            if above < ROOT:
                below[above] += 1
            if not number % _AT_A_TIME:
                yield
        dummies: dict[int, int] = {}
        for number, above in enumerate(self._above):
            if above < ROOT:
                is_one = below[above] == 1
                dummy = ROOT if is_one else dummies.setdefault(above, len(dummies))
                self._above[number] = ROOT if is_one else count + dummy
            if not number % _AT_A_TIME:
                yield
        return len(dummies)


class _Gathering:
    """Those at the top with one base subject are brought together. Steps 4 and 5.

    Args:
        above: Of each message, what is above it. It is changed.
        subjects: Of each message.
        are_replies: Of each message.
        dummies: How many nodes behind those of messages are dummies.

    Attributes:
        nodes: How many there are in all.
    """

    def __init__(
        self,
        above: "array[int]",
        subjects: "array[int]",
        are_replies: bytearray,
        dummies: int,
    ) -> None:
        self.nodes = len(above) + dummies
        self._above = above
        self._subjects = subjects
        self._are_replies = are_replies
        self._merged: dict[int, int] = {}
        # The subject table.
        self._table: dict[int, int] = {}

    def gather(self, order: "array[int]") -> Iterator[None]:
        """Do it, given the messages in the order of their dates."""
        tops: dict[int, int] = {}
        for at, number in enumerate(order):
            top = number if self._above[number] == ROOT else self._above[number]
            if top == number or self._is_dummy(top):
                # The first one below a dummy speaks for it.
                tops.setdefault(top, self._subjects[number])
            if not at % _AT_A_TIME:
                yield
        for step in (self._enter, self._merge):
            for at, (node, subject) in enumerate(tops.items()):
                if subject != _NO_SUBJECT:
                    step(node, subject)
                if not at % _AT_A_TIME:
                    yield

    def above(self, number: int) -> int:
        """Return what is above a message then."""
        above = self._above[number]
        return self._merged.get(above, above)

    def _is_dummy(self, node: int) -> bool:
        return node >= len(self._above)

    def _enter(self, node: int, subject: int) -> None:
        """Step 5.B."""
        known = self._table.setdefault(subject, node)
        if self._is_dummy(known):
            return
        if self._is_dummy(node) or (
            self._are_replies[known] and not self._are_replies[node]
        ):
            self._table[subject] = node

    def _merge(self, node: int, subject: int) -> None:
        """Step 5.C."""
        known = self._table[subject]
        if known == node:
            return
        if self._is_dummy(node):
            self._merged[node] = known
        elif self._is_dummy(known) or (
            self._are_replies[node] and not self._are_replies[known]
        ):
            self._above[node] = known
        else:
            self._above[node] = self._above[known] = self.nodes
            self._table[subject] = self.nodes
            self.nodes += 1


THREADINGS: Final[Mapping[ThreadAlgorithm, Callable[[int], Threading]]] = {
    ThreadAlgorithm.ORDEREDSUBJECT: OrderedSubject,
    ThreadAlgorithm.REFERENCES: ByReferences,
}
