"""What a FETCH asks for is read as RFC 9051 §6.4.5 has it."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.fetch_items import (
    MAX_ITEMS,
    BinaryItem,
    BinarySizeItem,
    BodyItem,
    FetchAtt,
    Partial,
    Section,
    SectionText,
    read_fetch_items,
)
from imapbox.wire.imap.lexer import Lexer

FAST = (FetchAtt.FLAGS, FetchAtt.INTERNALDATE, FetchAtt.SIZE)


def items(*parts: bytes) -> tuple[object, ...]:
    """Return the items of a whole FETCH argument."""
    lexer = Lexer(parts)
    read = read_fetch_items(lexer)
    lexer.end()
    return read


def body(label: bytes, section=(), text=SectionText.ALL, fields=(), **other):
    partial = other.get("partial")
    return BodyItem(
        Section(section, text, fields), partial, other.get("peek", False), label
    )


ITEMS = {
    b"FLAGS": (FetchAtt.FLAGS,),
    b"(flags)": (FetchAtt.FLAGS,),
    b"(UID FLAGS uid)": (FetchAtt.UID, FetchAtt.FLAGS),
    b"FAST": FAST,
    b"all": (*FAST, FetchAtt.ENVELOPE),
    b"FULL": (*FAST, FetchAtt.ENVELOPE, FetchAtt.BODY),
    b"(ENVELOPE BODY BODYSTRUCTURE)": (
        FetchAtt.ENVELOPE,
        FetchAtt.BODY,
        FetchAtt.BODYSTRUCTURE,
    ),
    b"(emailid THREADID savedate)": (
        FetchAtt.EMAILID,
        FetchAtt.THREADID,
        FetchAtt.SAVEDATE,
    ),
    b"PREVIEW": (FetchAtt.PREVIEW,),
    b"preview (lazy)": (FetchAtt.PREVIEW_LAZY,),
    b"(PREVIEW (LAZY LAZY) UID)": (FetchAtt.PREVIEW_LAZY, FetchAtt.UID),
    b"RFC822": (body(b"RFC822"),),
    b"RFC822.HEADER": (body(b"RFC822.HEADER", text=SectionText.HEADER, peek=True),),
    b"RFC822.TEXT": (body(b"RFC822.TEXT", text=SectionText.TEXT),),
    b"BODY[]": (body(b"BODY[]"),),
    b"body.peek[]": (body(b"BODY[]", peek=True),),
    b"BODY[header]": (body(b"BODY[HEADER]", text=SectionText.HEADER),),
    b"BODY[TEXT]<0.2048>": (
        body(b"BODY[TEXT]<0>", text=SectionText.TEXT, partial=Partial(0, 2048)),
    ),
    b"BODY.PEEK[1]<0.393216>": (
        body(b"BODY[1]<0>", (1,), partial=Partial(0, 393216), peek=True),
    ),
    b"BODY[1.20.3]": (body(b"BODY[1.20.3]", (1, 20, 3)),),
    b"BODY[4294967295]": (body(b"BODY[4294967295]", (4294967295,)),),
    b"BODY[1.mime]": (body(b"BODY[1.MIME]", (1,), SectionText.MIME),),
    b"BODY[1.2.TEXT]": (body(b"BODY[1.2.TEXT]", (1, 2), SectionText.TEXT),),
    b"BODY.PEEK[HEADER.FIELDS (Date FROM)]": (
        body(
            b"BODY[HEADER.FIELDS (Date FROM)]",
            text=SectionText.HEADER_FIELDS,
            fields=(b"Date", b"FROM"),
            peek=True,
        ),
    ),
    b"binary[]": (BinaryItem((), None, peek=False, label=b"BINARY[]"),),
    b"BINARY.PEEK[1.20]<3.4>": (
        BinaryItem((1, 20), Partial(3, 4), peek=True, label=b"BINARY[1.20]<3>"),
    ),
    b"(BINARY.SIZE[2] binary.size[])": (
        BinarySizeItem((2,), b"BINARY.SIZE[2]"),
        BinarySizeItem((), b"BINARY.SIZE[]"),
    ),
    b'BODY[3.HEADER.FIELDS.NOT ("Date" "NIL" "a\\"b")]<9223372036854775807.1>': (
        body(
            b'BODY[3.HEADER.FIELDS.NOT (Date "NIL" "a\\"b")]<9223372036854775807>',
            (3,),
            SectionText.HEADER_FIELDS_NOT,
            (b"Date", b"NIL", b'a"b'),
            partial=Partial(2**63 - 1, 1),
        ),
    ),
}


@pytest.mark.parametrize("text", ITEMS, ids=repr)
def test_items(text) -> None:
    """Items are read with and without parentheses, in any case, each once."""
    assert items(text) == ITEMS[text]


numbers = st.integers(1, 2**32 - 1)
parts = st.lists(numbers, max_size=4).map(tuple)
partials = st.none() | st.builds(
    Partial, st.integers(0, 2**63 - 1), st.integers(1, 2**63 - 1)
)
with_fields = st.sampled_from(
    [SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT]
)
field_names = st.lists(
    st.text('abcXYZ-09"\\(){]%*:', min_size=1, max_size=8), min_size=1, max_size=3
)
sections = (
    st.builds(
        Section,
        parts,
        st.sampled_from([SectionText.ALL, SectionText.HEADER, SectionText.TEXT]),
    )
    | st.builds(Section, parts.filter(bool), st.just(SectionText.MIME))
    | st.builds(
        Section,
        parts,
        with_fields,
        field_names.map(lambda names: tuple(name.encode() for name in names)),
    )
)


@given(sections, partials, st.booleans())
def test_every_section_can_be_asked_for(section, partial, peek) -> None:
    """Each section of the grammar is read as itself, whole or in part."""
    words = [*(b"%d" % number for number in section.part), section.text.value]
    spec = b".".join(word for word in words if word)
    if section.fields:
        quoted = [re.sub(rb'(["\\])', rb"\\\1", name) for name in section.fields]
        spec += b' ("%b")' % b'" "'.join(quoted)
    asked = b"<%d.%d>" % (partial.start, partial.length) if partial else b""
    name = b"BODY.PEEK" if peek else b"BODY"
    (item,) = items(b"%b[%b]%b" % (name, spec, asked))
    assert (item.section, item.partial, item.peek) == (section, partial, peek)
    # What the answer calls it asks for the same again.
    label = item.label.removesuffix(b"<%d>" % partial.start) if partial else item.label
    assert items(label + asked) == (dataclasses.replace(item, peek=False),)


@given(parts, partials, st.booleans())
def test_every_part_can_be_asked_for_decoded(part, partial, peek) -> None:
    """Each part, whole or in part, can be asked for decoded, and its size too."""
    spec = b".".join(b"%d" % number for number in part)
    asked = b"<%d.%d>" % (partial.start, partial.length) if partial else b""
    name = b"BINARY.PEEK" if peek else b"BINARY"
    (item,) = items(b"%b[%b]%b" % (name, spec, asked))
    assert (item.part, item.partial, item.peek) == (part, partial, peek)
    assert item.label.partition(b"<")[0] == b"BINARY[%b]" % spec
    (size,) = items(b"BINARY.SIZE[%b]" % spec)
    assert (size.part, size.label) == (part, b"BINARY.SIZE[%b]" % spec)


def test_field_as_literal() -> None:
    """The name of a field may come as a literal."""
    (item,) = items(b"BODY[HEADER.FIELDS (", b"To", b" Cc)]")
    assert item.section.fields == (b"To", b"Cc")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"()",
        b"FOO",
        b"(FAST)",
        b"(FLAGS",
        b"FLAGS UID",
        b"(FLAGS  UID)",
        b"((FLAGS))",
        b"BODY.PEEK",
        b"BODY[",
        b"BODY[]]",
        b"BODY[0]",
        b"BODY[01]",
        b"BODY[1.]",
        b"BODY[1..2]",
        b"BODY[.1]",
        b"BODY[MIME]",
        b"BODY[FOO]",
        b"BODY[4294967296]",
        b"BODY[" + b"9" * 5000 + b"]",
        b"BODY[1TEXT]",
        b"BODY[]<>",
        b"BODY[]<0>",
        b"BODY[]<0.0>",
        b"BODY[]<5.9e20>",
        b"BODY[]<.1>",
        b"BODY[]<-1.1>",
        b"BODY[]<0.9223372036854775808>",
        b"BODY[]<0.1",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER (To)]",
        b"BODY[HEADER.FIELDS (To]",
        b'BODY[HEADER.FIELDS ("")]',
        b"BODY [] ",
        b'BODY[HEADER.FIELDS ("a b")]',
        b"BODYSTRUCTURE[]",
        b"RFC822.PEEK",
        b"BINARY",
        b"BINARY.PEEK",
        b"BINARY[0]",
        b"BINARY[1.]",
        b"BINARY[1.MIME]",
        b"BINARY[HEADER]",
        b"BINARY[TEXT]",
        b"BINARY[4294967296]",
        b"BINARY[1]<0>",
        b"BINARY[1]<0.0>",
        b"BINARY[1",
        b"BINARY.SIZE",
        b"BINARY.SIZE[1]<0.1>",
        b"BINARY.SIZE.PEEK[1]",
        b"BINARY.SIZE[TEXT]",
        b"BINARY [1]",
        b"BODY[TEXT.1]",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_cannot_be_asked(text) -> None:
    """What the grammar does not have is bad syntax."""
    with pytest.raises(BadSyntax):
        items(text)


@pytest.mark.parametrize("field", [b"a\r\n* BYE", b"a b", b"\xc3\xa4", b"a\x1b"])
def test_field_cannot_split_the_answer(field) -> None:
    """A field that could not be echoed is bad syntax."""
    with pytest.raises(BadSyntax):
        items(b"BODY[HEADER.FIELDS (", field, b")]")


def test_number_of_items_has_a_limit() -> None:
    """More items than anybody needs are bad syntax."""
    most = b"(" + b" ".join([b"UID"] * MAX_ITEMS) + b")"
    assert items(most) == (FetchAtt.UID,)
    with pytest.raises(BadSyntax):
        items(most[:-1] + b" UID)")
