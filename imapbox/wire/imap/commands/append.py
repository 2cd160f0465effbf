"""APPEND and REPLACE: put messages into a mailbox.

RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508.

RFC 3502 §7, RFC 4469 §5, RFC 6855 §4, RFC 8508 §5::

    append         = "APPEND" SP mailbox 1*append-message
    replace        = "REPLACE" SP seq-number SP mailbox append-message
    append-message = [SP flag-list] [SP date-time] SP append-data
    append-data    = literal / literal8 / utf8-literal /
                     "CATENATE" SP "(" cat-part *(SP cat-part) ")"
    cat-part       = "TEXT" SP (literal / literal8) / "URL" SP astring /
                     utf8-literal
    utf8-literal   = "UTF8" SP "(" literal8 ")"

The literals that are octets of messages are not here: the framer announces each,
hands on what stands before it, and lets it come when the session has agreed. What
is before, between and behind them is read text by text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, NamedTuple

from imapbox.model.message import InternalDate
from imapbox.model.sequence_set import SAVED, SequenceSet
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.dates import read_date_time
from imapbox.wire.imap.flags import read_flag_list
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_names import MailboxArgument, read_next_mailbox
from imapbox.wire.imap.sequence_set import read_sequence_set
from imapbox.wire.imap.tags import Tag

_CATENATE = re.compile(rb"catenate \(", re.IGNORECASE)
_UTF8 = re.compile(rb"utf8 \(~", re.IGNORECASE)


class MessageFacts(NamedTuple):
    """Everything about a new message but its octets.

    Attributes:
        flags: As given; `imapbox.model.flags.split_flags` sorts them.
        date: Its internal date, if the client gave one.
    """

    flags: frozenset[str]
    date: InternalDate | None


class Coming(Enum):
    """Which octets come behind a text."""

    NOTHING = auto()
    OCTETS = auto()
    UTF8 = auto()


@dataclass(frozen=True, slots=True)
class Passage:
    """What one text says of one message.

    Attributes:
        facts: Of the message, where it begins here.
        urls: What of it is somewhere else, in order.
        coming: What the literal behind the text is, which comes after that.
        ends: Whether that is all of the message.
    """

    facts: MessageFacts | None
    urls: tuple[bytes, ...] = ()
    coming: Coming = Coming.NOTHING
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Append(Command):
    """New messages, as far as they are known before the first octets come.

    Attributes:
        mailbox: Where to.
        passages: What stands before these, at least one.
    """

    name: ClassVar[str] = "APPEND"
    may_be_several: ClassVar[bool] = True
    mailbox: MailboxArgument
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Replace(Append):
    """A new message, and which one it is to take the place of. RFC 8508 §3.

    Attributes:
        replaced: That one: a single number.
        by_uid: Whether it is a UID.
    """

    name: ClassVar[str] = "REPLACE"
    may_be_several: ClassVar[bool] = False
    replaced: SequenceSet
    by_uid: bool


def read_append(lexer: Lexer, tag: Tag, *, announced: bool = False) -> Append:
    """Take what is between APPEND and the first octets of a message, or all.

    Args:
        lexer: What to take it from.
        tag: The command's.
        announced: Whether octets follow.
    """
    mailbox = read_next_mailbox(lexer)
    return Append(tag, mailbox, _passages(lexer, None, announced=announced))


def read_replace(
    lexer: Lexer, tag: Tag, *, by_uid: bool = False, announced: bool = False
) -> Replace:
    """Take what is between REPLACE and the first octets of a message, or all."""
    lexer.space()
    replaced = read_sequence_set(lexer)
    ends = {end for each in replaced.ranges for end in each}
    if replaced == SAVED or len(ends) > 1:
        raise BadSyntax("seq-number")
    mailbox = read_next_mailbox(lexer)
    passages = _passages(lexer, None, announced=announced)
    return Replace(tag, mailbox, passages, replaced, by_uid)


def parse_following(
    parts: Sequence[bytes], before: Passage, *, announced: bool, utf8: bool
) -> tuple[Passage, ...]:
    """Read what stands behind octets of a message; perhaps nothing.

    Args:
        parts: As an `AppendAnnounced` or an `AppendEnded` has them.
        before: What announced the octets.
        announced: Whether there are more.
        utf8: Whether quoted strings may hold UTF-8.

    Raises:
        BadSyntax: It is not what belongs there.
    """
    lexer = Lexer(parts, utf8=utf8)
    return _passages(lexer, before, announced=announced)


def _passages(
    lexer: Lexer, before: Passage | None, *, announced: bool
) -> tuple[Passage, ...]:
    passages: list[Passage] = []
    if before is not None:
        if before.coming is Coming.UTF8:
            lexer.expect(b")")
        if not before.ends:
            passages.append(_rest_of_list(lexer))
    must_begin = before is None or announced
    while not _comes(passages) and (lexer.has_more or must_begin):
        passages.append(_message(lexer))
        must_begin = announced
    lexer.end()
    if _comes(passages) != announced:
        raise BadSyntax("literal")
    return tuple(passages)


def _comes(passages: Sequence[Passage]) -> bool:
    return bool(passages) and passages[-1].coming is not Coming.NOTHING


def _message(lexer: Lexer) -> Passage:
    lexer.space()
    flags: frozenset[str] = frozenset()
    if lexer.next_is(b"("):
        flags = read_flag_list(lexer)
        lexer.space()
    date = None
    if lexer.next_is(b'"'):
        date = read_date_time(lexer)
        lexer.space()
    facts = MessageFacts(flags, date)
    if lexer.at(_CATENATE):
        lexer.match(_CATENATE, "append-data")
        return _cat_parts(lexer, facts)
    return Passage(facts, coming=_literal(lexer))


def _rest_of_list(lexer: Lexer) -> Passage:
    if lexer.accept(b")"):
        return Passage(None)
    lexer.space()
    return _cat_parts(lexer, None)


def _cat_parts(lexer: Lexer, facts: MessageFacts | None) -> Passage:
    """Take parts up to the first octets that come, or to the end of the list."""
    urls: list[bytes] = []
    while not lexer.at(_UTF8):
        name = lexer.name("cat-part")
        lexer.space()
        if name == b"TEXT":
            break
        if name != b"URL":
            raise BadSyntax("cat-part", name)
        urls.append(lexer.astring("url"))
        if lexer.accept(b")"):
            return Passage(facts, tuple(urls))
        lexer.space()
    return Passage(facts, tuple(urls), _literal(lexer), ends=False)


def _literal(lexer: Lexer) -> Coming:
    """Take what is left before a literal, and of a literal8."""
    if lexer.at(_UTF8):
        lexer.match(_UTF8, "utf8-literal")
        return Coming.UTF8
    lexer.accept(b"~")
    return Coming.OCTETS
