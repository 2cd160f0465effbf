"""Where Dovecot and imapbox may differ: the rows of docs/reference/differences.md.

A row makes two answers alike where it holds. A difference is allowed if the rows
together make it none; the rows that were needed are then in use, and one that never
is has no place in the table.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.corpus.corpus import Mail
from tests.support.second_opinion import CONTRADICTED, ENDED

_ADDRESS_FIELDS: Final = ("from", "sender", "reply-to", "to", "cc", "bcc")
_NOBODY: Final = [None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN"]

# A semicolon, something behind an angle, a second "@".
_UNREADABLE: Final = re.compile(rb";|>[ \t]*[^\s,;]|@[^\s,;<>]*@")
_DATE: Final = re.compile(
    rb"(?im)^date *:(?:\s*[a-z]{3},)?\s*([0-2]?[0-9]|30) [a-z]{3} (?!19[0-6])[0-9]{4} "
    rb"[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?: [+-][01][0-9]{3}| [A-Z(]|\r?\n)"
)
_A_DATE: Final = re.compile(rb"(?im)^date *:")
_NO_TYPE: Final = re.compile(
    rb"(?im)^content-type *:\s*(?![a-z0-9-]+/[a-z0-9.+-]+[ \t]*(?:;|\r\n|\())"
)
# In a charset that nobody knows, or with a language (RFC 2231 §5).
_ODD_WORD: Final = re.compile(rb"=\?(?:no-such|utf-8\*en)\?")
_MADE_UP: Final = "MISSING_MAILBOX MISSING_DOMAIN SYNTAX_ERROR INVALID_ROUTE"
_OPEN: Final = b'"open'
# A parameter without a value, or one whose quotation doesn't end.
_NO_VALUE: Final = re.compile(rb';[ \t]*(?:;|name[ \t]*(?:;|\r\n(?![ \t]))|.*"open)')


_ENCODED: Final = re.compile(
    rb"(?im)^content-transfer-encoding *:\s*(?!(?:7bit|8bit|binary)\s*\r\n)"
)
_ENCODED_AND_MORE: Final = re.compile(rb"(?im)^content-transfer-encoding *:[^\r\n]*;")


@dataclass(frozen=True)
class Asked:
    """What was asked of which mail, and all that Dovecot said to it.

    Attributes:
        item: Of FETCH: "ENVELOPE"; or the key of a SEARCH.
        fact: Which part of the answer: "1.2 params".
        theirs: Dovecot's facts of the same item.
    """

    mail: Mail
    item: str
    fact: str
    theirs: Mapping[str, Any]

    @property
    def part(self) -> str:
        """The part that the fact is of."""
        return self.fact.partition(" ")[0]

    @property
    def name(self) -> str:
        """What is said of that part: "params"."""
        return self.fact.rpartition(" ")[2]

    @property
    def is_structure(self) -> bool:
        return self.item in {"BODY", "BODYSTRUCTURE"}


Pair = tuple[Any, Any]
Level = Callable[[Asked, Any, Any], Pair]
ROWS: Final[dict[str, Level]] = {}
# Those that only answers to SEARCH need, to SORT, and to BINARY.
ROWS_OF_SEARCH: Final[set[str]] = set()
ROWS_OF_SORT: Final[set[str]] = set()
ROWS_OF_BINARY: Final[set[str]] = set()


def _row(
    name: str, *, search: bool = False, sort: bool = False, binary: bool = False
) -> Callable[[Level], Level]:
    def keep(level: Level) -> Level:
        ROWS[name] = level
        if search:
            ROWS_OF_SEARCH.add(name)
        if sort:
            ROWS_OF_SORT.add(name)
        if binary:
            ROWS_OF_BINARY.add(name)
        return level

    return keep


def rows_that_allow(asked: Asked, ours: Any, theirs: Any) -> list[str] | None:
    """Return the rows that make two answers alike, or None if they don't."""
    used = []
    for name, level in ROWS.items():
        before = ours, theirs
        ours, theirs = level(asked, *before)
        if (ours, theirs) != before:
            used.append(name)
        if ours == theirs:
            return used
    return None


def _is_address_list(asked: Asked, *values: Any) -> bool:
    return asked.name in _ADDRESS_FIELDS and all(
        isinstance(each, list | None) for each in values
    )


@_row("Bare line feeds")
def _bare(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot gives back CRLF for each LF, and counts it as two octets."""
    if not asked.mail.has_bare_breaks:
        return ours, theirs
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        return _without_breaks(ours), _without_breaks(theirs)
    sizes = ("RFC822.SIZE", "BINARY.SIZE", "LARGER", "SMALLER")
    if asked.name in {"octets", "lines"} or asked.item.startswith(sizes):
        return theirs, theirs
    return ours, theirs


def _without_breaks(octets: bytes) -> bytes:
    return octets.replace(b"\r", b"").replace(b"\n", b"")


@_row("Empty places in a list of addresses")
def _null_members(asked: Asked, ours: Any, theirs: Any) -> Pair:
    if not _is_address_list(asked, ours, theirs):
        return ours, theirs
    without = [each for each in theirs or () if each != _NOBODY] or None
    if without == ours:
        return ours, ours
    return ours, theirs


@_row("Words without an address")
def _phrases(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot drops the words; ours are the name of an address that is missing."""
    if not _is_address_list(asked, ours, theirs):
        return ours, theirs
    level = [_NOBODY if each[2:] == _NOBODY[2:] else each for each in ours or ()]
    return level or None, theirs


@_row("Addresses that are none")
def _broken(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Both keep a list's other members; of a broken one each keeps something."""
    if not _is_address_list(asked, ours, theirs):
        return ours, theirs
    mine = [each for each in ours or () if each != _NOBODY]
    other = [each for each in theirs or () if each != _NOBODY]
    if any(b"SYNTAX_ERROR" in each or b"INVALID_ROUTE" in each for each in other):
        mine = [a for a, b in zip(mine, other, strict=False) if not _is_broken(b)]
        other = [b for b in other if not _is_broken(b)]
    return mine or None, other or None


def _is_broken(address: Sequence[Any]) -> bool:
    return b"SYNTAX_ERROR" in address or b"INVALID_ROUTE" in address


@_row("Addresses behind what is none")
def _rest(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot ends a list at what it can't read; ours goes on behind it."""
    if not _is_address_list(asked, ours, theirs):
        return ours, theirs
    rest = iter(ours or ())
    if _UNREADABLE.search(asked.mail.octets) and all(
        each in rest
        for each in theirs or ()  # in this order, perhaps with gaps
    ):
        return ours, ours
    return ours, theirs


@_row("Quotes that are not closed")
def _quotes(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Where a quotation has no end, nobody knows which addresses are in it."""
    if _is_address_list(asked, ours, theirs) and _OPEN in asked.mail.octets:
        return ours, ours
    return ours, theirs


@_row("Media types that are none")
def _no_type(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot gives the words as they are; to us it's text/plain, RFC 2045 §5.2."""
    if not asked.is_structure:
        return ours, theirs
    for path in _upwards(asked.part):
        if b"" in (
            asked.theirs.get(f"{path} type"),
            asked.theirs.get(f"{path} subtype"),
        ):
            return theirs, theirs
    return ours, theirs


def _upwards(path: str) -> list[str]:
    numbers = path.split(".") if path else []
    return [".".join(numbers[:end]) for end in range(len(numbers), -1, -1)]


@_row("Part 1 of a part that has no parts")
def _part_one(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot takes "1.1" for "1" if that has no parts; to us there is none."""
    if re.fullmatch(r"BODY\[[0-9.]+\.1\]", asked.item) and ours is None:
        return ours, None
    return ours, theirs


@_row("The line end before a boundary")
def _line_end(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot counts it to a part whose own parts have no end; it's the boundary's."""
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        is_body = re.fullmatch(r"BODY\[[0-9.]+\](?:<[0-9]+>)?", asked.item)
        return (ours, ours) if is_body and theirs == ours + b"\r\n" else (ours, theirs)
    if asked.name in {"octets", "lines"} and ours.isdecimal() and theirs.isdecimal():
        more = int(theirs) - int(ours)
        return (
            (ours, ours)
            if more == {"octets": 2, "lines": 1}[asked.name]
            else (ours, theirs)
        )
    return ours, theirs


@_row("The empty line of a header with nothing behind")
def _empty_line(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot leaves it out where a part's body is empty; it's there, so we don't."""
    is_header = asked.item.endswith((".HEADER]", ".MIME]")) or ".FIELDS" in asked.item
    if is_header or asked.item.startswith("BODY[1]"):
        return (ours, ours) if ours == (theirs or b"") + b"\r\n" else (ours, theirs)
    return ours, theirs


@_row("The empty line of a mail that has none")
def _no_empty_line(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot makes one for HEADER.FIELDS, though not for HEADER.FIELDS.NOT."""
    wanted = re.match(r"BODY\[(.*)HEADER\.FIELDS \(", asked.item)
    if wanted and (wanted[1] or not asked.mail.has_empty_line):
        return (ours, ours) if theirs == ours + b"\r\n" else (ours, theirs)
    return ours, theirs


@_row("Parts that are not there")
def _no_part(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot sends an empty string for them; ours is NIL."""
    if asked.item.startswith(("BODY[", "BINARY[")) and ours is None and theirs == b"":
        return ours, None
    return ours, theirs


@_row("Messages with UTF-8 in their headers")
def _global(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """To Dovecot message/global is a part like any other; ours tells what is in it."""
    subtypes = [asked.theirs.get(f"{path} subtype") for path in _upwards(asked.part)]
    if asked.is_structure and b"GLOBAL" in subtypes and theirs == "(absent)":
        return theirs, theirs
    return ours, theirs


@_row("Encodings that are none", binary=True)
def _no_encoding(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot refuses what is not quite base64, and the sizes of all other parts."""
    if not asked.item.startswith("BINARY") or ours == b"NO":
        return ours, theirs
    if theirs == b"NO" and _ENCODED.search(asked.mail.octets):
        return ours, ours
    if _ENCODED_AND_MORE.search(asked.mail.octets):
        return ours, ours
    return ours, theirs


@_row("Sizes that are others", binary=True)
def _other_sizes(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot's BINARY.SIZE is now and then not that of its own BINARY."""
    if asked.item.startswith("BINARY.SIZE") and theirs == CONTRADICTED:
        return ours, ours
    return ours, theirs


@_row("Mail at which Dovecot ends", binary=True)
def _ended(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Asked for such parts without their encoding, it closes the connection."""
    if asked.item.startswith("BINARY") and theirs == ENDED:
        return ours, ours
    return ours, theirs


@_row("The case of a charset")
def _charset(asked: Asked, ours: Any, theirs: Any) -> Pair:
    if asked.name == "params":
        return _lower_charset(ours), _lower_charset(theirs)
    return ours, theirs


def _lower_charset(parameters: Any) -> Any:
    if not isinstance(parameters, list):
        return parameters
    pairs = zip(parameters[::2], parameters[1::2], strict=True)
    return [
        each
        for name, value in pairs
        for each in (name, value.lower() if name == b"CHARSET" else value)
    ]


@_row("Parameters that are none, or there twice")
def _parameters(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot keeps one without a name, or all, or none; of two ours keeps both."""
    nameless = _NO_VALUE.search(asked.mail.octets) is not None
    if asked.name == "params":
        return _tidy(ours, nameless), _tidy(theirs, nameless)
    if asked.name == "disposition" and ours and theirs and ours[0] == theirs[0]:
        return [ours[0], _tidy(ours[1], nameless)], [
            theirs[0],
            _tidy(theirs[1], nameless),
        ]
    return ours, theirs


def _tidy(parameters: Any, nameless: bool) -> Any:
    """Leave out "name", which the corpus repeats, and what is behind no name."""
    if not isinstance(parameters, list):
        return parameters
    loose = (b"NAME", b"FORMAT", b"DELSP", *([b"CHARSET"] if nameless else []))
    pairs = zip(parameters[::2], parameters[1::2], strict=True)
    kept = [
        each
        for name, value in pairs
        if name and not name.startswith(loose)
        for each in (name, value)
    ]
    return kept or None


@_row("Days of mail that has no good date", search=True)
def _dates(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot takes it for one of 1970, or the first of two that it has."""
    if not asked.item.startswith("SENT"):
        return ours, theirs
    return (ours, theirs) if _has_good_date(asked.mail) else (ours, ours)


def _has_good_date(mail: Mail) -> bool:
    header = mail.header + b"\n"
    return len(_A_DATE.findall(header)) == len(_DATE.findall(header)) == 1


@_row("Words in addresses that are none", search=True)
def _words(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot looks for them in the addresses that it makes, ours in the field."""
    key, _, word = asked.item.partition(" ")
    if key not in {"FROM", "TO", "CC", "BCC"}:
        return ours, theirs
    if theirs and re.search(re.escape(word), _MADE_UP, re.IGNORECASE):
        return ours, ours
    if ours and _is_unreadable(_field(asked.mail, key)):
        return ours, ours
    return ours, theirs


def _field(mail: Mail, name: str) -> bytes:
    lines = rb"(?im)^%b *:(.*\n(?:[ \t].*\n)*)" % name.encode()
    return b"".join(re.findall(lines, mail.header + b"\n"))


def _is_unreadable(field: bytes) -> bool:
    return (
        field.count(b"<") != field.count(b">")
        or any(each in field for each in (b"\\@", b"("))
        or _OPEN in field
        or _UNREADABLE.search(field) is not None
    )


@_row("Odd encoded words", search=True)
def _encoded(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """To us they are the words that they are, or decoded; to Dovecot none."""
    is_search = asked.item.startswith(("HEADER ", "SUBJECT ", "TEXT ", "FROM ", "TO "))
    if is_search and ours and _ODD_WORD.search(asked.mail.octets):
        return ours, ours
    return ours, theirs


@_row("Words in parts of no media type", search=True)
def _body_words(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Such parts are text to us, and not to Dovecot."""
    if asked.item.startswith(("BODY ", "TEXT ")) and _NO_TYPE.search(asked.mail.octets):
        return ours, ours
    return ours, theirs


@_row("The place of mail that has no good date", sort=True)
def _place_by_date(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot goes by INTERNALDATE, ours by what can be read of the date."""
    if asked.item.endswith("DATE)") and not _has_good_date(asked.mail):
        return ours, ours
    return ours, theirs


@_row("The place of subjects in no charset", sort=True)
def _place_by_octets(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot puts them behind all others, ours where the guessed words belong."""
    subject = _field(asked.mail, "Subject")
    if asked.item.endswith("SUBJECT)") and not _is_utf8(subject):
        return ours, ours
    return ours, theirs


def _is_utf8(octets: bytes) -> bool:
    return octets.decode("utf-8", "ignore").encode() == octets


@_row("The place of mail with two subjects", sort=True)
def _place_by_last(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Dovecot goes by the first one, ours by the one that is in ENVELOPE."""
    subjects = re.findall(rb"(?im)^subject *:", asked.mail.header + b"\n")
    if asked.item.endswith("SUBJECT)") and len(subjects) > 1:
        return ours, ours
    return ours, theirs


@_row("The place of addresses that are none", sort=True)
def _place_by_address(asked: Asked, ours: Any, theirs: Any) -> Pair:
    """Each goes by what it reads of them: see "Addresses that are none"."""
    name = re.search(r"(FROM|TO|CC)\)$", asked.item)
    if name and _UNREADABLE.search(_field(asked.mail, name[1])):
        return ours, ours
    return ours, theirs
