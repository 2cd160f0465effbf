"""How much a client may send, and how long anything may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a connection. Octets and seconds.

    Attributes:
        size: Of a message, without our header lines.
        recipients: Of one message.
        line: Of a command, CRLF included.
        mistakes: How many bad commands before we hang up; whoever delivers a
            message begins anew. What was pipelined behind a MAIL or RCPT that was
            refused is none.
        doubts: How many deliveries, of which the client has not shown that it read
            the reply, are remembered, to be settled then: `Deliveries.settle`.
        connections: At the same time.
        idle: How long we wait for a whole command, and for the first octets of
            a message. RFC 5321 §4.5.3.2.7 asks for 5 minutes.
        rate: Octets per second that a message must come with after that.
        lookup: How long it may take to find a recipient.
        answer: How long it may take to deliver to one.
        closing: How long the client may take to read our last words.
    """

    size: int = 64 * 1024 * 1024
    recipients: int = 1000
    line: int = 2048
    mistakes: int = 20
    doubts: int = 1000
    connections: int = 1000
    idle: float = 300
    rate: int = 16 * 1024
    lookup: float = 30
    answer: float = 60
    closing: float = 10
