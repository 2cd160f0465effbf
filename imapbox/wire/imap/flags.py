r"""Flags as they are written.

RFC 9051 §9::

    flag-list      = "(" [flag *(SP flag)] ")"
    flag           = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" /
                     "\Draft" / flag-keyword / flag-extension
    flag-keyword   = "$MDNSent" / … / atom
    flag-extension = "\" atom

Any ``\`` atom is read, ``\Recent`` too: whether it can be set is not a matter
of grammar.
"""

from collections.abc import Iterable
from typing import Final

from imapbox.model.flags import FLAG_NAMES, Flag, is_keyword
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

_ALL_SYSTEM: Final = sum(FLAG_NAMES)
# The names of each set of system flags: 32 of them.
_NAMES: Final = tuple(
    tuple(name.encode() for flag, name in FLAG_NAMES.items() if bits & flag)
    for bits in range(_ALL_SYSTEM + 1)
)


def read_flag(lexer: Lexer) -> str:
    r"""Take one flag, as it is spelled: ``\Seen``, ``$Forwarded``.

    Raises:
        BadSyntax: There is none, or it is too long for a keyword.
    """
    prefix = "\\" if lexer.accept(b"\\") else ""
    name = lexer.atom("flag").decode()
    if not is_keyword(name):
        raise BadSyntax("flag", name.encode())
    return prefix + name


def read_flag_list(lexer: Lexer) -> frozenset[str]:
    """Take flags in parentheses, perhaps none.

    Raises:
        BadSyntax: There is no such list.
    """
    if lexer.accept(b"()"):
        return frozenset()
    return frozenset(lexer.listed(lambda: read_flag(lexer)))


def read_flags(lexer: Lexer) -> frozenset[str]:
    """Take flags that stand without parentheses, at least one.

    Raises:
        BadSyntax: There is none.
    """
    flags = [read_flag(lexer)]
    while lexer.accept(b" "):
        flags.append(read_flag(lexer))
    return frozenset(flags)


def render_flag_list(
    system: Flag,
    keywords: Iterable[str] = (),
    *,
    recent: bool = False,
    any_keyword: bool = False,
) -> bytes:
    r"""Return flags in parentheses: ``(\Seen $Forwarded)``.

    Worth keeping for messages that have the same flags.

    Args:
        system: System flags.
        keywords: Keywords, each an atom, in the order they are to be sent.
        recent: Whether to add ``\Recent`` (RFC 3501 §2.3.2).
        any_keyword: Whether to add ``\*``, "and keywords yet to come".

    Raises:
        ValueError: A keyword is no atom.
    """
    names = list(_NAMES[system])
    for keyword in keywords:
        if not is_keyword(keyword):
            raise ValueError(keyword)
        names.append(keyword.encode())
    if recent:
        names.append(b"\\Recent")
    if any_keyword:
        names.append(b"\\*")
    return b"(%b)" % b" ".join(names)
