"""What a header says of the body below it.

Read leniently: of a field that is half right, the right half is kept. Where a
field comes twice the first counts.

See Also:
    RFC 2045 §5 to §8, RFC 2183 (Content-Disposition), RFC 3282 and RFC 2557
    (Content-Language, Content-Location), RFC 2231 (parameters).
"""

import re
from itertools import groupby
from typing import Final

from imapbox.mime.header import NAMES
from imapbox.mime.lexer import TOKEN_OCTET, read_quoted, read_token, skip_cfws
from imapbox.mime.structure import NO_CONTENT, Content, Fields, Parameters

_NAMES: Final = frozenset(name for name in NAMES if name.startswith(b"content-"))
# What nearly all are: no comments, nothing quoted within quotes, nothing odd.
_SIMPLE_TYPE = re.compile(
    rb"(%(token)b+)/(%(token)b+)((?:;[ \t\n]*%(token)b+="
    rb'(?:"[^"\\\n]*"|%(token)b+)[ \t]*)*+)' % {b"token": TOKEN_OCTET}
)
_SIMPLE_PARAMETER = re.compile(
    rb';[ \t\n]*(%(token)b+)=(?:"([^"]*)"|(%(token)b+))' % {b"token": TOKEN_OCTET}
)
# RFC 2231 §7: attribute, section, and an asterisk if the value is encoded.
_PIECE = re.compile(rb"([^*]*)\*([0-9]{0,9})(\*?)")
_WORD = re.compile(rb"[^; \t\r\n]+")
_ATOM = re.compile(rb'[^\x00-\x20\x7f()<>@,;:\\".\[\]]+')


def read_content(fields: Fields) -> Content:
    """Return what the Content fields say."""
    if _NAMES.isdisjoint(fields):
        return NO_CONTENT
    type_, subtype, parameters = _content_type(_first(fields, b"content-type"))
    disposition, disposition_parameters = _disposition(
        _first(fields, b"content-disposition")
    )
    return Content(
        type_,
        subtype,
        parameters,
        _encoding(_first(fields, b"content-transfer-encoding")),
        _first(fields, b"content-id"),
        _first(fields, b"content-description"),
        _first(fields, b"content-md5"),
        disposition,
        disposition_parameters,
        _languages(_first(fields, b"content-language")),
        _first(fields, b"content-location"),
    )


def _first(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return values[0] if values else None


def _content_type(value: bytes | None) -> tuple[bytes, bytes, Parameters]:
    if value is None:
        return b"", b"", ()
    if b"*" not in value and (simple := _SIMPLE_TYPE.fullmatch(value)):
        found = _SIMPLE_PARAMETER.findall(simple[3])
        parameters = tuple((name, quoted or token) for name, quoted, token in found)
        return simple[1], simple[2], parameters
    type_, at = read_token(value, skip_cfws(value, 0))
    at = skip_cfws(value, at)
    if not type_ or not value.startswith(b"/", at):
        return b"", b"", ()
    subtype, at = read_token(value, skip_cfws(value, at + 1))
    if not subtype:
        return b"", b"", ()
    return type_, subtype, read_parameters(value, at)


def _disposition(value: bytes | None) -> tuple[bytes | None, Parameters]:
    if value is None:
        return None, ()
    disposition, at = read_token(value, skip_cfws(value, 0))
    return disposition, read_parameters(value, at)


def _encoding(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    encoding, at = read_token(value, skip_cfws(value, 0))
    return encoding if encoding and skip_cfws(value, at) == len(value) else None


def _languages(value: bytes | None) -> tuple[bytes, ...]:
    found: list[bytes] = []
    if value is None:
        return ()
    at = skip_cfws(value, 0)
    while match := _ATOM.match(value, at):
        found.append(match[0])
        at = skip_cfws(value, match.end())
        if not value.startswith(b",", at):
            break
        at = skip_cfws(value, at + 1)
    return tuple(found)


def read_parameters(value: bytes, at: int) -> Parameters:
    """Return the parameters from ``at`` on, as names and values.

    RFC 2045 §5.1. What is no parameter is passed over, up to the next ";".
    """
    plain: list[tuple[bytes, bytes]] = []
    pieces: list[tuple[bytes, int, bool, bytes]] = []
    while (at := value.find(b";", at)) >= 0:
        name, at = read_token(value, skip_cfws(value, at + 1))
        at = skip_cfws(value, at)
        if not name or not value.startswith(b"=", at):
            continue
        text, at = _parameter_value(value, skip_cfws(value, at + 1))
        if text is None:
            continue
        if b"*" in name and (piece := _PIECE.fullmatch(name)):
            number, encoded = int(piece[2] or 0), bool(piece[3] or not piece[2])
            pieces.append((piece[1], number, encoded, text))
        else:
            plain.append((name, text))
    return (*plain, *_join_pieces(pieces)) if pieces else tuple(plain)


def _parameter_value(value: bytes, at: int) -> tuple[bytes | None, int]:
    if value.startswith(b'"', at):
        return read_quoted(value, at)
    if value.startswith(b"=", at):
        # name==?utf-8?b?...?=, an encoded word where none may be.
        word = _WORD.match(value, at)
        return (word[0], word.end()) if word else (None, at)
    return read_token(value, at)


def _join_pieces(pieces: list[tuple[bytes, int, bool, bytes]]) -> Parameters:
    """Put the pieces of long values together. RFC 2231 §3 and §4.1.

    The name of one that is encoded keeps its "*", and its value its encoding:
    RFC 9051 knows names and values only, and clients decode them. Where a piece
    is missing, none are put together.
    """
    joined: list[tuple[bytes, bytes]] = []
    pieces.sort(key=lambda piece: (piece[0].lower(), piece[1]))
    for _, grouped in groupby(pieces, key=lambda piece: piece[0].lower()):
        group = list(grouped)
        name, _, first_encoded, _ = group[0]
        encoded = any(piece[2] for piece in group)
        if [piece[1] for piece in group] != list(range(len(group))):
            for key, number, one_encoded, text in group:
                mark = b"*" if one_encoded else b""
                joined.append((b"%b*%d%b" % (key, number, mark), text))
        elif encoded:
            start = b"" if first_encoded else b"''"
            texts = [
                text if one_encoded else text.replace(b"%", b"%25")
                for _, _, one_encoded, text in group
            ]
            joined.append((name + b"*", start + b"".join(texts)))
        else:
            joined.append((name, b"".join(piece[3] for piece in group)))
    return tuple(joined)
