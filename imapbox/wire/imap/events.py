"""What the framer finds in a stream of bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandReady:
    """One whole command.

    Attributes:
        parts: text, literal, text, …, text: always an odd number. Texts come
            without CRLF and without the ``{5}`` that announces the literal.
    """

    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ContinuationWanted:
    """The client waits for "+" before it sends ``size`` octets."""

    size: int


@dataclass(frozen=True, slots=True)
class AppendAnnounced:
    """An APPEND has come as far as a message, or a part of one; it is not read yet.

    Nothing more happens until `CommandFramer.accept_literal` or
    `CommandFramer.refuse_literal` is called.

    Attributes:
        parts: What stands before the message, as in `CommandReady`. Before
            the second and any later one (RFC 3502, RFC 4469) what is between.
        size: How many octets the message has, up to 63 bits.
        synchronizing: The client waits for "+", or for our refusal.
    """

    parts: tuple[bytes, ...]
    size: int
    synchronizing: bool


@dataclass(frozen=True, slots=True)
class LiteralChunk:
    """The next octets of an accepted message, as they arrived."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AppendEnded:
    """The last message is complete, and so is the command.

    Attributes:
        parts: What stands behind the last octets, as in `CommandReady`.
    """

    parts: tuple[bytes, ...] = (b"",)


Event = CommandReady | ContinuationWanted | AppendAnnounced | LiteralChunk | AppendEnded
