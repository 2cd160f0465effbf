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

# In octets, of all messages within one together; see `render_envelope`.
MAX_ADDRESSES: Final = 8 * 1024 * 1024

_CHARSET: Final = b'"charset" "us-ascii"'
_EMPTY: Final = b'("text" "plain" (%b) NIL NIL "7bit" 0 0' % _CHARSET


def render_body(root: Part) -> tuple[bytes, bytes]:
    """Return BODY and BODYSTRUCTURE."""
    body: list[bytes] = []
    structure: list[bytes] = []
    # Parts to begin, or the ends of some, innermost last: no recursion.
    todo: list[Part | tuple[bytes, bytes]] = [root]
    room = MAX_ADDRESSES
    while todo:
        one = todo.pop()
        if isinstance(one, tuple):
            body.append(one[0])
            structure.append(one[1])
            continue
        start = b"(" if one.kind is Kind.MULTIPART else _start(one)
        if one.kind is Kind.MESSAGE:
            envelope = render_envelope(one.parts[0].fields, room)
            room -= len(envelope)
            start += b" %b " % envelope
        body.append(start)
        structure.append(start)
        todo.append(_ends(one))
        todo.extend(reversed(one.parts))
        if one.kind is Kind.MULTIPART and not one.parts:
            todo.append((_EMPTY + b")", _EMPTY + b" NIL NIL NIL NIL)"))
    return b"".join(body), b"".join(structure)


def _start(part: Part) -> bytes:
    """Return what is before the parts in it."""
    content = part.content
    type_, subtype = part.media_type
    if part.kind is Kind.MESSAGE:
        type_, subtype = type_.lower(), subtype.lower()
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
    return b"%b %d" % (start, part.lines) if is_text else start


def _ends(part: Part) -> tuple[bytes, bytes]:
    """Return what is behind the parts in it, without and with extension data."""
    content = part.content
    if part.kind is Kind.MULTIPART:
        end = b" " + string(content.subtype)
        more = _parameters(content.parameters, is_text=False)
    else:
        end = b" %d" % part.lines if part.kind is Kind.MESSAGE else b""
        more = nstring(unfold(content.md5))
    return end + b")", b"%b %b%b)" % (end, more, _extension(content))


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
