"""Mod-sequences and the modifiers that hold them. RFC 7162 §7.

Of RFC 7162 §7 and RFC 4466 §6::

    mod-sequence-value  = 1*DIGIT         ; 1 to 2^63 - 1
    mod-sequence-valzer = "0" / mod-sequence-value
    fetch-modifiers     = SP "(" chgsince-fetch-mod ")"
    chgsince-fetch-mod  = "CHANGEDSINCE" SP mod-sequence-value
    store-modifiers     = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"
    search-modsequence  = "MODSEQ" [SP entry-name SP entry-type-req]
                          SP mod-sequence-valzer
    entry-name          = DQUOTE "/flags/" attr-flag DQUOTE
    entry-type-req      = "priv" / "shared" / "all"
"""

import re

from imapbox.model.numbers import ModSeq
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

_ENTRY = re.compile(rb'"/flags/[^"(){ %*\x00-\x1f\x7f-\xff]+" ', re.IGNORECASE)
_ENTRY_TYPE = re.compile(rb"(?:priv|shared|all) ", re.IGNORECASE)


def read_changed_since(lexer: Lexer) -> ModSeq | None:
    """Take the modifiers of a FETCH, if there are any."""
    if not lexer.next_is(b" "):
        return None
    lexer.space()
    lexer.expect(b"(")
    _word(lexer, b"CHANGEDSINCE")
    lexer.space()
    modseq = ModSeq(lexer.nz_number64("mod-sequence-value"))
    lexer.expect(b")")
    return modseq


def read_unchanged_since(lexer: Lexer) -> ModSeq | None:
    """Take the modifiers of a STORE and the space behind them, if there are any."""
    if not lexer.accept(b"("):
        return None
    _word(lexer, b"UNCHANGEDSINCE")
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


def _word(lexer: Lexer, word: bytes) -> None:
    if (said := lexer.name("modifier")) != word:
        raise BadSyntax("modifier", said)
