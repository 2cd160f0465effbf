"""What somebody may do with a mailbox. RFC 4314 §2.1.

On the wire and in an account's log a right is a letter. "c" and "d" are spoken to
clients of RFC 2086 only, and stand for others (RFC 4314 §2.1.1): "c" for "k" and
"x", "d" for "t" and "e".
"""

from collections.abc import Mapping
from enum import Enum, Flag, auto
from typing import Final, NamedTuple

from imapbox.model.flags import EVERY_FLAG, FlagScope
from imapbox.model.flags import Flag as MessageFlag

# Whoever logged in: RFC 4314 §2.
ANYONE: Final = "anyone"


class Rights(Flag):
    """Some rights; none of them, too."""

    LOOKUP = auto()
    READ = auto()
    SEEN = auto()
    WRITE = auto()
    INSERT = auto()
    POST = auto()
    CREATE = auto()
    DELETE = auto()
    MARK_DELETED = auto()
    EXPUNGE = auto()
    ADMINISTER = auto()


NO_RIGHTS: Final = Rights(0)
ALL_RIGHTS: Final = ~NO_RIGHTS
# Who has one of these may ask which he has: RFC 4314 §4, MYRIGHTS.
ANY_THAT_TELLS: Final = (
    Rights.LOOKUP
    | Rights.READ
    | Rights.INSERT
    | Rights.CREATE
    | Rights.DELETE
    | Rights.ADMINISTER
)
# Without any of these a mailbox is opened for reading only: RFC 4314 §5.2.
ANY_THAT_CHANGES: Final = (
    Rights.INSERT | Rights.EXPUNGE | Rights.SEEN | Rights.WRITE | Rights.MARK_DELETED
)
# Who has one of these, besides "l", may note something: RFC 5464 §3.
ANY_THAT_ANNOTATES: Final = (
    Rights.READ | Rights.SEEN | Rights.WRITE | Rights.INSERT | Rights.POST
)
# What takes a message away, as MOVE does: RFC 6851 §4.1, RFC 8508 §4.
TAKE_AWAY: Final = Rights.MARK_DELETED | Rights.EXPUNGE

_LETTERS: Final[Mapping[str, Rights]] = {
    "l": Rights.LOOKUP,
    "r": Rights.READ,
    "s": Rights.SEEN,
    "w": Rights.WRITE,
    "i": Rights.INSERT,
    "p": Rights.POST,
    "k": Rights.CREATE,
    "x": Rights.DELETE,
    "t": Rights.MARK_DELETED,
    "e": Rights.EXPUNGE,
    "a": Rights.ADMINISTER,
}
_VIRTUAL: Final[Mapping[str, Rights]] = {
    "c": Rights.CREATE | Rights.DELETE,
    "d": Rights.MARK_DELETED | Rights.EXPUNGE,
}


class Sign(Enum):
    """What SETACL does with the rights it names. RFC 4314 §3.1."""

    ADD = "+"
    REMOVE = "-"
    REPLACE = ""


class RightsChange(NamedTuple):
    """A change of somebody's rights."""

    sign: Sign
    rights: Rights

    def of(self, before: Rights) -> Rights:
        """Return what becomes of ``before``."""
        if self.sign is Sign.ADD:
            return before | self.rights
        if self.sign is Sign.REMOVE:
            return before & ~self.rights
        return self.rights


class Grantable(NamedTuple):
    """What somebody can be given: RFC 4314 §3.7.

    Attributes:
        always: What is his whatever is said.
        others: What he can be given, each right by itself.
    """

    always: Rights
    others: Rights


def letters(rights: Rights) -> str:
    """Return rights as they are stored."""
    return "".join(letter for letter, right in _LETTERS.items() if right in rights)


def told_letters(rights: Rights) -> str:
    """Return rights as clients are told: with the virtual ones."""
    virtual = (letter for letter, some in _VIRTUAL.items() if some & rights)
    return letters(rights) + "".join(virtual)


def named_rights(text: str) -> Rights:
    """Return the rights that a client names by their letters.

    Raises:
        ValueError: One is none.
    """
    rights = NO_RIGHTS
    for letter in text:
        right = _LETTERS.get(letter) or _VIRTUAL.get(letter)
        if right is None:
            raise ValueError(letter)
        rights |= right
    return rights


def rights_change(text: str) -> RightsChange:
    """Return the change that is written so: ``lrs``, ``+w``, ``-s``. RFC 4314 §3.1.

    Raises:
        ValueError: A letter is no right.
    """
    sign = Sign(text[:1]) if text[:1] in {"+", "-"} else Sign.REPLACE
    return RightsChange(sign, named_rights(text.removeprefix(sign.value)))


def stored_rights(text: str) -> Rights:
    """Return the rights that are stored so; letters of a later imapbox are none."""
    return named_rights("".join(letter for letter in text if letter in _LETTERS))


def settable_flags(rights: Rights) -> FlagScope:
    """Return the flags that may be set and cleared. RFC 4314 §4."""
    if Rights.SEEN | Rights.WRITE | Rights.MARK_DELETED in rights:
        return EVERY_FLAG
    system = MessageFlag(0)
    if Rights.SEEN in rights:
        system |= MessageFlag.SEEN
    if Rights.MARK_DELETED in rights:
        system |= MessageFlag.DELETED
    if Rights.WRITE in rights:
        system |= MessageFlag.ANSWERED | MessageFlag.FLAGGED | MessageFlag.DRAFT
    return FlagScope(system, keywords=Rights.WRITE in rights)
