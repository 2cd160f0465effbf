"""Commands on the messages of the open mailbox. RFC 9051 §6.4.

RFC 9051 §9::

    fetch           = "FETCH" SP sequence-set SP …  ; `wire.imap.fetch_items`
    store           = "STORE" SP sequence-set [store-modifiers] SP
                      store-att-flags            ; `wire.imap.mod_sequences`
    store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP
                      (flag-list / (flag *(SP flag)))
    uid             = "UID" SP (fetch / store / uid-expunge / …)
    uid-expunge     = "EXPUNGE" SP sequence-set
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.model.flags import FlagChange
from imapbox.model.numbers import ModSeq
from imapbox.model.sequence_set import SequenceSet
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.fetch_items import FetchItem, read_fetch_items
from imapbox.wire.imap.flags import read_flag_list, read_flags
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mod_sequences import (
    Since,
    read_fetch_modifiers,
    read_unchanged_since,
)
from imapbox.wire.imap.partial_ranges import Partial
from imapbox.wire.imap.sequence_set import read_sequence_set
from imapbox.wire.imap.tags import Tag

_STORE_ATT = re.compile(rb"[+-]?flags(?:\.silent)?(?= )", re.IGNORECASE)
_CHANGE: Final = {
    b"+": FlagChange.ADD,
    b"-": FlagChange.REMOVE,
    b"f": FlagChange.REPLACE,
}


@dataclass(frozen=True, slots=True)
class Check(Command):
    """As NOOP. RFC 3501 §6.4.1."""

    name: ClassVar[str] = "CHECK"


@dataclass(frozen=True, slots=True)
class Close(Command):
    """Expunge silently and leave the mailbox. RFC 9051 §6.4.1."""

    name: ClassVar[str] = "CLOSE"


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """Leave the mailbox and remove nothing. RFC 9051 §6.4.2."""

    name: ClassVar[str] = "UNSELECT"


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    r"""Remove what is ``\Deleted``. RFC 9051 §6.4.3, §6.4.9.

    Attributes:
        uids: Nothing but these may go; None for all.
    """

    name: ClassVar[str] = "EXPUNGE"
    uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """Send me of these messages this. RFC 9051 §6.4.5.

    Attributes:
        messages: Which.
        by_uid: Whether ``messages`` are UIDs, not sequence numbers; if they
            are, the answer tells the UID in any case (RFC 9051 §6.4.9).
        items: What is asked, each once, in the client's order.
        since: Only those that changed since.
        partial: Only some of them; of these, those that changed.
    """

    name: ClassVar[str] = "FETCH"
    messages: SequenceSet
    by_uid: bool
    items: tuple[FetchItem, ...]
    since: Since | None = None
    partial: Partial | None = None


@dataclass(frozen=True, slots=True)
class Store(Command):
    """Change the flags of these messages. RFC 9051 §6.4.6.

    Attributes:
        messages: Which.
        by_uid: Whether ``messages`` are UIDs, not sequence numbers.
        change: Add, remove or replace.
        flags: As given; `imapbox.model.flags.split_flags` sorts them.
        silent: The client doesn't want to be told the new flags.
        unchanged_since: Only those whose modseq is not greater: RFC 7162 §3.1.3.
    """

    name: ClassVar[str] = "STORE"
    messages: SequenceSet
    by_uid: bool
    change: FlagChange
    flags: frozenset[str]
    silent: bool
    unchanged_since: ModSeq | None = None


def read_uid_expunge(lexer: Lexer, tag: Tag) -> Expunge:
    """Take what is behind UID EXPUNGE."""
    lexer.space()
    return Expunge(tag, read_sequence_set(lexer))


def read_fetch(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Fetch:
    """Take what is behind FETCH."""
    messages = _messages(lexer)
    items = read_fetch_items(lexer)
    modifiers = read_fetch_modifiers(lexer, by_uid=by_uid)
    return Fetch(tag, messages, by_uid, items, *modifiers)


def read_uid_fetch(lexer: Lexer, tag: Tag) -> Fetch:
    """Take what is behind UID FETCH."""
    return read_fetch(lexer, tag, by_uid=True)


def read_store(lexer: Lexer, tag: Tag, *, by_uid: bool = False) -> Store:
    """Take what is behind STORE."""
    messages = _messages(lexer)
    unchanged_since = read_unchanged_since(lexer)
    att = lexer.match(_STORE_ATT, "store-att-flags").lower()
    lexer.space()
    flags = read_flag_list(lexer) if lexer.next_is(b"(") else read_flags(lexer)
    silent = att.endswith(b".silent")
    change = _CHANGE[att[:1]]
    return Store(tag, messages, by_uid, change, flags, silent, unchanged_since)


def read_uid_store(lexer: Lexer, tag: Tag) -> Store:
    """Take what is behind UID STORE."""
    return read_store(lexer, tag, by_uid=True)


def _messages(lexer: Lexer) -> SequenceSet:
    lexer.space()
    messages = read_sequence_set(lexer)
    lexer.space()
    return messages
