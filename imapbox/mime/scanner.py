"""Finds the parts of a message that comes in pieces.

One pass, no line by line: `bytes.find` looks for the next boundary, a regular
expression for the end of a header, `bytes.count` counts lines. Of what was
passed nothing is kept but the tree, the fields that `header` keeps, and the
beginnings of the first texts; of what comes next, less than 100 octets. How the
message is cut into pieces makes no difference.

What is no good MIME is read the way that loses least, and as Dovecot does:

- A message without an empty line is all header.
- A boundary ends whatever is open within its multipart, be it a header.
- A multipart that is not closed ends where its outer one does.
- A multipart without a boundary, or in which it never comes, has no parts.
- Content fields of a message count only beside MIME-Version or Content-Type.
- A container at depth `MAX_DEPTH` is a leaf; the part number `MAX_PARTS`
  goes on to the message's end, with all boundaries that follow.
- Headers are kept up to `MAX_HEADERS` octets, all of them together. What is
  behind has no fields.

See Also:
    RFC 2046 §5.1 (multipart), §5.2.1 (message/rfc822); RFC 5322 §2.1.
"""

import re
from enum import Enum, auto
from typing import Final

from imapbox.mime.boundaries import LOOK_AHEAD, Boundaries
from imapbox.mime.content import read_content
from imapbox.mime.header import read_fields
from imapbox.mime.structure import Kind, Part

MAX_DEPTH: Final = 99
MAX_PARTS: Final = 10_000
MAX_HEADERS: Final = 4 * 1024 * 1024

# For the preview: of one text, and of all.
_BEGINNING: Final = 8 * 1024
_BEGINNINGS: Final = 16 * 1024

_EMPTY_LINE = re.compile(rb"\n\r?\n")
_MIME: Final = frozenset({b"mime-version", b"content-type"})
_MESSAGES: Final = frozenset({b"rfc822", b"global"})
_CR: Final = 13


class _State(Enum):
    HEADER = auto()
    BODY = auto()
    BOUNDARY_LINE = auto()


class Scanner:
    """Reads one message: `feed` it whole or in pieces, then `finish`.

    Inside, a line feed of ours is before the message, at offset -1, so that its
    first line begins like any other.
    """

    def __init__(self) -> None:
        self._root = Part(range(0), range(0), is_message=True)
        # The parts that are open, outermost first; the last one is read.
        self._open = [self._root]
        self._parts = 1
        self._state = _State.HEADER
        self._boundaries = Boundaries()
        self._begins_part = False  # behind this boundary's line
        # What was not read yet, and one octet before.
        self._rest = b"\n"
        self._base = -1  # its offset
        self._at = -1  # nothing is to be found before
        self._passed = 0  # what is before was counted, and kept if need be
        self._lines = 0  # line feeds before `_passed`
        self._header: list[bytes] = []
        self._header_room = MAX_HEADERS
        self._beginning_room = 0
        self._beginnings_room = _BEGINNINGS

    def feed(self, octets: bytes) -> None:
        """Read the next piece of the message, of any size."""
        data = self._rest + octets
        self._read(data, len(data) - LOOK_AHEAD)

    def finish(self) -> Part:
        """Return the message, which ends here. Ask once."""
        self._read(self._rest, len(self._rest))
        data, end = self._rest, self._base + len(self._rest)
        while self._state is _State.HEADER:
            self._end_header(data, end, whole=False)
        self._pass(data, end)
        while self._open:
            self._close(end)
        return self._root

    def _read(self, data: bytes, size: int) -> None:
        """Read what begins in the first ``size`` octets of ``data``."""
        if size <= 1:
            self._rest = data
            return
        limit = self._base + size
        goes_on = True
        while goes_on and self._at < limit:
            if self._state is _State.HEADER:
                goes_on = self._read_header(data, limit)
            elif self._state is _State.BODY:
                goes_on = self._read_body(data, limit)
            else:
                goes_on = self._read_boundary_line(data)
        # Not the last octet: it may be the CR of a boundary's line end.
        self._pass(data, limit - 1)
        self._at = max(self._at, limit)
        self._rest = data[size - 1 :]
        self._base = limit - 1

    def _read_header(self, data: bytes, limit: int) -> bool:
        """Find the end of a header; False if it is not before ``limit``."""
        boundary = self._boundaries.find(data, self._base, self._at)
        stop = limit if boundary < 0 else min(boundary, limit)
        start = self._at - self._base
        found = _EMPTY_LINE.search(data, start, stop - self._base + 2)
        if found and found.start() + self._base < stop:
            self._end_header(data, found.end() + self._base, whole=True)
        elif stop == boundary < limit:
            self._end_header(data, self._line_end(data, boundary), whole=False)
        else:
            return False
        return True

    def _read_body(self, data: bytes, limit: int) -> bool:
        """Find the next boundary; False if it is not before ``limit``."""
        found = self._boundaries.find(data, self._base, self._at)
        if not 0 <= found < limit:
            return False
        self._pass(data, end := self._line_end(data, found))
        start = found - self._base + 1
        boundary = self._boundaries.at(found, lambda: _line(data, start))
        while self._open[-1] is not boundary.part:
            self._close(end)
        behind = start - 1 + len(boundary.needle)
        closing = data.startswith(b"--", behind)
        self._boundaries.close_to(boundary, closing=closing)
        self._begins_part = not closing
        self._beginning_room = 0
        self._state = _State.BOUNDARY_LINE
        self._at = self._base + behind
        return True

    def _read_boundary_line(self, data: bytes) -> bool:
        """Find the end of the line; False if it is not in ``data``."""
        end = data.find(b"\n", self._at - self._base)
        if end < 0:
            self._at = self._base + len(data)
            return False
        self._at = self._base + end
        self._pass(data, self._at + 1)
        self._state = _State.BODY
        if self._begins_part:
            self._begin_part(is_message=False)
        return True

    def _begin_part(self, *, is_message: bool) -> None:
        outer = self._open[-1]
        part = Part(range(self._passed, self._passed), range(0), is_message=is_message)
        part.in_digest = not is_message and outer.content.subtype.lower() == b"digest"
        outer.parts.append(part)
        self._open.append(part)
        self._state = _State.HEADER
        self._parts += 1
        if self._parts >= MAX_PARTS:
            self._boundaries.clear()

    def _end_header(self, data: bytes, end: int, *, whole: bool) -> None:
        """Take the header, which ends at ``end``, and see what follows.

        Args:
            data: From `_base` on.
            end: The offset behind it.
            whole: Whether an empty line ends it.
        """
        self._pass(data, end)
        part = self._open[-1]
        part.header = range(part.header.start, end)
        part.body = range(end, end)
        part.lines = -self._lines
        fields = read_fields(self._take_header())
        if part.is_message:
            part.fields = fields
        if not part.is_message or not _MIME.isdisjoint(fields):
            part.content = read_content(fields)
        if whole:
            self._at = end - 1
        self._state = _State.BODY
        self._begin_body(part, whole=whole)

    def _begin_body(self, part: Part, *, whole: bool) -> None:
        type_ = part.content.type.lower()
        subtype = part.content.subtype.lower()
        if type_ == b"multipart":
            part.opaque = len(self._open) > MAX_DEPTH
            if not part.opaque:
                part.kind = Kind.MULTIPART
                boundary = part.content.parameter(b"boundary")
                if whole and boundary is not None and self._parts < MAX_PARTS:
                    self._boundaries.add(boundary, part, self._at)
        elif (type_ == b"message" and subtype in _MESSAGES) or (
            part.in_digest and not type_
        ):
            part.opaque = len(self._open) > MAX_DEPTH or self._parts >= MAX_PARTS
            if not part.opaque:
                part.kind = Kind.MESSAGE
                self._begin_part(is_message=True)
        elif type_ in {b"", b"text"}:
            self._beginning_room = min(_BEGINNING, self._beginnings_room)

    def _close(self, end: int) -> None:
        """End the innermost part at ``end``, up to where lines were counted."""
        part = self._open.pop()
        part.body = range(part.body.start, end)
        part.lines += self._lines

    def _line_end(self, data: bytes, line_feed: int) -> int:
        """Return where a part ends, behind which a boundary's line begins.

        Never before what was passed: the line end may be that of the part's own
        header, or of the boundary before it.
        """
        at = line_feed - self._base
        end = line_feed - 1 if data[at - 1] == _CR else line_feed
        return max(end, self._passed)

    def _pass(self, data: bytes, to: int) -> None:
        """Count the lines up to ``to``, and keep what is needed later."""
        start, end = self._passed - self._base, to - self._base
        if start >= end:
            return
        self._passed = to
        self._lines += data.count(b"\n", start, end)
        if self._state is _State.HEADER:
            kept = data[start : min(end, start + self._header_room)]
            self._header_room -= len(kept)
            self._header.append(kept)
        elif self._beginning_room:
            kept = data[start : min(end, start + self._beginning_room)]
            self._beginning_room -= len(kept)
            self._beginnings_room -= len(kept)
            self._open[-1].beginning += kept

    def _take_header(self) -> bytes:
        header = b"".join(self._header)
        self._header.clear()
        if self._header_room:
            return header
        # Perhaps cut: a line is kept whole or not at all.
        return header[: header.rfind(b"\n") + 1]


def _line(data: bytes, start: int) -> bytes:
    """Return a boundary's line as far as it is there, without hyphens and end."""
    end = data.find(b"\n", start, start + LOOK_AHEAD - 1)
    return data[start + 2 : end].removesuffix(b"\r") if end >= 0 else b""
