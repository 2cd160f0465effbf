r"""A criterion as steps, and what is known of it when not all is known.

Logic with three values: a message is so (`YES`), it is not (`NO`), or nobody
has looked yet (`UNKNOWN`). They are 1, -1 and 0, so that "and" is the smallest,
"or" the largest, and "not" the negative, of one message or of a million at once
(Kleene's logic). A subject that does not match settles an AND before anybody
reads the body.

There is no recursion: the deepest criterion costs no more than its length.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imapbox.model.criteria import And, Criterion, Fuzzy, Or, parts_in

Answers: TypeAlias = NDArray[np.int8]

YES: Final = np.int8(1)
UNKNOWN: Final = np.int8(0)
NO: Final = np.int8(-1)


class _Kind(Enum):
    LEAF = auto()
    AND = auto()
    OR = auto()
    NOT = auto()


class _Step(NamedTuple):
    """One criterion.

    Attributes:
        kind: What is to be done.
        leaf: For a leaf, its number.
        below: For the others, the steps of the criteria in it.
    """

    kind: _Kind
    leaf: int
    below: tuple[int, ...]


class Program:
    """A criterion, to be asked of many messages.

    Attributes:
        leaves: What it asks of a message, each once.
    """

    def __init__(self, criterion: Criterion) -> None:
        self.leaves: list[Criterion] = []
        self._steps: list[_Step] = []
        self._compile(criterion)

    def __len__(self) -> int:
        return len(self._steps)

    def values(self, answers: Answers) -> Answers:
        """Say what follows from ``answers``.

        Args:
            answers: For each leaf (first axis) what is known of each message.

        Returns:
            For each step the same. The last one is the whole criterion.
        """
        values = np.empty((len(self._steps), answers.shape[1]), np.int8)
        for number, (kind, leaf, below) in enumerate(self._steps):
            if kind is _Kind.LEAF:
                values[number] = answers[leaf]
            elif kind is _Kind.NOT:
                np.negative(values[below[0]], out=values[number])
            elif kind is _Kind.AND:
                _fold(np.minimum, values, below, number, YES)
            else:
                _fold(np.maximum, values, below, number, NO)
        return values

    def wanted(self, values: Answers) -> NDArray[np.bool_]:
        """Say which leaves are worth looking at.

        Args:
            values: As `values` returned them.

        Returns:
            For each leaf and each message, whether its answer is not known
            and may matter.
        """
        open_ = values == UNKNOWN
        # A step matters if one that it is part of is open; parts come first.
        for number in range(len(self._steps) - 1, -1, -1):
            for part in self._steps[number].below:
                open_[part] &= open_[number]
        wanted = np.zeros((len(self.leaves), values.shape[1]), np.bool_)
        for number, (kind, leaf, _) in enumerate(self._steps):
            if kind is _Kind.LEAF:
                wanted[leaf] |= open_[number]
        return wanted

    def _compile(self, criterion: Criterion) -> None:
        """Write down the steps, the parts of each before it."""
        numbers: dict[Criterion, int] = {}
        done: list[int] = []
        todo: list[tuple[Criterion, bool]] = [(criterion, False)]
        while todo:
            each, parts_are_done = todo.pop()
            parts = parts_in(each)
            if parts is None:
                leaf = numbers.setdefault(each, len(numbers))
                step = _Step(_Kind.LEAF, leaf, ())
            elif not parts_are_done:
                todo.append((each, True))
                todo += [(part, False) for part in reversed(parts)]
                continue
            else:
                start = len(done) - len(parts)
                step = _Step(_kind(each), 0, tuple(done[start:]))
                del done[start:]
            done.append(len(self._steps))
            self._steps.append(step)
        self.leaves = list(numbers)


def _kind(criterion: Criterion) -> _Kind:
    if isinstance(criterion, And | Fuzzy):
        return _Kind.AND
    return _Kind.OR if isinstance(criterion, Or) else _Kind.NOT


def _fold(
    smaller_or_larger: np.ufunc,
    values: Answers,
    parts: Sequence[int],
    into: int,
    of_none: np.int8,
) -> None:
    values[into] = of_none
    for part in parts:
        smaller_or_larger(values[into], values[part], out=values[into])
