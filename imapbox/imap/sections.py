"""Header and text of a message, by its octets.

The header is everything up to and including the first empty line; a message
without one is all header. Lines end in CRLF; those that end in LF alone were
appended by clients that could not know better, and are taken for lines too.

See Also:
    RFC 9051 §6.4.5.1 (sections), RFC 5322 §2.2 (fields, folding).
"""

import re
from collections.abc import Iterator
from typing import Final

from imapbox.wire.imap.fetch_items import Partial

# Nobody's header is longer; what is behind is not searched for fields.
MAX_SEARCHED: Final = 1024 * 1024

_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r?\n")
# A field with its folded lines, or a line that is none. Possessive: a field may
# have half a million lines.
_FIELD = re.compile(rb"([^\n:]*+)(:?)[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+")


def header_end(octets: bytes) -> int | None:
    """Return how long the header of a message is that begins with ``octets``.

    None if they do not reach to its end.
    """
    match = _EMPTY_LINE.search(octets)
    return match.end() if match else None


def select_fields(
    header: bytes, names: tuple[bytes, ...], *, without: bool
) -> Iterator[bytes]:
    """Yield some fields of a header, octet for octet and in their order.

    A header may have many fields: who asks may pause between any two.

    Args:
        header: All of it.
        names: Of the fields, in any case.
        without: Whether the others are wanted.

    Yields:
        The fields with their folded lines, b"" for each that is not wanted,
        and an empty line, unless the header ends without one (RFC 9051
        §6.4.5.1: a message that has no body and no blank line).
    """
    wanted = frozenset(name.lower() for name in names)
    chosen = b"\n"
    is_closed = is_cut = len(header) >= MAX_SEARCHED
    for field in _FIELD.finditer(header, 0, min(len(header), MAX_SEARCHED)):
        text = field[0]
        if text in {b"", b"\r\n", b"\n"}:
            is_closed = is_cut or bool(text)
            break
        is_named = bool(field[2]) and field[1].rstrip(b" \t").lower() in wanted
        if is_named is without:
            yield b""
        else:
            chosen = text
            yield chosen
    if is_cut and not chosen.endswith(b"\n"):
        yield b"\r\n"
    if is_closed:
        yield b"\r\n"


def cut(extent: range, partial: Partial | None) -> range:
    """Return the part of ``extent`` that is asked for; perhaps nothing."""
    if partial is None:
        return extent
    return extent[partial.start : partial.start + partial.length]
