"""System flags and keywords.

On disk and in memory the system flags are the bits of `Flag`, and a keyword is
a number that the mailbox's keyword table gives it. Clients see names. Flags
and keywords are compared without regard to ASCII case; a keyword keeps the
spelling it was first given.

See Also:
    RFC 9051 §2.3.2 (flags), §9 (flag-keyword is an atom).
"""

import re
from enum import Enum, IntFlag
from typing import Final, NamedTuple

MAX_KEYWORDS: Final = 256
MAX_KEYWORD_LENGTH: Final = 255

# RFC 9051 §9: atom-specials are "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]".
_ATOM = re.compile(r'[^(){ %*"\\\]\x00-\x1f\x7f-\U0010ffff]+')


class Flag(IntFlag):
    """The flags that RFC 9051 §2.3.2 defines. The bits are on disk."""

    ANSWERED = 1
    FLAGGED = 2
    DELETED = 4
    SEEN = 8
    DRAFT = 16


FLAG_NAMES: Final[dict[Flag, str]] = {
    Flag.ANSWERED: "\\Answered",
    Flag.FLAGGED: "\\Flagged",
    Flag.DELETED: "\\Deleted",
    Flag.SEEN: "\\Seen",
    Flag.DRAFT: "\\Draft",
}
_BY_NAME: Final = {name.lower(): flag for flag, name in FLAG_NAMES.items()}


class FlagChange(Enum):
    """What STORE does with the flags it names. RFC 9051 §6.4.6."""

    ADD = "+"
    REMOVE = "-"
    REPLACE = "="


class FlagScope(NamedTuple):
    """Flags that may be set and cleared.

    Attributes:
        system: Which system flags.
        keywords: Whether all keywords are among them, or none.
    """

    system: Flag
    keywords: bool

    def of(self, system: Flag, keywords: frozenset[str]) -> tuple[Flag, frozenset[str]]:
        """Return those of these flags that may be."""
        return system & self.system, keywords if self.keywords else frozenset()


EVERY_FLAG: Final = FlagScope(Flag(sum(FLAG_NAMES)), keywords=True)


def flag_named(name: str) -> Flag | None:
    r"""Return the system flag called ``name`` (``\seen``), or None."""
    return _BY_NAME.get(name.lower())


def is_keyword(name: str) -> bool:
    """Say whether ``name`` can be a keyword: an ASCII atom, not too long."""
    return len(name) <= MAX_KEYWORD_LENGTH and bool(_ATOM.fullmatch(name))


def split_flags(names: frozenset[str]) -> tuple[Flag, frozenset[str]]:
    r"""Separate system flags from keywords.

    ``\Recent`` and unknown system flags are dropped: a client can not set
    them (RFC 3501 §2.3.2), and old clients try.
    """
    system = Flag(0)
    keywords = set()
    for name in names:
        if name.startswith("\\"):
            system |= flag_named(name) or Flag(0)
        else:
            keywords.add(name)
    return system, frozenset(keywords)
