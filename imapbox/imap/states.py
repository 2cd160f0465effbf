"""The session's four states, and what a client may say in each.

No handler asks what state it is in: a command that reaches its handler was
allowed here. Commands are names to this file, whatever they do.

See Also:
    RFC 9051 §3 (state and flow diagram), §6.1 to §6.4 (commands by state).
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class State(Enum):
    """Where a connection stands. RFC 9051 §3."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


class WrongState(Exception):
    """The command is real but has no place in this state. Answered BAD."""

    def __init__(self, command: str, state: State) -> None:
        super().__init__(command, state)
        self.command = command
        self.state = state

    def sentence(self) -> str:
        """Return the text for the client."""
        return _SENTENCES[self.state]


_ANY = frozenset(State) - {State.LOGOUT}
_BEFORE = frozenset({State.NOT_AUTHENTICATED})
_AFTER = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})

PERMITTED_IN: Final[Mapping[str, frozenset[State]]] = {
    # RFC 9051 §6.1
    "CAPABILITY": _ANY,
    "NOOP": _ANY,
    "LOGOUT": _ANY,
    "ID": _ANY,  # RFC 2971 §3.1
    # RFC 9051 §6.2
    "STARTTLS": _BEFORE,
    "AUTHENTICATE": _BEFORE,
    "LOGIN": _BEFORE,
    # RFC 9051 §6.3; LSUB is RFC 3501 §6.3.9
    # RFC 5161 §3.1 has it before SELECT only, RFC 9051 §6.3.1 need not be strict
    "ENABLE": _AFTER,
    "UNAUTHENTICATE": _AFTER,  # RFC 8437 §3
    # RFC 4978 §3 has no say in when; before login it were only another way to
    # keep a server busy.
    "COMPRESS": _AFTER,
    "SELECT": _AFTER,
    "EXAMINE": _AFTER,
    "CREATE": _AFTER,
    "DELETE": _AFTER,
    "RENAME": _AFTER,
    "SUBSCRIBE": _AFTER,
    "UNSUBSCRIBE": _AFTER,
    "LIST": _AFTER,
    "LSUB": _AFTER,
    "NAMESPACE": _AFTER,
    "STATUS": _AFTER,
    "GETQUOTA": _AFTER,  # RFC 9208 §6
    "GETQUOTAROOT": _AFTER,
    "SETQUOTA": _AFTER,
    "GETMETADATA": _AFTER,  # RFC 5464 §4.2
    "SETMETADATA": _AFTER,
    "APPEND": _AFTER,
    "GENURLAUTH": _AFTER,  # RFC 4467 §7
    "RESETKEY": _AFTER,
    "URLFETCH": _AFTER,
    # RFC 4314 §7
    "SETACL": _AFTER,
    "DELETEACL": _AFTER,
    "GETACL": _AFTER,
    "LISTRIGHTS": _AFTER,
    "MYRIGHTS": _AFTER,
    "IDLE": _AFTER,
    "NOTIFY": _AFTER,  # RFC 5465 §8, command-auth
    # RFC 9051 §6.4; CHECK is RFC 3501 §6.4.1
    "CHECK": _SELECTED,
    "CLOSE": _SELECTED,
    "UNSELECT": _SELECTED,
    "EXPUNGE": _SELECTED,
    "FETCH": _SELECTED,
    "SEARCH": _SELECTED,
    "SORT": _SELECTED,  # RFC 5256 §3
    "THREAD": _SELECTED,
    "ESEARCH": _AFTER,  # RFC 7377 §2.2
    "CANCELUPDATE": _SELECTED,  # RFC 5267 §4.3.5
    "STORE": _SELECTED,
    "COPY": _SELECTED,
    "MOVE": _SELECTED,
    "REPLACE": _SELECTED,  # RFC 8508 §3.5
}

_SENTENCES: Final[Mapping[State, str]] = {
    State.NOT_AUTHENTICATED: "Log in first.",
    State.AUTHENTICATED: "Not now: you are logged in, and no mailbox is selected.",
    State.SELECTED: "Not now: you are logged in already.",
    State.LOGOUT: "Not now: the connection ends.",
}


def check_permitted(command: str, state: State) -> None:
    """Raise `WrongState` unless ``command`` may be given in ``state``."""
    if state not in PERMITTED_IN[command]:
        raise WrongState(command, state)
