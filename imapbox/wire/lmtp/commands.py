r"""Commands: ``MAIL FROM:<jane@example.org> SIZE=1024``.

RFC 5321 §4.1.2, with the letters that RFC 6531 §3.3 adds::

    Reverse-path  = Path / "<>"
    Forward-path  = Path
    Path          = "<" [ A-d-l ":" ] Mailbox ">"
    A-d-l         = At-domain *( "," At-domain )
    Mailbox       = Local-part "@" ( Domain / address-literal )
    Local-part    = Dot-string / Quoted-string
    Quoted-string = DQUOTE *QcontentSMTP DQUOTE

We read more than that, because a refusal here sends mail back for a matter of
spelling: dots anywhere in a Dot-string, "_" in a Domain, a Mailbox without a
domain, a blank after the colon, and UTF-8 without the parameter SMTPUTF8.
Controls are never let through, the C1 and the line separators of Unicode
neither. The route (A-d-l) is dropped, and quotes that aren't needed too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

# RFC 5321 §4.5.3.1.3 asks for 256 at least. Our header lines hold a path whole.
MAX_PATH: Final = 500
MAX_NAME: Final = 255
# What a client may tell with XFORWARD.
XFORWARDED: Final = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")


class Verb(Enum):
    """The commands of LMTP. RFC 2033 §4, RFC 3030 §2, RFC 5321 §4.1.1."""

    LHLO = "LHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BDAT = "BDAT"
    XFORWARD = "XFORWARD"
    RSET = "RSET"
    NOOP = "NOOP"
    VRFY = "VRFY"
    HELP = "HELP"
    QUIT = "QUIT"


@dataclass(frozen=True, slots=True)
class Lhlo:
    """The client says its name: whatever it calls itself."""

    name: str

    verb = Verb.LHLO


@dataclass(frozen=True, slots=True)
class Mail:
    """A message begins.

    Attributes:
        reverse_path: Where failures are told, or "".
        size: In octets, as the client thinks; None if it doesn't say.
        smtputf8: Whether addresses and header may be UTF-8. RFC 6531.
    """

    reverse_path: str
    size: int | None
    smtputf8: bool

    verb = Verb.MAIL


@dataclass(frozen=True, slots=True)
class Rcpt:
    """The message is for this one, too."""

    forward_path: str

    verb = Verb.RCPT


@dataclass(frozen=True, slots=True)
class Bdat:
    """Octets of the message follow the command. RFC 3030 §2.

    Attributes:
        size: How many.
        last: Whether the message ends with them.
    """

    size: int
    last: bool

    verb = Verb.BDAT


@dataclass(frozen=True, slots=True)
class Xforward:
    """What the client knows of where the next message comes from.

    Postfix's own: https://www.postfix.org/XFORWARD_README.html.

    Attributes:
        attributes: By name, upper case; None for what the client doesn't know.
    """

    attributes: Mapping[str, str | None]

    verb = Verb.XFORWARD


@dataclass(frozen=True, slots=True)
class Bare:
    """A command that says nothing but its name."""

    verb: Verb


Command: TypeAlias = Lhlo | Mail | Rcpt | Bdat | Xforward | Bare


class BadCommand(Exception):
    """A line that is no command of ours."""


class UnknownCommand(BadCommand):
    """The line begins with no word that we know."""


class BadArguments(BadCommand):
    """What follows the command is not what belongs there."""


class BadChunkSize(BadCommand):
    """How long a chunk is can't be told."""


class BadReversePath(BadCommand):
    """The sender's address can't be read."""


class BadForwardPath(BadCommand):
    """The recipient's address can't be read."""


class UnknownParameter(BadCommand):
    """A parameter that we did not offer."""


_letter = r"\u00a0-\u2027\u202a-\U0010ffff"
_atext = rf"A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~{_letter}"
_dot_string = rf"[{_atext}.]+"
_quoted_string = rf'"(?:[ !#-\[\]-~{_letter}]|\\[ -~])*"'
_sub_domain = rf"[A-Za-z0-9_\-{_letter}]+"
_domain = rf"(?:{_sub_domain}(?:\.{_sub_domain})*|\[[!-Z^-~]+\])"
_route = rf"@{_domain}(?:,@{_domain})*:"
_PATH = re.compile(
    rf" ?<(?:{_route})?"
    rf"(?P<local>{_dot_string}|{_quoted_string})(?P<at_domain>@{_domain})?>"
)
_NULL = re.compile(r" ?<>")
_DOT_STRING = re.compile(_dot_string)
_QUOTED_PAIR = re.compile(r"\\(.)")
# A chunk of up to a petabyte is read away, if somebody sends it.
_BDAT = re.compile(r"(?P<size>[0-9]{1,15})(?P<last> LAST)?", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{1,20}")
_XTEXT = re.compile(r"(?:[^+]|\+[0-9A-Fa-f]{2})+")
_HEX = re.compile(rb"\+([0-9A-Fa-f]{2})")
_UNAVAILABLE: Final = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})


def parse_command(line: bytes) -> Command:
    """Read a whole command line, without its CRLF.

    Raises:
        BadCommand: It is none; the class says why.
    """
    word, _, rest = line.partition(b" ")
    read = _READERS.get(word.upper())
    if read is None:
        raise UnknownCommand(line)
    try:
        # RFC 5321 §4.1.1 wants trailing blanks to be tolerated.
        return read(rest.decode().rstrip(" \t"))
    except UnicodeDecodeError:
        raise (BadChunkSize if read is _bdat else BadArguments)(line) from None


def _lhlo(text: str) -> Lhlo:
    name = text.strip(" ")
    if not 0 < len(name) <= MAX_NAME:
        raise BadArguments("LHLO")
    return Lhlo(name)


def _mail(text: str) -> Mail:
    path = _after("FROM:", text)
    if null := _NULL.match(path):
        reverse_path, rest = "", path[null.end() :]
    else:
        reverse_path, rest = _path(path, BadReversePath)
    size = None
    smtputf8 = False
    for keyword, value in _parameters(rest).items():
        if keyword == "SIZE" and _DIGITS.fullmatch(value):
            size = int(value)  # RFC 1870 §3
        elif keyword == "SMTPUTF8" and not value:
            smtputf8 = True  # RFC 6531 §3.1
        elif keyword == "BODY" and value.upper() in {"7BIT", "8BITMIME"}:
            pass  # RFC 6152 §2: octets are octets to us
        elif keyword in {"SIZE", "SMTPUTF8", "BODY"}:
            raise BadArguments(keyword)
        else:
            raise UnknownParameter(keyword)
    return Mail(reverse_path, size, smtputf8)


def _rcpt(text: str) -> Rcpt:
    forward_path, rest = _path(_after("TO:", text), BadForwardPath)
    if _parameters(rest):
        raise UnknownParameter(rest)
    return Rcpt(forward_path)


def _bdat(text: str) -> Bdat:
    match = _BDAT.fullmatch(text)
    if match is None:
        raise BadChunkSize(text)
    return Bdat(int(match["size"]), match["last"] is not None)


def _xforward(text: str) -> Xforward:
    attributes: dict[str, str | None] = {}
    for word in filter(None, text.split(" ")):
        name, _, value = word.partition("=")
        if name.upper() not in XFORWARDED or name.upper() in attributes:
            raise BadArguments(word)
        attributes[name.upper()] = _xtext(value)
    if not attributes:
        raise BadArguments("XFORWARD")
    return Xforward(attributes)


def _xtext(text: str) -> str | None:
    """Decode an attribute's value; None if it says that there is none.

    RFC 3461 §4: octets that have no place in a value are written as "+2B".
    """
    if text.upper() in _UNAVAILABLE:
        return None
    if not _XTEXT.fullmatch(text):
        raise BadArguments(text)
    octets = _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    value = octets.decode("utf-8", "backslashreplace")
    if not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise BadArguments(text)
    return value


def _after(keyword: str, text: str) -> str:
    if text[: len(keyword)].upper() != keyword:
        raise BadArguments(keyword)
    return text[len(keyword) :]


def _path(text: str, bad: type[BadCommand]) -> tuple[str, str]:
    """Return the Mailbox of the Path that ``text`` begins with, and the rest."""
    path = _PATH.match(text)
    if path is None or len(text[: path.end()].encode()) > MAX_PATH:
        raise bad(text)
    local, at_domain = path["local"], path["at_domain"] or ""
    if local.startswith('"'):
        # RFC 5321 §4.1.2: "jane"@example.org is jane@example.org.
        unquoted = _QUOTED_PAIR.sub(r"\1", local[1:-1])
        if _DOT_STRING.fullmatch(unquoted):
            local = unquoted
    return local + at_domain, text[path.end() :]


def _parameters(text: str) -> Mapping[str, str]:
    if text and not text.startswith(" "):
        raise BadArguments(text)
    parameters: dict[str, str] = {}
    for word in text.split():
        keyword, _, value = word.partition("=")
        if keyword.upper() in parameters:
            raise BadArguments(word)
        parameters[keyword.upper()] = value
    return parameters


def _nothing(verb: Verb) -> Callable[[str], Bare]:
    def read(text: str) -> Bare:
        if text:
            raise BadArguments(verb.value)
        return Bare(verb)

    return read


def _anything(verb: Verb) -> Callable[[str], Bare]:
    return lambda _: Bare(verb)


# EHLO and HELO are missing on purpose: RFC 2033 §4.1 wants 500 for them.
_READERS: Final[Mapping[bytes, Callable[[str], Command]]] = {
    b"LHLO": _lhlo,
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _nothing(Verb.DATA),
    b"BDAT": _bdat,
    b"XFORWARD": _xforward,
    b"RSET": _nothing(Verb.RSET),
    b"NOOP": _anything(Verb.NOOP),
    b"VRFY": _anything(Verb.VRFY),
    b"HELP": _anything(Verb.HELP),
    b"QUIT": _nothing(Verb.QUIT),
}
