r"""Holds all that a server says to the grammar of `imap_grammar`.

The grammar is slow, and a test run sees the same kind of response a hundred
thousand times. So a response is first brought to its *shape*: what surely is
one terminal of the grammar gives way to another of the same terminal, and only
a new shape is parsed. Nothing is replaced that the grammar could read in two
ways: a date-time, a number that does not begin with 0, the elements of a quoted
string (of which two stand for more, since a hierarchy separator is one), the
tag, and the text for people. What doesn't match such a terminal exactly stays
as it is, and is the grammar's to refuse.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

# With these words the server begins to compress.
COMPRESSED: Final = b" OK Compressed from now on.\r\n"
_LITERAL: Final = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_CONDITION: Final = re.compile(
    rb"([^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)|\+) "
    rb"(\[[^\]\r\n]*\] )?([\x01-\x09\x0b\x0c\x0e-\x5a\x5c-\x7f]"
    rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*)?\r\n",
)
_TAG: Final = re.compile(rb"[!#$&',-\[^-z|}~\]]+(?= )")
_TERMINAL: Final = re.compile(
    rb'"(?P<quoted>(?:[\x01-\x09\x0b\x0c\x0e-!#-\[\]-\x7f]|\\["\\])*)"'
    rb"|(?<![!#$%&'*+./0-9;<=>?@A-Z\\\]^_`a-z|}~-])(?P<number>[1-9][0-9]*)"
    rb"(?![!#$%&'*+./0-9;=?@A-Z\\^_`a-z|}~-])"
)
_DATE: Final = re.compile(
    rb"(?:[0-3][0-9]| [1-9])-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb"-[0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [+-][0-9]{4}"
)
# Words that the grammar of a body structure has in quotes.
_MEDIA: Final = {b"TEXT", b"MESSAGE", b"RFC822", b"GLOBAL"}
_LARGEST: Final = 2**63 - 1  # RFC 9051 §9, number64
_BODY: Final = b'("xx" "xx" NIL NIL NIL "xx" 1)'
_DEEP: Final = 40  # abnf ends at about 90 bodies, one in another
_MANY_NUMBERS: Final = re.compile(rb"(\* (?:SEARCH|SORT))(?: 1)+(?=\r\n| \()")
# Threads of one, of which two are told as many are, and answers in a row.
_MANY_THREADS: Final = re.compile(rb"\(1\)\(1\)(?:\(1\))+|(?<=[( ])1 1(?: 1)+")
_MANY_RANGES: Final = re.compile(rb"\b1(?::1)?(?:,1(?::1)?)+")
# A mailbox may have digits for a name, as many as it likes.
_NAMED: Final = re.compile(
    rb'(\* (?:(?:LIST|LSUB) \([^)]*\) "/"|STATUS) )([^ "{\r\n]+)'
)
# From then on quoted strings may hold UTF-8: RFC 6855 §3, RFC 9051 §A.
_ENABLES_UTF8: Final = re.compile(rb"\* ENABLED(?: [^ ]+)*? (?:UTF8=ACCEPT|IMAP4rev2)")
_QUOTED_UTF8: Final = re.compile(rb'"(?:[^"\\\r\n]|\\["\\])*"')
_RULES: Final = {b"+": "continue-req", b"*": "response-data"}


@dataclass
class Shapes:
    """What the grammar says of each shape that was seen.

    Nothing is parsed before somebody takes the faults: a server that is listened
    to should not wait for it, and `abnf-rust` crashed in a thread of pytest-twisted's.

    Attributes:
        good: The shapes, by rule, that are known to be good ones.
        responses: How many responses were looked at.
    """

    good: set[tuple[str, bytes]] = field(default_factory=set)
    responses: int = 0
    _new: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    _faults: list[str] = field(default_factory=list)

    def see(self, rule: str, response: bytes) -> None:
        """Take in a response whose literals are empty."""
        self.responses += 1
        try:
            key = rule, shape(response)
        except ValueError as error:
            self.fault(str(error), response)
            return
        if key not in self.good:
            self._new.setdefault(key, response)

    def fault(self, wrong: str, response: bytes) -> None:
        """Note what is wrong with a response."""
        self._faults.append(f"{wrong}: {response!r:.600}")

    def take_faults(self) -> list[str]:
        """Return what was wrong since they were last taken.

        A shape that was seen several times is one fault.
        """
        new, self._new = self._new, {}
        if new:
            # Only a run that hears a server pays for reading the grammar.
            grammar = importlib.import_module("tests.support.imap_grammar")
            for (rule, text), response in new.items():
                if grammar.parses(rule, _without_depth(text, grammar.parses)):
                    self.good.add((rule, text))
                else:
                    self.fault(f"no {rule}", response)
        faults, self._faults = self._faults, []
        return faults


SHAPES: Final = Shapes()


def shape(response: bytes) -> bytes:
    """Return a response that is valid just if ``response`` is.

    Raises:
        ValueError: A number is larger than any that IMAP has.
    """
    head = _TAG.match(response)
    if head and head[0] not in {b"*", b"+"}:
        response = b"a" + response[head.end() :]
    if condition := _CONDITION.fullmatch(response):
        begin, code, text = condition.groups()
        text = b"text" if text else b""
        response = begin + b" " + (code or b"") + text + b"\r\n"
    response = _NAMED.sub(_without_digits, response)
    response = _TERMINAL.sub(_stand_in, response)
    response = _MANY_NUMBERS.sub(rb"\1 1", response)
    if response.startswith(b"* THREAD "):
        response = _MANY_THREADS.sub(_few_threads, response)
    return _MANY_RANGES.sub(b"1,1", response)


def _few_threads(found: re.Match[bytes]) -> bytes:
    return b"(1)(1)" if found[0].startswith(b"(") else b"1 1"


def _without_digits(found: re.Match[bytes]) -> bytes:
    return found[1] + re.sub(rb"[0-9]+", b"1", found[2])


def _stand_in(found: re.Match[bytes]) -> bytes:
    number, quoted = found["number"], found["quoted"]
    if number is not None:
        if int(number) > _LARGEST:
            raise ValueError("a number of more than 63 bits")
        return b"1"
    if _DATE.fullmatch(quoted):
        return b'"11-Jan-2011 11:11:11 +0000"'
    if quoted.upper() in _MEDIA:
        return b'"' + quoted.upper() + b'"'
    size = len(quoted) - quoted.count(b"\\\\") - quoted.count(b'\\"')
    return b'"' + b"xx"[: min(size, 2)] + b'"'


def _without_depth(text: bytes, parses: Callable[[str, bytes], bool]) -> bytes:
    """Put a shallow body for each deep one: nothing but a body reads as one."""
    opened: list[int] = []
    kept = bytearray()
    for piece in re.split(rb"([()])", text):
        kept += piece
        if piece == b"(":
            opened.append(len(kept) - 1)
        elif piece == b")" and opened:
            at = opened.pop()
            if len(opened) >= _DEEP and parses("body", bytes(kept[at:])):
                kept[at:] = _BODY
    return bytes(kept)


def _in_ascii(quoted: re.Match[bytes]) -> bytes:
    """Put an "x" for each character that is not ASCII, if it is UTF-8."""
    try:
        return quoted[0].decode().encode("ascii", "replace").replace(b"?", b"x")
    except UnicodeDecodeError:
        return quoted[0]


@dataclass
class ResponseChecker:
    """Cuts what one connection hears into responses, and checks each.

    What it finds waits in ``shapes``, since whoever writes to a connection is the
    server, which would take an exception for one of its own.
    """

    shapes: Shapes = field(default_factory=lambda: SHAPES)
    _unread: bytearray = field(default_factory=bytearray)
    _begun: bytes = b""
    _searched: int = 0
    _skip: int = 0
    _binary: bool = False
    _greeted: bool = False
    _deaf: bool = False
    _utf8: bool = False

    def receive(self, data: bytes) -> None:
        """Take in what the server says next, in pieces of any size."""
        if self._deaf:
            return
        self._unread += data
        while self._skip_literal() and (line := self._line()) is not None:
            self._begun += line
            literal = _LITERAL.search(line)
            if literal and not _CONDITION.fullmatch(self._begun):
                self._skip = int(literal[1])
                self._binary = line[: literal.start()].endswith(b"~")
            else:
                self._check(self._begun)
                self._begun = b""

    def stop(self) -> None:
        """Listen no more: what follows is encrypted or compressed."""
        self._deaf = True

    def _skip_literal(self) -> bool:
        """Drop the octets of a literal; say whether all of it is there."""
        taken = self._unread[: self._skip]
        if not self._binary and 0 in taken:
            self.shapes.fault("NUL in a literal", self._begun)
        del self._unread[: self._skip]
        self._skip -= len(taken)
        return not self._skip

    def _line(self) -> bytes | None:
        end = self._unread.find(b"\r\n", max(0, self._searched - 1))
        if end < 0:
            self._searched = len(self._unread)
            return None
        line = bytes(self._unread[: end + 2])
        del self._unread[: end + 2]
        self._searched = 0
        return line

    def _check(self, response: bytes) -> None:
        if _ENABLES_UTF8.match(response):
            self._utf8 = True
        if self._utf8:
            response = _QUOTED_UTF8.sub(_in_ascii, response)
        rule = _RULES.get(response[:1], "response-tagged")
        if not self._greeted:
            self._greeted, rule = True, "greeting"
        self.shapes.see(rule, response)
