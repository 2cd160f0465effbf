"""What changed in a mailbox, as one client is to be told.

Values only. `view.sync` computes them, the protocol words them, in the order
given.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imapbox.mailbox.messages import Message
from imapbox.model.numbers import Seq


@dataclass(frozen=True, slots=True)
class Expunged:
    """The message at ``seq`` is gone. RFC 9051 §7.5.1."""

    seq: Seq


@dataclass(frozen=True, slots=True)
class Exists:
    """The mailbox now holds ``count`` messages. RFC 9051 §7.4.1.

    Attributes:
        count: All messages the client now knows of.
        recent: How many of them are recent. RFC 3501 §7.3.2.
    """

    count: int
    recent: int


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """These are the message's flags now. RFC 9051 §7.5.2."""

    message: Message


@dataclass(frozen=True, slots=True)
class KeywordsDefined:
    """The mailbox has new keywords: FLAGS and PERMANENTFLAGS changed."""


Update: TypeAlias = Expunged | Exists | FlagsChanged | KeywordsDefined

# Positions become numbers of Python's so many at a time.
_SLICE: Final = 1000


class Updates(Collection[Update]):
    """What to tell a client, each made when it is its turn.

    There may be a million. Who takes them may pause between any two, or stop.
    Flags are those that are true when they are told.

    Args:
        expunged: Positions, in the order in which they are to be told.
        others: What is told next.
        flagged: How many messages' flags are told then.
        messages: Returns these messages.
    """

    def __init__(
        self,
        expunged: NDArray[np.intp],
        others: Sequence[Update],
        flagged: int,
        messages: Callable[[], Iterator[Message]],
    ) -> None:
        self._expunged = expunged
        self._others = others
        self._flagged = flagged
        self._messages = messages

    def __len__(self) -> int:
        return len(self._expunged) + len(self._others) + self._flagged

    def __iter__(self) -> Iterator[Update]:
        gone = (
            seq
            for start in range(0, len(self._expunged), _SLICE)
            for seq in self._expunged[start : start + _SLICE].tolist()
        )
        flags = map(FlagsChanged, self._messages())
        return chain(map(Expunged, gone), self._others, flags)

    def __contains__(self, update: object) -> bool:
        return any(each == update for each in self)
