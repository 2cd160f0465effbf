"""What a SEARCH asks for.

RFC 9051 §9, with NEW, OLD and RECENT of RFC 3501 §9::

    search-key = "ALL" / "ANSWERED" / "BCC" SP astring /
                 "BEFORE" SP date / "BODY" SP astring /
                 "CC" SP astring / "DELETED" / "FLAGGED" /
                 "FROM" SP astring / "KEYWORD" SP flag-keyword /
                 "NEW" / "OLD" / "ON" SP date / "RECENT" / "SEEN" /
                 "SINCE" SP date / "SUBJECT" SP astring /
                 "TEXT" SP astring / "TO" SP astring /
                 "UNANSWERED" / "UNDELETED" / "UNFLAGGED" /
                 "UNKEYWORD" SP flag-keyword / "UNSEEN" /
                 "DRAFT" / "HEADER" SP header-fld-name SP astring /
                 "LARGER" SP number64 / "NOT" SP search-key /
                 "OR" SP search-key SP search-key /
                 "SENTBEFORE" SP date / "SENTON" SP date /
                 "SENTSINCE" SP date / "SMALLER" SP number64 /
                 "UID" SP sequence-set / "UNDRAFT" / sequence-set /
                 "(" search-key *(SP search-key) ")" /
                 search-modsequence /            ; `mod_sequences`
                 ("OLDER" / "YOUNGER") SP nz-number /    ; RFC 5032 §3
                 "FUZZY" SP search-key                   ; RFC 6203 §7

Keys are read without recursion. What programs write without end costs no
depth: an OR within an OR is one longer `Or`, NOT NOT is nothing, and FUZZY FUZZY
is FUZZY. What is within FUZZY is said of each text in it: `Like`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from imapbox.model.criteria import (
    And,
    Arrived,
    BodyHas,
    ChangedFrom,
    Criterion,
    FieldHas,
    Fuzzy,
    HasEmailId,
    HasFlag,
    HasKeyword,
    HasSeq,
    HasThreadId,
    HasUid,
    IsRecent,
    Larger,
    Like,
    Not,
    Older,
    Or,
    Saved,
    Sent,
    Smaller,
    TextHas,
    When,
    Younger,
)
from imapbox.model.flags import Flag, is_keyword
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.dates import read_date
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mod_sequences import read_search_modseq
from imapbox.wire.imap.object_ids import (
    octets_of_emailid,
    octets_of_threadid,
    read_objectid,
)
from imapbox.wire.imap.sequence_set import read_sequence_set

MAX_KEYS: Final = 1000
MAX_DEPTH: Final = 50
# What an index says of each is held for all messages.
MAX_FUZZY: Final = 20

_SET = re.compile(rb"[0-9*$]")

_SEEN: Final = HasFlag(Flag.SEEN)
_BARE: Final[Mapping[bytes, Criterion]] = {
    b"ALL": And(()),
    b"NEW": And((IsRecent(), Not(_SEEN))),
    b"OLD": Not(IsRecent()),
    b"RECENT": IsRecent(),
    b"ANSWERED": HasFlag(Flag.ANSWERED),
    b"DELETED": HasFlag(Flag.DELETED),
    b"DRAFT": HasFlag(Flag.DRAFT),
    b"FLAGGED": HasFlag(Flag.FLAGGED),
    b"SEEN": _SEEN,
    b"UNANSWERED": Not(HasFlag(Flag.ANSWERED)),
    b"UNDELETED": Not(HasFlag(Flag.DELETED)),
    b"UNDRAFT": Not(HasFlag(Flag.DRAFT)),
    b"UNFLAGGED": Not(HasFlag(Flag.FLAGGED)),
    b"UNSEEN": Not(_SEEN),
    # RFC 8514 §4.3: whether SAVEDATE is kept here. It is.
    b"SAVEDATESUPPORTED": And(()),
}
# Nobody's.
_NONE: Final = Or(())

Argument = Callable[[Lexer, str], Criterion]


def _text(lexer: Lexer, codec: str) -> str:
    octets = lexer.astring()
    try:
        return octets.decode(codec)
    except UnicodeDecodeError as error:
        raise BadSyntax("string in its charset", octets) from error


def _field(name: str) -> Argument:
    return lambda lexer, codec: FieldHas(name, _text(lexer, codec))


def _header(lexer: Lexer, codec: str) -> Criterion:
    name = _text(lexer, codec)
    lexer.space()
    return FieldHas(name, _text(lexer, codec))


def _keyword(lexer: Lexer) -> HasKeyword:
    name = lexer.atom("flag-keyword").decode()
    if not is_keyword(name):
        raise BadSyntax("flag-keyword", name.encode())
    return HasKeyword(name)


def _arrived(when: When) -> Argument:
    return lambda lexer, _: Arrived(when, read_date(lexer))


def _sent(when: When) -> Argument:
    return lambda lexer, _: Sent(when, read_date(lexer))


def _saved(when: When) -> Argument:
    return lambda lexer, _: Saved(when, read_date(lexer))


def _emailid(lexer: Lexer) -> Criterion:
    octets = octets_of_emailid(read_objectid(lexer))
    return _NONE if octets is None else HasEmailId(octets)


def _threadid(lexer: Lexer) -> Criterion:
    octets = octets_of_threadid(read_objectid(lexer))
    return _NONE if octets is None else HasThreadId(octets)


_WITH_ARGUMENT: Final[Mapping[bytes, Argument]] = {
    b"BCC": _field("bcc"),
    b"BEFORE": _arrived(When.BEFORE),
    b"BODY": lambda lexer, codec: BodyHas(_text(lexer, codec)),
    b"CC": _field("cc"),
    b"EMAILID": lambda lexer, _: _emailid(lexer),
    b"FROM": _field("from"),
    b"HEADER": _header,
    b"KEYWORD": lambda lexer, _: _keyword(lexer),
    b"LARGER": lambda lexer, _: Larger(lexer.number64()),
    b"MODSEQ": lambda lexer, _: ChangedFrom(read_search_modseq(lexer)),
    b"OLDER": lambda lexer, _: Older(lexer.nz_number()),
    b"ON": _arrived(When.ON),
    b"SAVEDBEFORE": _saved(When.BEFORE),
    b"SAVEDON": _saved(When.ON),
    b"SAVEDSINCE": _saved(When.SINCE),
    b"SENTBEFORE": _sent(When.BEFORE),
    b"SENTON": _sent(When.ON),
    b"SENTSINCE": _sent(When.SINCE),
    b"SINCE": _arrived(When.SINCE),
    b"SMALLER": lambda lexer, _: Smaller(lexer.number64()),
    b"SUBJECT": _field("subject"),
    b"TEXT": lambda lexer, codec: TextHas(_text(lexer, codec)),
    b"THREADID": lambda lexer, _: _threadid(lexer),
    b"TO": _field("to"),
    b"UID": lambda lexer, _: HasUid(read_sequence_set(lexer)),
    b"UNKEYWORD": lambda lexer, _: Not(_keyword(lexer)),
    b"YOUNGER": lambda lexer, _: Younger(lexer.nz_number()),
}


class _Opened(Enum):
    """What began a group of keys that is not complete yet."""

    COMMAND = auto()
    PARENTHESIS = auto()
    NOT = auto()
    OR = auto()
    FUZZY = auto()


@dataclass(slots=True)
class _Group:
    opened: _Opened
    wanted: int = 0
    keys: list[Criterion] = field(default_factory=list)


class SearchKeys:
    """Reads the keys of one SEARCH.

    Args:
        lexer: At the first key.
        codec: Of Python, for the strings in them.
    """

    def __init__(self, lexer: Lexer, codec: str) -> None:
        self._lexer = lexer
        self._codec = codec
        self._count = 0
        self._fuzzy = 0
        self._likes = 0
        self._open = [_Group(_Opened.COMMAND)]

    def read(self) -> Criterion:
        """Take all keys, and return what they ask for together.

        Raises:
            BadSyntax: They are none, more than `MAX_KEYS`, or nested more than
                `MAX_DEPTH` deep, or more than `MAX_FUZZY` texts are within FUZZY, or
                a string is no text in its charset.
        """
        while True:
            all_of_them = self._put(self._key())
            if all_of_them is not None:
                return all_of_them
            self._lexer.space()

    def _key(self) -> Criterion:
        """Take the next key that has no key inside; open groups on the way."""
        lexer = self._lexer
        while True:
            self._count += 1
            inside = len(self._open) - 1  # the command's own group is none
            if self._count > MAX_KEYS or inside > MAX_DEPTH:
                raise BadSyntax("number of search keys")
            if lexer.accept(b"("):
                self._open.append(_Group(_Opened.PARENTHESIS))
                continue
            if lexer.at(_SET):
                return HasSeq(read_sequence_set(lexer))
            name = lexer.name("search-key")
            if name in _BARE:
                return _BARE[name]
            lexer.space()
            if name in _WITH_ARGUMENT:
                key = _WITH_ARGUMENT[name](lexer, self._codec)
                return self._like(key) if self._fuzzy else key
            if name == b"NOT":
                self._open_not()
            elif name == b"OR":
                self._open_or()
            elif name == b"FUZZY":
                self._open_fuzzy()
            else:
                raise BadSyntax("search-key", name)

    def _open_not(self) -> None:
        if self._open[-1].opened is _Opened.NOT:
            self._open.pop()
        else:
            self._open.append(_Group(_Opened.NOT))

    def _open_or(self) -> None:
        group = self._open[-1]
        if group.opened is _Opened.OR:
            group.wanted += 1
        else:
            self._open.append(_Group(_Opened.OR, wanted=2))

    def _open_fuzzy(self) -> None:
        if self._open[-1].opened is not _Opened.FUZZY:
            self._open.append(_Group(_Opened.FUZZY))
            self._fuzzy += 1

    def _like(self, key: Criterion) -> Criterion:
        """Return what FUZZY makes of a key: of a text that is not empty, `Like`."""
        if not (isinstance(key, FieldHas | BodyHas | TextHas) and key.text):
            return key
        self._likes += 1
        if self._likes > MAX_FUZZY:
            raise BadSyntax("number of texts within FUZZY")
        return Like(key)

    def _put(self, key: Criterion) -> Criterion | None:
        """Put a key where it belongs, and close the groups that it completes.

        Returns:
            What all keys are together, once there are no more.
        """
        while True:
            group = self._open[-1]
            group.keys.append(key)
            if group.opened is _Opened.COMMAND:
                return None if self._lexer.next_is(b" ") else _all_of(group.keys)
            if group.opened is _Opened.PARENTHESIS:
                if not self._lexer.accept(b")"):
                    return None
                key = _all_of(group.keys)
            elif group.opened is _Opened.OR:
                if len(group.keys) < group.wanted:
                    return None
                key = Or(tuple(group.keys))
            elif group.opened is _Opened.FUZZY:
                self._fuzzy -= 1
                key = Fuzzy(key)
            else:
                key = Not(key)
            self._open.pop()


def _all_of(keys: list[Criterion]) -> Criterion:
    return keys[0] if len(keys) == 1 else And(tuple(keys))
