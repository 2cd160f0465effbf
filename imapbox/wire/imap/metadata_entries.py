"""Names of annotations, and their values. RFC 5464 §3.2, §5.

RFC 5464 §5::

    entries     = entry / "(" entry *(SP entry) ")"
    entry       = astring       ; slash-separated path to entry
                                ; MUST NOT contain "*" or "%"
    entry-value = entry SP value
    value       = nstring / literal8

Names are compared without regard to case: ours are lower case.
"""

import re
from typing import Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

# "/private/" or "/shared/", and then parts of printable ASCII.
_ENTRY: Final = re.compile(r"/(private|shared)(/[!-$&-),-.0-~]+)*")
_TOP: Final = frozenset({"/private", "/shared"})
MAX_ENTRY: Final = 255
# In one command.
MAX_ENTRIES: Final = 100


def read_entry(lexer: Lexer, *, may_be_top: bool = False) -> str:
    """Take the name of an annotation.

    Args:
        lexer: What is read.
        may_be_top: Whether it may be the name above all private, or all shared.

    Raises:
        BadSyntax: It can be none.
    """
    octets = lexer.astring("entry")
    name = octets.decode("latin-1").lower()
    well = _ENTRY.fullmatch(name) and (may_be_top or name not in _TOP)
    if len(name) > MAX_ENTRY or not well:
        raise BadSyntax("entry", octets)
    return name


def read_value(lexer: Lexer) -> bytes | None:
    """Take a value; None removes the annotation."""
    if lexer.accept_nil():
        return None
    return lexer.literal8() if lexer.accept(b"~") else lexer.string("value")
