"""Mod-sequences and the modifiers that hold them. RFC 7162 §7.

Of RFC 7162 §7 and RFC 4466 §6::

    mod-sequence-value  = 1*DIGIT         ; 1 to 2^63 - 1
    mod-sequence-valzer = "0" / mod-sequence-value
    fetch-modifiers     = SP "(" fetch-modifier *(SP fetch-modifier) ")"
    fetch-modifier      = chgsince-fetch-mod / "VANISHED" /
                          "PARTIAL" SP partial-range   ; RFC 9394 §4
    chgsince-fetch-mod  = "CHANGEDSINCE" SP mod-sequence-value
    store-modifiers     = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"
    search-modsequence  = "MODSEQ" [SP entry-name SP entry-type-req]
                          SP mod-sequence-valzer
    entry-name          = DQUOTE "/flags/" attr-flag DQUOTE
    entry-type-req      = "priv" / "shared" / "all"
"""

import re
from dataclasses import dataclass

from imapbox.model.numbers import ModSeq
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.partial_ranges import Partial, read_partial

_ENTRY = re.compile(rb'"/flags/[^"(){ %*\x00-\x1f\x7f-\xff]+" ', re.IGNORECASE)
_ENTRY_TYPE = re.compile(rb"(?:priv|shared|all) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Since:
    """Which messages a FETCH leaves out, and what it tells besides.

    Attributes:
        modseq: Only those whose modseq is greater. RFC 7162 §3.1.4.1.
        vanished: Whether UIDs that went since are told, too. RFC 7162 §3.2.6.
    """

    modseq: ModSeq
    vanished: bool = False


def read_fetch_modifiers(
    lexer: Lexer, *, by_uid: bool
) -> tuple[Since | None, Partial | None]:
    """Take the modifiers of a FETCH, if there are any.

    Args:
        lexer: Behind the items.
        by_uid: Whether it is a UID FETCH, the only one that may ask who went, and
            for some of many.
    """
    if not lexer.next_is(b" "):
        return None, None
    lexer.space()
    modseq, vanished, partial = None, False, None
    lexer.expect(b"(")
    while True:
        word = lexer.name("modifier")
        if word == b"CHANGEDSINCE" and modseq is None:
            lexer.space()
            modseq = ModSeq(lexer.nz_number64("mod-sequence-value"))
        elif word == b"VANISHED" and by_uid and not vanished:
            vanished = True
        elif word == b"PARTIAL" and by_uid and partial is None:
            partial = read_partial(lexer)
        else:
            raise BadSyntax("modifier", word)
        if lexer.accept(b")"):
            break
        lexer.space()
    if modseq is None:
        if vanished:
            raise BadSyntax("CHANGEDSINCE")
        return None, partial
    return Since(modseq, vanished), partial


def read_unchanged_since(lexer: Lexer) -> ModSeq | None:
    """Take the modifiers of a STORE and the space behind them, if there are any."""
    if not lexer.accept(b"("):
        return None
    if (word := lexer.name("modifier")) != b"UNCHANGEDSINCE":
        raise BadSyntax("modifier", word)
    lexer.space()
    modseq = ModSeq(lexer.number64("mod-sequence-valzer"))
    lexer.expect(b")")
    lexer.space()
    return modseq


def read_search_modseq(lexer: Lexer) -> ModSeq:
    """Take what is behind the search key MODSEQ and its space.

    Flags have no mod-sequences of their own here: the entry's name says nothing.
    RFC 7162 §3.1.5 allows that.
    """
    if lexer.at(_ENTRY):
        lexer.match(_ENTRY, "entry-name")
        lexer.match(_ENTRY_TYPE, "entry-type-req")
    return ModSeq(lexer.number64("mod-sequence-valzer"))
