"""What a SELECT or EXAMINE has behind the mailbox. RFC 7162 §7, RFC 4466 §6.

RFC 7162 §7::

    select-params   = SP "(" select-param *(SP select-param) ")"
    select-param    = "CONDSTORE" /
                      "QRESYNC" SP "(" uidvalidity SP mod-sequence-value
                      [SP known-uids] [SP seq-match-data] ")"
    seq-match-data  = "(" known-sequence-set SP known-uid-set ")"

In none of these three sets there is a "*".
"""

from dataclasses import dataclass, replace
from typing import Final

from imapbox.model.numbers import ModSeq, UidValidity
from imapbox.model.sequence_set import SAVED
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.sequence_set import SequenceSet, read_sequence_set


@dataclass(frozen=True, slots=True)
class Resync:
    """What a client knows of a mailbox that it saw before. RFC 7162 §3.2.5.

    Attributes:
        uidvalidity: As it was then.
        modseq: HIGHESTMODSEQ as it was then.
        uids: Of the messages that it holds; None: of all.
        seqs_then: Some sequence numbers as they were then.
        uids_then: The UIDs that they stood for.
    """

    uidvalidity: UidValidity
    modseq: ModSeq
    uids: SequenceSet | None = None
    seqs_then: SequenceSet | None = None
    uids_then: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class SelectParameters:
    """What is wanted besides.

    Attributes:
        condstore: To be told modseqs: RFC 7162 §3.1.8.
        resync: To be told what happened since.
    """

    condstore: bool = False
    resync: Resync | None = None


NOTHING_MORE: Final = SelectParameters()


def read_select_parameters(lexer: Lexer) -> SelectParameters:
    """Take the parameters, if there are any, each once."""
    parameters = NOTHING_MORE
    if not lexer.next_is(b" "):
        return parameters
    lexer.space()
    lexer.expect(b"(")
    while True:
        name = lexer.name("select-param")
        if name == b"CONDSTORE" and not parameters.condstore:
            parameters = replace(parameters, condstore=True)
        elif name == b"QRESYNC" and parameters.resync is None:
            parameters = replace(parameters, resync=_resync(lexer))
        else:
            raise BadSyntax("select-param", name)
        if lexer.accept(b")"):
            return parameters
        lexer.space()


def _resync(lexer: Lexer) -> Resync:
    lexer.space()
    lexer.expect(b"(")
    uidvalidity = UidValidity(lexer.nz_number("uidvalidity"))
    lexer.space()
    modseq = ModSeq(lexer.nz_number64("mod-sequence-value"))
    resync = Resync(uidvalidity, modseq)
    if lexer.next_is(b" ") and not lexer.next_is(b" ("):
        lexer.space()
        resync = replace(resync, uids=_numbers(lexer))
    if lexer.accept(b" ("):
        seqs = _numbers(lexer)
        lexer.space()
        resync = replace(resync, seqs_then=seqs, uids_then=_numbers(lexer))
        lexer.expect(b")")
    lexer.expect(b")")
    return resync


def _numbers(lexer: Lexer) -> SequenceSet:
    numbers = read_sequence_set(lexer)
    if numbers == SAVED or any(None in ends for ends in numbers.ranges):
        raise BadSyntax("known-uids")
    return numbers
