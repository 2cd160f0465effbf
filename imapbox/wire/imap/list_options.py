"""What a LIST wants to be shown, and told of it. RFC 5258 §3.1, §3.2.

RFC 9051 §9, RFC 5819 §4, RFC 6154 §6, RFC 8440 §5::

    list-select-opts            = "(" [
                                  (*(list-select-opt SP) list-select-base-opt
                                  *(SP list-select-opt)) /
                                  (list-select-independent-opt
                                  *(SP list-select-independent-opt)) ] ")"
    list-select-base-opt        = "SUBSCRIBED"
    list-select-independent-opt = "REMOTE" / "SPECIAL-USE"
    list-select-mod-opt         = "RECURSIVEMATCH"
    list-return-opts            = "RETURN" SP "(" [return-option
                                  *(SP return-option)] ")"
    return-option               = "SUBSCRIBED" / "CHILDREN" / "SPECIAL-USE" /
                                  "MYRIGHTS" / status-option
    status-option               = "STATUS" SP "(" status-att
                                  *(SP status-att) ")"
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.status import StatusAtt, read_status_atts
from imapbox.wire.imap.lexer import Lexer


class Selecting(Enum):
    """Which names are to be shown. The value is the name on the wire."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    SPECIAL_USE = b"SPECIAL-USE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"


_SELECTING: Final = {option.value: option for option in Selecting}
# The children and the use are told always.
_RETURNED: Final = frozenset({b"SUBSCRIBED", b"CHILDREN", b"SPECIAL-USE", b"MYRIGHTS"})


@dataclass(frozen=True, slots=True)
class Returning:
    r"""What is to be told of a name besides.

    Attributes:
        subscribed: Whether it is ``\Subscribed``.
        status: What STATUS is to tell of it; nothing: no STATUS.
        my_rights: Whether it is told what the user may do with it.
    """

    subscribed: bool = False
    status: tuple[StatusAtt, ...] = ()
    my_rights: bool = False


def read_selecting(lexer: Lexer) -> frozenset[Selecting]:
    """Take ``list-select-opts``.

    Raises:
        BadSyntax: There are none, or RECURSIVEMATCH, which is about descendants
            that are selected, without an option that selects some.
    """
    if lexer.accept(b"()"):
        return frozenset()
    options = frozenset(lexer.listed(lambda: _selecting(lexer)))
    if Selecting.RECURSIVEMATCH in options and Selecting.SUBSCRIBED not in options:
        raise BadSyntax("list-select-base-opt")
    return options


def _selecting(lexer: Lexer) -> Selecting:
    name = lexer.name("list-select-opt")
    if name not in _SELECTING:
        raise BadSyntax("list-select-opt", name)
    return _SELECTING[name]


def read_returning(lexer: Lexer) -> Returning:
    """Take ``list-return-opts``.

    Raises:
        BadSyntax: There are none.
    """
    if lexer.name("list-return-opts") != b"RETURN":
        raise BadSyntax("list-return-opts")
    lexer.space()
    if lexer.accept(b"()"):
        return Returning()
    options = lexer.listed(lambda: _return_option(lexer))
    asked = [atts for name, atts in options if name == b"STATUS"]
    status = tuple(dict.fromkeys(att for atts in asked for att in atts))
    names = {name for name, _ in options}
    return Returning(b"SUBSCRIBED" in names, status, b"MYRIGHTS" in names)


def _return_option(lexer: Lexer) -> tuple[bytes, tuple[StatusAtt, ...]]:
    name = lexer.name("return-option")
    if name == b"STATUS":
        lexer.space()
        return name, read_status_atts(lexer)
    if name not in _RETURNED:
        raise BadSyntax("return-option", name)
    return name, ()
