"""What a FETCH asks for is read as RFC 9051 §6.4.5 has it."""

import pytest

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.fetch_items import (
    MAX_ITEMS,
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
        b"BINARY[1]",
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
