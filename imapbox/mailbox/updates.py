"""What changed in a mailbox, as one client is to be told.

Values only. `view.sync` computes them, the protocol words them, in the order
given.
"""

from dataclasses import dataclass
from typing import TypeAlias

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
