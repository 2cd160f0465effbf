"""What a FETCH asks for.

RFC 9051 §9, with what RFC 3501 §9 had besides, RFC 8474 §7, RFC 8514 §5 and RFC
8970 §6::

    fetch           = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" /
                      fetch-att / "(" fetch-att *(SP fetch-att) ")")
                      [fetch-modifiers]          ; `mod_sequences`
    fetch-att       = "ENVELOPE" / "FLAGS" / "INTERNALDATE" /
                      "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] / "MODSEQ" /
                      "BODY" ["STRUCTURE"] / "UID" /
                      "BODY" [".PEEK"] section [partial] /
                      "BINARY" [".PEEK"] section-binary [partial] /
                      "BINARY.SIZE" section-binary / "EMAILID" / "THREADID" /
                      "SAVEDATE" / "PREVIEW" [SP "(" "LAZY" *(SP "LAZY") ")"]
    section         = "[" [section-spec] "]"
    section-spec    = section-msgtext / (section-part ["." section-text])
    section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list /
                      "TEXT"
    section-binary  = "[" [section-part] "]"
    section-part    = nz-number *("." nz-number)
    section-text    = section-msgtext / "MIME"
    header-list     = "(" header-fld-name *(SP header-fld-name) ")"
    partial         = "<" number64 "." nz-number64 ">"
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.strings import astring

MAX_ITEMS: Final = 1000

_NAME = re.compile(rb"[A-Za-z0-9.]+")
_PART = re.compile(rb"[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*+(?![0-9])")
_TEXT = re.compile(rb"[A-Za-z.]+")
# Not the modifiers of a FETCH of nothing else.
_LAZY = re.compile(rb" \(lazy(?: lazy)*+\)", re.IGNORECASE)
# RFC 5322 §2.2 has no ":" in the name of a field, but clients write one.
_FIELD = re.compile(rb"[\x21-\x7e]+")


class FetchAtt(Enum):
    """A data item that is only a name. The value is that name."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"  # RFC 7162 §3.1.4.2
    EMAILID = b"EMAILID"  # RFC 8474 §5.3
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"  # RFC 8514 §4.2
    PREVIEW = b"PREVIEW"  # RFC 8970 §3.1
    PREVIEW_LAZY = b"PREVIEW (LAZY)"


class SectionText(Enum):
    """What of a part is meant. The value is the section's word for it."""

    ALL = b""
    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


# Those that come with the names of fields.
FIELDS: Final = frozenset({SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT})


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a message. RFC 9051 §6.4.5.

    Attributes:
        part: Numbers of nested parts; empty for the message itself.
        text: What of that part.
        fields: For the two HEADER.FIELDS, the names as given, at least one.
    """

    part: tuple[int, ...] = ()
    text: SectionText = SectionText.ALL
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """The octets from ``start``, at most ``length`` of them (never 0)."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class BodyItem:
    r"""Octets of a message.

    Attributes:
        section: Which.
        partial: Which of those, if not all.
        peek: False if asking for them sets ``\Seen``.
        label: What the answer calls them: ``BODY[1.MIME]<0>``, ``RFC822``.
    """

    section: Section
    partial: Partial | None
    peek: bool
    label: bytes


@dataclass(frozen=True, slots=True)
class BinaryItem:
    r"""Octets of a part, its Content-Transfer-Encoding undone. RFC 3516 §4.2.

    Attributes:
        part: Numbers of nested parts; empty for the message itself.
        partial: Which of the decoded octets, if not all.
        peek: False if asking for them sets ``\Seen``.
        label: What the answer calls them: ``BINARY[1.2]<0>``.
    """

    part: tuple[int, ...]
    partial: Partial | None
    peek: bool
    label: bytes


@dataclass(frozen=True, slots=True)
class BinarySizeItem:
    """How many octets a part has when it is decoded. RFC 3516 §4.2.

    Attributes:
        part: Numbers of nested parts; empty for the message itself.
        label: What the answer calls it: ``BINARY.SIZE[1.2]``.
    """

    part: tuple[int, ...]
    label: bytes


FetchItem = FetchAtt | BodyItem | BinaryItem | BinarySizeItem

_FAST: Final = (FetchAtt.FLAGS, FetchAtt.INTERNALDATE, FetchAtt.SIZE)
MACROS: Final[Mapping[bytes, tuple[FetchItem, ...]]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, FetchAtt.ENVELOPE),
    b"FULL": (*_FAST, FetchAtt.ENVELOPE, FetchAtt.BODY),
}
_HEADER: Final = Section(text=SectionText.HEADER)
_SIMPLE: Final[Mapping[bytes, FetchItem]] = {
    **{att.value: att for att in FetchAtt},
    # RFC 3501 §6.4.5: as BODY[], BODY.PEEK[HEADER] and BODY[TEXT], but for
    # the name in the answer.
    b"RFC822": BodyItem(Section(), None, peek=False, label=b"RFC822"),
    b"RFC822.HEADER": BodyItem(_HEADER, None, peek=True, label=b"RFC822.HEADER"),
    b"RFC822.TEXT": BodyItem(
        Section(text=SectionText.TEXT), None, peek=False, label=b"RFC822.TEXT"
    ),
}
_SECTION_TEXTS: Final = {text.value: text for text in SectionText if text.value}
_BINARY: Final = frozenset({b"BINARY", b"BINARY.PEEK", b"BINARY.SIZE"})


def read_fetch_items(lexer: Lexer) -> tuple[FetchItem, ...]:
    """Take what is behind the sequence set of a FETCH, each item once.

    Raises:
        BadSyntax: It is not what FETCH can ask for, or more than `MAX_ITEMS`.
    """
    if lexer.at(_NAME):
        name = lexer.match(_NAME, "fetch-att").upper()
        if name in MACROS:
            return MACROS[name]
        return (_item(lexer, name),)
    items = lexer.listed(lambda: read_fetch_item(lexer))
    if len(items) > MAX_ITEMS:
        raise BadSyntax("fetch-att")
    return tuple(dict.fromkeys(items))


def read_fetch_item(lexer: Lexer) -> FetchItem:
    """Take one ``fetch-att``.

    Raises:
        BadSyntax: There is none.
    """
    return _item(lexer, lexer.match(_NAME, "fetch-att").upper())


def _item(lexer: Lexer, name: bytes) -> FetchItem:
    if name in {b"BODY", b"BODY.PEEK"} and lexer.accept(b"["):
        section = read_section(lexer)
        lexer.expect(b"]")
        partial = _partial(lexer) if lexer.accept(b"<") else None
        label = _label(section, partial)
        return BodyItem(section, partial, peek=name == b"BODY.PEEK", label=label)
    if name in _BINARY:
        return _binary(lexer, name)
    if name == b"PREVIEW" and lexer.at(_LAZY):
        lexer.match(_LAZY, "preview-mod")
        return FetchAtt.PREVIEW_LAZY
    if name not in _SIMPLE:
        raise BadSyntax("fetch-att", name)
    return _SIMPLE[name]


def _binary(lexer: Lexer, name: bytes) -> BinaryItem | BinarySizeItem:
    lexer.expect(b"[")
    part = _part(lexer) if lexer.at(_PART) else ()
    lexer.expect(b"]")
    if name == b"BINARY.SIZE":
        return BinarySizeItem(part, b"BINARY.SIZE[%b]" % _dotted(part))
    partial = _partial(lexer) if lexer.accept(b"<") else None
    label = b"BINARY[%b]%b" % (_dotted(part), _origin(partial))
    return BinaryItem(part, partial, peek=name == b"BINARY.PEEK", label=label)


def _part(lexer: Lexer) -> tuple[int, ...]:
    numbers = lexer.match(_PART, "section-part").split(b".")
    part = tuple(int(number) for number in numbers)
    if max(part) >= 1 << 32:
        raise BadSyntax("section-part")
    return part


def read_section(lexer: Lexer) -> Section:
    """Take a ``section-spec``, or nothing.

    Raises:
        BadSyntax: It is none.
    """
    part: tuple[int, ...] = ()
    if lexer.at(_PART):
        part = _part(lexer)
        if not lexer.accept(b"."):
            return Section(part)
    elif not lexer.at(_TEXT):
        return Section()
    word = lexer.match(_TEXT, "section-text").upper()
    text = _SECTION_TEXTS.get(word)
    if text is None or (text is SectionText.MIME and not part):
        raise BadSyntax("section-text", word)
    if text not in FIELDS:
        return Section(part, text)
    lexer.space()
    return Section(part, text, tuple(lexer.listed(lambda: _field(lexer))))


def _field(lexer: Lexer) -> bytes:
    name = lexer.astring("header-fld-name")
    if not _FIELD.fullmatch(name):
        raise BadSyntax("header-fld-name", name)
    return name


def _partial(lexer: Lexer) -> Partial:
    start = lexer.number64()
    lexer.expect(b".")
    length = lexer.nz_number64()
    lexer.expect(b">")
    return Partial(start, length)


def _label(section: Section, partial: Partial | None) -> bytes:
    words = (_dotted(section.part), section.text.value)
    spec = b".".join(word for word in words if word)
    if section.fields:
        spec += b" (%b)" % b" ".join(map(astring, section.fields))
    return b"BODY[%b]%b" % (spec, _origin(partial))


def _dotted(part: tuple[int, ...]) -> bytes:
    return b".".join(b"%d" % number for number in part)


def _origin(partial: Partial | None) -> bytes:
    return b"<%d>" % partial.start if partial else b""
