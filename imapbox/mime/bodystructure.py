"""BODY and BODYSTRUCTURE, from the tree of parts.

As Dovecot does it, where RFC 9051 leaves it open: text/* always has a charset,
us-ascii if it names none (RFC 2046 §4.1.2); what has no transfer encoding is
"7bit" (RFC 2045 §6.1); a multipart without parts is shown with an empty one, for
the grammar wants at least one; what lies too deep is an application/octet-stream.

See Also:
    RFC 9051 §7.5.2 (BODY, BODYSTRUCTURE), §9 (body).
"""

from typing import Final

from imapbox.mime.envelope import render_envelope, unfold
from imapbox.mime.structure import Content, Kind, Parameters, Part
from imapbox.model.imap_strings import nstring, string

_CHARSET: Final = b'"charset" "us-ascii"'
_EMPTY: Final = b'("text" "plain" (%b) NIL NIL "7bit" 0 0' % _CHARSET


def render_body(root: Part, *, extended: bool) -> bytes:
    """Return BODY, or with ``extended`` BODYSTRUCTURE."""
    chunks: list[bytes] = []
    # Parts to begin, or what ends one, innermost last: no recursion.
    todo: list[Part | bytes] = [root]
    while todo:
        one = todo.pop()
        if isinstance(one, bytes):
            chunks.append(one)
            continue
        chunks.append(b"(" if one.kind is Kind.MULTIPART else _start(one))
        todo.append(_end(one, extended=extended))
        todo.extend(reversed(one.parts))
        if one.kind is Kind.MULTIPART and not one.parts:
            todo.append(_EMPTY + (b" NIL NIL NIL NIL)" if extended else b")"))
    return b"".join(chunks)


def _start(part: Part) -> bytes:
    """Return what is before the parts in it."""
    content = part.content
    type_, subtype = part.media_type
    is_text = type_.lower() == b"text"
    start = b"(%b %b %b %b %b %b %d" % (
        string(type_),
        string(subtype),
        _parameters(content.parameters, is_text=is_text),
        nstring(unfold(content.id)),
        nstring(unfold(content.description)),
        string(content.encoding or b"7bit"),
        len(part.body),
    )
    if part.kind is Kind.MESSAGE:
        return b"%b %b " % (start, render_envelope(part.parts[0].fields))
    return b"%b %d" % (start, part.lines) if is_text else start


def _end(part: Part, *, extended: bool) -> bytes:
    """Return what is behind the parts in it."""
    content = part.content
    if part.kind is Kind.MULTIPART:
        end = b" " + string(content.subtype)
        if extended:
            end += b" " + _parameters(content.parameters, is_text=False)
    else:
        end = b" %d" % part.lines if part.kind is Kind.MESSAGE else b""
        if extended:
            end += b" " + nstring(unfold(content.md5))
    return end + (_extension(content) if extended else b"") + b")"


def _extension(content: Content) -> bytes:
    disposition = languages = b"NIL"
    if content.disposition is not None:
        disposition = b"(%b %b)" % (
            string(content.disposition),
            _parameters(content.disposition_parameters, is_text=False),
        )
    if content.languages:
        languages = b"(%b)" % b" ".join(map(string, content.languages))
    return b" %b %b %b" % (disposition, languages, nstring(unfold(content.location)))


def _parameters(parameters: Parameters, *, is_text: bool) -> bytes:
    if not parameters:
        return b"(%b)" % _CHARSET if is_text else b"NIL"
    pairs = [b"%b %b" % (string(name), string(value)) for name, value in parameters]
    if is_text and all(name.lower() != b"charset" for name, _ in parameters):
        pairs.append(_CHARSET)
    return b"(%b)" % b" ".join(pairs)
