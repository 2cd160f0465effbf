"""The first words of a message, for lists of messages.

From the first text/plain part that has words, or else from the first text/html,
without its tags. Quoted lines are left out, unless there are no others. Looks
at no more than the scanner kept of each text.

See Also:
    RFC 8970 (PREVIEW).
"""

import html
from collections.abc import Iterator
from typing import Final

from imapbox.mime.charsets import decode_text
from imapbox.mime.decode import UnknownCTE, decode_transfer
from imapbox.mime.structure import Part

MAX_CHARACTERS: Final = 200

_FIRST: Final = 1024

_UNSEEN: Final = ("script", "style", "head", "title")
_BLOCKS: Final = ("br", "p", "/p", "div", "/div", "tr", "td", "li", "h1", "h2", "h3")


def make_preview(root: Part) -> str:
    """Return the preview of a message, perhaps empty, in one line."""
    texts = list(_texts(root))
    for wanted, convert in ((b"plain", str), (b"html", strip_tags)):
        for part in texts:
            if part.media_type[1].lower() == wanted:
                # Mostly the first of it will do.
                words = _words(convert(_decode(part, _FIRST)))
                if len(words) < MAX_CHARACTERS // 2 and len(part.beginning) > _FIRST:
                    words = _words(convert(_decode(part, len(part.beginning))))
                if words:
                    return words
    return ""


def _texts(root: Part) -> Iterator[Part]:
    todo = [root]
    while todo:
        part = todo.pop()
        todo.extend(reversed(part.parts))
        if part.beginning:
            yield part


def _decode(part: Part, size: int) -> str:
    try:
        octets = decode_transfer(
            part.beginning[:size], part.content.encoding or b"7bit"
        )
    except UnknownCTE:
        return ""
    return decode_text(octets, part.content.parameter(b"charset") or b"us-ascii")


def _words(text: str) -> str:
    own: list[str] = []
    quoted: list[str] = []
    room = MAX_CHARACTERS
    for line in text.splitlines():
        words = line.lstrip(">").split()
        if line.startswith(">"):
            quoted += words
        elif words:
            own += words
            room -= len(line)
            if room < 0:
                break
    found = " ".join(own or quoted)
    if not found.isprintable():
        found = "".join(filter(str.isprintable, found[: 2 * MAX_CHARACTERS]))
    return found[:MAX_CHARACTERS].strip()


def strip_tags(text: str) -> str:
    """Return what a reader of HTML sees, roughly."""
    first, *pieces = text.split("<")
    seen = [first]
    hidden = ""
    for piece in pieces:
        tag, _, behind = piece.partition(">")
        name = tag.split(maxsplit=1)[0].lower() if tag.strip() else ""
        if hidden:
            hidden = "" if name == "/" + hidden else hidden
        elif name in _UNSEEN:
            hidden = name
            continue
        if not hidden:
            seen += (" " if name.rstrip("/") in _BLOCKS else "", behind)
    return html.unescape("".join(seen))
