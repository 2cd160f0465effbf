"""What a transaction knows of the mailbox, kept current under the lock.

A transaction is evaluated in a thread, under the lock, on what is true then;
the state is touched in the reactor only. So a transaction takes along just the
rows that concern it, and the position they are true at, and is told what was
committed since.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from imapbox.index.frame import Frame
from imapbox.index.head import Position
from imapbox.index.operations import Base, Expunge, Flags, Keyword, decode_operations
from imapbox.model.errors import TooManyKeywords
from imapbox.model.flags import MAX_KEYWORDS
from imapbox.model.numbers import ModSeq, Uid


class Row(NamedTuple):
    """One message, as far as a transaction cares."""

    flags: int
    keywords: int
    modseq: ModSeq
    size: int


@dataclass(slots=True)
class Known:
    """Rows of messages, and the keyword table.

    Attributes:
        since: The position up to which it is true.
        keywords: Their names by number.
        rows: By UID; what is not in it is not followed.
    """

    since: Position
    keywords: list[str]
    rows: dict[Uid, Row] = field(default_factory=dict)
    # What was known at first, of what is known otherwise by now.
    _rows_then: dict[Uid, Row] = field(default_factory=dict, init=False)
    _keywords_then: list[str] | None = field(default=None, init=False)

    def follow(self, frame: Frame) -> None:
        """Take in the next frame."""
        for operation in decode_operations(frame.operations):
            match operation:
                case Base():
                    self._know_keywords(operation.keywords)
                case Keyword():
                    self._know_keywords([*self.keywords, operation.name])
                case Flags():
                    for uid in self._among(operation.uids):
                        row = self._remember(uid)
                        flags, keywords = operation.apply(row.flags, row.keywords)
                        self.rows[uid] = row._replace(
                            flags=flags, keywords=keywords, modseq=frame.counts.modseq
                        )
                case Expunge():
                    for uid in self._among(operation.uids):
                        self._remember(uid)
                        del self.rows[uid]

    def begin_anew(self) -> None:
        """Know again what was known at first."""
        self.rows.update(self._rows_then)
        self._rows_then.clear()
        if self._keywords_then is not None:
            self.keywords, self._keywords_then = self._keywords_then, None

    def keyword_bits(self, names: frozenset[str]) -> tuple[int, list[Keyword]]:
        """Return the bits of keywords, and those that are new, to be defined.

        The new ones are in the table afterwards.

        Raises:
            TooManyKeywords: There is no room for them.
        """
        numbers = {name.lower(): number for number, name in enumerate(self.keywords)}
        bits = 0
        new = []
        for name in sorted(names):
            number = numbers.get(name.lower())
            if number is None:
                number = numbers[name.lower()] = len(numbers)
                new.append(Keyword(name))
            bits |= 1 << number
        if len(numbers) > MAX_KEYWORDS:
            raise TooManyKeywords
        if new:
            self._know_keywords([*self.keywords, *(keyword.name for keyword in new)])
        return bits, new

    def _remember(self, uid: Uid) -> Row:
        row = self.rows[uid]
        self._rows_then.setdefault(uid, row)
        return row

    def _know_keywords(self, names: Iterable[str]) -> None:
        if self._keywords_then is None:
            self._keywords_then = self.keywords
        self.keywords = list(names)

    def _among(self, ranges: tuple[range, ...]) -> list[Uid]:
        found = []
        for uids in ranges:
            if len(uids) > len(self.rows):
                found += [uid for uid in self.rows if uid in uids]
            else:
                found += [Uid(uid) for uid in uids if uid in self.rows]
        return found
