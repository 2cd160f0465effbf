r"""Command lines and message content, taken apart.

A command ends with CRLF, content with CRLF "." CRLF, and nothing else ends
either: who lets a bare LF or CR end a line reads other messages out of the
stream than the server before it did (SMTP smuggling, CVE-2023-51764).

Content comes out as it was before the client stuffed its dots; all its other
octets, NUL and bare CR and LF among them, stay what they are. A chunk of BDAT
is as many octets as was said, and none of them ends anything: RFC 3030 §2.

See Also:
    RFC 5321 §2.3.8 (lines), §4.1.1.4 (only CRLF "." CRLF), §4.5.2 (dots).
"""

from typing import Final, NamedTuple, TypeAlias


class CommandLine(NamedTuple):
    """One line, without its CRLF."""

    text: bytes


class BareLineEnding(NamedTuple):
    """A line that holds a CR or LF of its own. Not a command, whatever it says."""


class Chunk(NamedTuple):
    """Some of a message's octets, at least one."""

    octets: bytes


class ContentEnd(NamedTuple):
    """The message, or a chunk of it, is complete; commands follow."""


Event: TypeAlias = CommandLine | BareLineEnding | Chunk | ContentEnd


class LineTooLong(Exception):
    """A command line went past the limit. Nothing more can be read."""


_CRLF: Final = b"\r\n"
_END: Final = b"\r\n.\r\n"
# What may turn out to be the beginning of `_END`, the longest first.
_BEGINNINGS: Final = tuple(_END[:size] for size in range(len(_END) - 1, 0, -1))


class Framer:
    """Turns bytes into events. Does no I/O and keeps no clock."""

    def __init__(self, *, limit: int) -> None:
        """Begin with commands, of ``limit`` octets at most, CRLF included."""
        self._limit = limit
        self._unread = b""
        self._at = 0
        self._in_content = False
        self._in_chunk = False
        self._chunk_left = 0
        self._ended = False
        self._borrowed = 0

    @property
    def is_between(self) -> bool:
        """Whether the client may have said all that it had to say for now.

        It has not in the middle of a line, of a message or of a chunk.
        """
        in_message = self._in_content or self._in_chunk
        return not in_message and self._at == len(self._unread)

    def receive(self, data: bytes) -> None:
        """Take in what arrived. Ask `next_event` what it completes."""
        self._unread = self._unread[self._at :] + data
        self._at = 0

    def begin_content(self) -> None:
        """Read a message next: what follows is no command, until it ends."""
        # The CRLF of the command ends a line like any other: the first line of
        # the content may be the "." that ends it.
        self._unread = _CRLF + self._unread[self._at :]
        self._at = 0
        self._borrowed = len(_CRLF)
        self._in_content = True

    def begin_chunk(self, size: int) -> None:
        """Read ``size`` octets of a message next, whatever they are."""
        self._in_chunk = True
        self._chunk_left = size

    def next_event(self) -> Event | None:
        """Return the next event, or None until more arrives.

        Call it until it returns None before the next `receive`: then no more
        is held than a line, or a few octets of content.

        Raises:
            LineTooLong: The client sends something that is no command.
        """
        if self._in_chunk:
            return self._next_of_chunk()
        return self._next_content() if self._in_content else self._next_line()

    def _next_of_chunk(self) -> Chunk | ContentEnd | None:
        if not self._chunk_left:
            self._in_chunk = False
            return ContentEnd()
        octets = self._unread[self._at : self._at + self._chunk_left]
        self._at += len(octets)
        self._chunk_left -= len(octets)
        return Chunk(octets) if octets else None

    def _next_line(self) -> CommandLine | BareLineEnding | None:
        end = self._unread.find(_CRLF, self._at)
        size = (len(self._unread) if end < 0 else end + len(_CRLF)) - self._at
        if size > self._limit:
            raise LineTooLong
        if end < 0:
            return None
        line = self._unread[self._at : end]
        self._at = end + len(_CRLF)
        if b"\r" in line or b"\n" in line:
            return BareLineEnding()
        return CommandLine(line)

    def _next_content(self) -> Chunk | ContentEnd | None:
        if self._ended:
            self._ended = self._in_content = False
            return ContentEnd()
        end = self._unread.find(_END, self._at)
        if end < 0:
            known = len(self._unread) - self._held_back()
            following = known
        else:
            # The first CRLF of the end is the content's own.
            known = end + len(_CRLF)
            following = end + len(_END)
            self._ended = True
        # Beginnings of `_END` were held back, so that no CRLF "." lies across
        # the edge of two chunks.
        octets = self._unread[self._at : known].replace(b"\r\n.", _CRLF)
        self._at = following
        if octets:
            octets = octets[self._borrowed :]
            self._borrowed = 0
        if octets:
            return Chunk(octets)
        return self._next_content() if self._ended else None

    def _held_back(self) -> int:
        """Return how many octets at the end may belong to `_END`."""
        for beginning in _BEGINNINGS:
            if self._unread.endswith(beginning, self._at):
                return len(beginning)
        return 0
