"""Where an LMTP session stands, and what a client may say there.

No handler asks for the state: a command that reaches its handler was allowed
here.

See Also:
    RFC 5321 §4.1.4 (order of commands), RFC 2033 §4.2 (DATA),
    RFC 3030 §2 (BDAT).
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from imapbox.wire.lmtp.commands import Verb


class State(Enum):
    """What the client has said so far."""

    CONNECTED = auto()
    READY = auto()
    SENDER_GIVEN = auto()
    RECIPIENTS_GIVEN = auto()
    CHUNKS_GIVEN = auto()


_ANY = frozenset(State)
PERMITTED_IN: Final[Mapping[Verb, frozenset[State]]] = {
    Verb.LHLO: _ANY,
    Verb.MAIL: frozenset({State.READY}),
    Verb.RCPT: frozenset({State.SENDER_GIVEN, State.RECIPIENTS_GIVEN}),
    # Without a recipient that was accepted no message is read: RFC 2033 §4.2.
    Verb.DATA: frozenset({State.RECIPIENTS_GIVEN}),
    # DATA and BDAT don't mix: RFC 3030 §2. What is not permitted is read away.
    Verb.BDAT: frozenset({State.RECIPIENTS_GIVEN, State.CHUNKS_GIVEN}),
    # Not while a message comes: Postfix's XFORWARD_README.
    Verb.XFORWARD: frozenset({State.READY}),
    Verb.RSET: _ANY,
    Verb.NOOP: _ANY,
    Verb.VRFY: _ANY,
    Verb.HELP: _ANY,
    Verb.QUIT: _ANY,
}
# What leads on from here; the text of the refusal.
EXPECTED_IN: Final[Mapping[State, Verb]] = {
    State.CONNECTED: Verb.LHLO,
    State.READY: Verb.MAIL,
    State.SENDER_GIVEN: Verb.RCPT,
    State.RECIPIENTS_GIVEN: Verb.DATA,
    State.CHUNKS_GIVEN: Verb.BDAT,
}
