"""What a SEARCH asks for is read as RFC 9051 §6.4.4 has it."""

import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.criteria import (
    And,
    Arrived,
    BodyHas,
    Criterion,
    FieldHas,
    HasEmailId,
    HasFlag,
    HasKeyword,
    HasSeq,
    HasThreadId,
    HasUid,
    IsRecent,
    Larger,
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
from imapbox.model.flags import Flag
from imapbox.model.sequence_set import SequenceSet
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.charsets import CHARSETS, codec_of
from imapbox.wire.imap.commands.search import Search, read_search, read_uid_search
from imapbox.wire.imap.events import CommandReady
from imapbox.wire.imap.framer import AFTER_LOGIN, CommandFramer
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.search_keys import MAX_DEPTH, MAX_KEYS
from tests.support.criteria import LEAVES, spelled, trees

FEB = date(2026, 2, 1)
SEEN = HasFlag(Flag.SEEN)
ONE = HasSeq(SequenceSet(((1, 1),)))


def search(text: bytes) -> Search:
    """Return what is read behind a SEARCH, literals and all."""
    framer = CommandFramer(AFTER_LOGIN)
    framer.receive(text + b"\r\n")
    event = framer.next_event()
    assert isinstance(event, CommandReady)
    lexer = Lexer(event.parts)
    command = read_search(lexer, b"a")
    lexer.end()
    return command


def keys(text: bytes) -> Criterion:
    return search(b" " + text).criterion


KEYS: dict[bytes, Criterion] = {
    b"ALL": And(()),
    b"ANSWERED": HasFlag(Flag.ANSWERED),
    b"DELETED": HasFlag(Flag.DELETED),
    b"DRAFT": HasFlag(Flag.DRAFT),
    b"FLAGGED": HasFlag(Flag.FLAGGED),
    b"seen": SEEN,
    b"UNANSWERED": Not(HasFlag(Flag.ANSWERED)),
    b"UNDELETED": Not(HasFlag(Flag.DELETED)),
    b"UNDRAFT": Not(HasFlag(Flag.DRAFT)),
    b"UNFLAGGED": Not(HasFlag(Flag.FLAGGED)),
    b"UnSeen": Not(SEEN),
    b"NEW": And((IsRecent(), Not(SEEN))),
    b"OLD": Not(IsRecent()),
    b"RECENT": IsRecent(),
    b"KEYWORD $Forwarded": HasKeyword("$Forwarded"),
    b"UNKEYWORD junk": Not(HasKeyword("junk")),
    b"BEFORE 1-Feb-2026": Arrived(When.BEFORE, FEB),
    b"ON 01-feb-2026": Arrived(When.ON, FEB),
    b'SINCE "1-FEB-2026"': Arrived(When.SINCE, FEB),
    b"SENTBEFORE 1-Feb-2026": Sent(When.BEFORE, FEB),
    b"SENTON 1-Feb-2026": Sent(When.ON, FEB),
    b"SENTSINCE 1-Feb-2026": Sent(When.SINCE, FEB),
    b"SAVEDBEFORE 1-Feb-2026": Saved(When.BEFORE, FEB),
    b"savedon 1-Feb-2026": Saved(When.ON, FEB),
    b"SAVEDSINCE 1-Feb-2026": Saved(When.SINCE, FEB),
    b"SAVEDATESUPPORTED": And(()),
    b"EMAILID M" + b"0f" * 16: HasEmailId(b"\x0f" * 16),
    b"EMAILID M" + b"0F" * 16: Or(()),
    b"EMAILID " + b"x" * 255: Or(()),
    b"THREADID T-1_a": Or(()),
    b"THREADID M" + b"0f" * 16: Or(()),
    b"EMAILID T" + b"0f" * 16: Or(()),
    b"THREADID T" + b"0f" * 16: HasThreadId(b"\x0f" * 16),
    b"LARGER 0": Larger(0),
    b"OLDER 1": Older(1),
    b"younger 4294967295": Younger(2**32 - 1),
    b"SMALLER 9223372036854775807": Smaller(2**63 - 1),
    b"BCC a": FieldHas("bcc", "a"),
    b'CC "a b"': FieldHas("cc", "a b"),
    b"FROM {3+}\r\na\r\n": FieldHas("from", "a\r\n"),
    b"TO NIL": FieldHas("to", "NIL"),
    b'SUBJECT ""': FieldHas("subject", ""),
    b'HEADER X-Mine ""': FieldHas("X-Mine", ""),
    b'HEADER "list id" {2+}\r\n\xc3\xa4': FieldHas("list id", "ä"),
    b"BODY x": BodyHas("x"),
    b"TEXT {3+}\r\n(x)": TextHas("(x)"),
    b"1": ONE,
    b"*": HasSeq(SequenceSet(((None, None),))),
    b"2,4:*": HasSeq(SequenceSet(((2, 2), (4, None)))),
    b"UID 1": HasUid(SequenceSet(((1, 1),))),
    b"SEEN 1": And((SEEN, ONE)),
    b"(SEEN)": SEEN,
    b"(SEEN 1)": And((SEEN, ONE)),
    b"(SEEN (1 ALL)) 1": And((And((SEEN, And((ONE, And(()))))), ONE)),
    b"OR SEEN 1": Or((SEEN, ONE)),
    b"OR SEEN OR 1 RECENT": Or((SEEN, ONE, IsRecent())),
    b"OR OR SEEN 1 RECENT": Or((SEEN, ONE, IsRecent())),
    b"OR (OR SEEN 1) RECENT DRAFT": And(
        (Or((Or((SEEN, ONE)), IsRecent())), HasFlag(Flag.DRAFT))
    ),
    b"NOT SEEN 1": And((Not(SEEN), ONE)),
    b"NOT NOT SEEN": SEEN,
    b"NOT NOT NOT SEEN": Not(SEEN),
    b"NOT OR NOT SEEN (1 NOT RECENT)": Not(
        Or((Not(SEEN), And((ONE, Not(IsRecent())))))
    ),
}


@pytest.mark.parametrize("text", KEYS, ids=repr)
def test_keys(text: bytes) -> None:
    """Every key of RFC 3501 and RFC 9051 is read, in any case, alone and in groups."""
    assert keys(text) == KEYS[text]


@given(trees(LEAVES))
def test_what_is_asked_comes_through(criterion: Criterion) -> None:
    """Whatever can be asked is read as it was meant."""
    assert keys(spelled(criterion)) == criterion


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"()",
        b"(",
        b"(SEEN",
        b"SEEN)",
        b"(SEEN))",
        b"SEEN  1",
        b"( SEEN)",
        b"(SEEN )",
        b"SEEN ",
        b"NOT",
        b"NOT ",
        b"OR SEEN",
        b"OR SEEN ",
        b"(OR SEEN) 1",
        b"(NOT) SEEN",
        b"SEENX",
        b"X-GM-RAW x",
        b"BODY",
        b"BODY (x)",
        b"HEADER Subject",
        b"KEYWORD \\Seen",
        b"KEYWORD " + b"x" * 256,
        b"LARGER -1",
        b"OLDER 0",
        b"YOUNGER",
        b"YOUNGER 4294967296",
        b"LARGER 9223372036854775808",
        b"SINCE 99-Foo-0000",
        b"SINCE 31-Feb-2026",
        b"SINCE 1-Jan-0000",
        b'SINCE "1-Jan-2026',
        b"SINCE 1-Jan-2026x",
        b"SINCE 001-Jan-2026",
        b"ON  1-Jan-2026",
        b"0",
        b"1:",
        b"UID x",
        b"UID 4294967296",
        b"BODY {1+}\r\n\xe4",
        b"BODY {1+}\r\n\0",
        b"CHARSET UTF-8",
        b"CHARSET UTF-8 ",
        b"CHARSET US-ASCII BODY {2+}\r\n\xc3\xa4",
        b"SEEN CHARSET UTF-8",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_cannot_be_asked(text: bytes) -> None:
    """What the grammar does not have, and no text in its charset, is bad syntax."""
    with pytest.raises(BadSyntax):
        keys(text)


def test_uid_search_tells_uids() -> None:
    """UID SEARCH is a SEARCH whose answer tells UIDs."""
    assert read_uid_search(Lexer([b" UID 1"]), b"a") == Search(
        b"a", by_uid=True, criterion=HasUid(SequenceSet(((1, 1),)))
    )


def test_what_programs_write_without_end_costs_no_depth() -> None:
    """A chain of OR or of NOT, and a long list, are no nesting."""
    count = MAX_KEYS // 2
    assert keys(b"OR SEEN " * (count - 1) + b"SEEN") == Or((SEEN,) * count)
    assert keys(b"OR " * (count - 1) + b" ".join([b"SEEN"] * count)) == Or(
        (SEEN,) * count
    )
    assert keys(b"NOT " * (count * 2 - 2) + b"SEEN") == SEEN
    assert keys(b" ".join([b"SEEN"] * MAX_KEYS)) == And((SEEN,) * MAX_KEYS)
    assert keys(b"(" * MAX_DEPTH + b"SEEN" + b")" * MAX_DEPTH) == SEEN


@pytest.mark.parametrize(
    "text",
    [
        b"SEEN " * MAX_KEYS + b"SEEN",
        b"NOT " * 2000 + b"SEEN",
        b"OR " * 2000 + b"SEEN " * 2000 + b"SEEN",
        b"(" * (MAX_DEPTH + 1) + b"SEEN" + b")" * (MAX_DEPTH + 1),
        b"(" * 8000,
        b"(NOT " * 4000,
        b"NOT (OR " * 4000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_keys_without_end(text: bytes) -> None:
    """More keys than anybody needs, or deeper ones, are bad syntax."""
    with pytest.raises(BadSyntax):
        keys(text)


def test_the_deepest_criterion_can_be_compared() -> None:
    """What is read is never too deep for Python."""
    depth = MAX_DEPTH // 2
    text = b"NOT (SEEN " * depth + b"1" + b")" * depth
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    try:
        assert hash(keys(text)) == hash(keys(text))
        assert repr(keys(text)) == repr(keys(text))
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    ("charset", "octets"),
    [
        (b"UTF-8", b"\xc3\xa4"),
        (b"utf-8", b"\xc3\xa4"),
        (b'"UTF-8"', b"\xc3\xa4"),
        (b"ISO-8859-1", b"\xe4"),
        (b"iso-8859-15", b"\xe4"),
        (b"Windows-1252", b"\xe4"),
        (b"KOI8-R", b"\xd1"),
        (b"GB18030", b"\xd1\xa7"),
        (b"Big5", b"\xbe\xc7"),
        (b"Shift_JIS", b"\x8aw"),
        (b"EUC-JP", b"\xb3\xd8"),
        (b"EUC-KR", b"\xf9\xca"),
        (b"ISO-2022-JP", b"\x1b$B3X\x1b(B"),
    ],
)
def test_charsets(charset: bytes, octets: bytes) -> None:
    """Texts are read in the charset that the client names."""
    text = b" CHARSET %b SUBJECT {%d+}\r\n%b" % (charset, len(octets), octets)
    command = search(text)
    assert command.known_charset
    assert command.criterion in {
        FieldHas("subject", each) for each in ("ä", "я", "学", "學")
    }


@given(
    charset=st.sampled_from(sorted(CHARSETS)),
    text=st.text(st.characters(max_codepoint=126, min_codepoint=32)),
)
def test_every_charset_that_is_told_is_read(charset: str, text: str) -> None:
    """What BADCHARSET lists can be used."""
    codec = codec_of(charset.encode())
    assert codec is not None
    criterion = BodyHas(text.encode(codec).decode(codec))
    said = b" CHARSET %b %b" % (charset.encode(), spelled(criterion, codec))
    assert search(said) == Search(
        b"a", by_uid=False, criterion=criterion, names_charset=True
    )


@pytest.mark.parametrize(
    "charset",
    [
        *(b"zip", b"zlib_codec", b"rot13", b"idna", b"punycode", b"unicode_escape"),
        *(b"os", b"../x", b"utf-8\xff", b"UTF-7", b"undefined", b"x" * 60_000),
    ],
    ids=lambda name: repr(name[:20]),
)
def test_other_codecs_are_no_charsets(charset: bytes) -> None:
    """Row 33: a codec of Python's is not found by a client's name for it."""
    said = b' CHARSET {%d+}\r\n%b BODY "x" SEEN' % (len(charset), charset)
    before = set(sys.modules)
    command = search(said)
    assert not command.known_charset
    assert {name for name in sys.modules if "encodings" in name} <= before
