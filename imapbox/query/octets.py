"""What is asked of a message's octets: any header field, the body, all text.

Nothing here reads. A `Scan` says which octets it wants next and is fed them, so
whoever feeds it may pause between any two pieces, or stop; of a message of any
size it holds a piece and what is decoded of it.

See Also:
    RFC 9051 §6.4.4 (HEADER, BODY, TEXT); `mime.text` decodes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from imapbox.mime.card import Card
from imapbox.mime.casemap import fold
from imapbox.mime.encoded_words import decode_words
from imapbox.mime.text import TextDecoder, stretches
from imapbox.model.criteria import BodyHas, Criterion, FieldHas, TextHas
from imapbox.query.needles import MAX_FIELD, Finder, as_one_line, header_needle, needle

# To decode so many octets, and to look for so many strings in them, takes a
# millisecond or two. Where more are looked for, pieces are smaller.
PIECE: Final = 32 * 1024
_NEEDLES: Final = 32

_FIELD_END = re.compile(rb"\n(?![ \t])")
_NAME = re.compile(rb"([^:\r\n]*?)[ \t]*+:[ \t]*+")

Take = Callable[[bytes], object]


class Scan:
    """Looks into one message for what is wanted of it.

    Attributes:
        found: The keys of what has been found so far.
        absent: The keys of what is known not to be there, before all is read.
    """

    def __init__(
        self, wanted: Mapping[int, Criterion], card: Card, header_size: int
    ) -> None:
        """Make one.

        Args:
            wanted: What is looked for, each with a key: `FieldHas`, `BodyHas`
                and `TextHas`.
            card: The message's.
            header_size: How many octets are our own header lines, which no card
                knows.
        """
        self.found: set[int] = set()
        self.absent: set[int] = set()
        self._take: Take = bytes
        self._piece = PIECE // (1 + len(wanted) // _NEEDLES)
        self._card = card
        self._own = header_size
        self._fields = {
            key: (each.name.lower().encode(), header_needle(each.text))
            for key, each in wanted.items()
            if isinstance(each, FieldHas)
        }
        texts = {
            key: each.text for key, each in wanted.items() if isinstance(each, TextHas)
        }
        bodies = texts | {
            key: each.text for key, each in wanted.items() if isinstance(each, BodyHas)
        }
        self._in_headers = {key: header_needle(text) for key, text in texts.items()}
        self._in_bodies = {key: needle(text) for key, text in bodies.items()}

    def pieces(self) -> Iterator[range]:
        """Yield the octets that are wanted, one piece after the other.

        Counted from the message's first octet, our own header lines' that is.
        The next one is asked for when the last one was fed.
        """
        if self._fields:
            yield from self._read_fields()
        if self._in_bodies:
            yield from self._read_texts()

    def feed(self, octets: bytes) -> None:
        """Look into the piece that was wanted."""
        self._take(octets)

    def _read_fields(self) -> Iterator[range]:
        header = next(stretches(self._card, headers=True)).octets
        fields = _Fields(self._fields, self.found)
        self._take = fields.feed
        yield from self._in_pieces(range(self._own + header.stop))
        fields.finish()
        self.absent |= self._fields.keys() - self.found

    def _read_texts(self) -> Iterator[range]:
        headers = bool(self._in_headers)
        for stretch in stretches(self._card, headers=headers):
            place = stretch.octets
            octets = range(place.start + self._own, place.stop + self._own)
            if stretch.is_header and not place.start:
                octets = range(octets.stop)  # with our own lines, which are before
            yield from self._read_text(octets, stretch.open(), header=stretch.is_header)

    def _read_text(
        self, octets: range, decoder: TextDecoder, *, header: bool
    ) -> Iterator[range]:
        needles = self._in_headers if header else self._in_bodies
        finder = Finder(
            {key: each for key, each in needles.items() if key not in self.found}
        )

        def look(text: str) -> None:
            self.found.update(finder.feed(as_one_line(text) if header else text))

        self._take = lambda piece: look(decoder.feed(piece))
        yield from self._in_pieces(octets)
        look(decoder.finish())

    def _in_pieces(self, octets: range) -> Iterator[range]:
        """Yield at least one, so that who feeds us may pause between stretches."""
        for at in range(0, len(octets) or 1, self._piece):
            yield octets[at : at + self._piece]


class _Fields:
    """Looks for strings in some fields of a header that comes in pieces."""

    def __init__(
        self, wanted: Mapping[int, tuple[bytes, str]], found: set[int]
    ) -> None:
        self._wanted: dict[bytes, list[tuple[int, str]]] = {}
        for key, (name, text) in wanted.items():
            self._wanted.setdefault(name, []).append((key, text))
        self._found = found
        self._rest = b""
        self._is_too_long = False

    def feed(self, octets: bytes) -> None:
        """Take the next piece."""
        octets = self._rest + octets
        *fields, self._rest = _FIELD_END.split(octets)
        if not self._rest and fields:
            # The last one may go on in the next piece.
            self._rest = fields.pop() + b"\n"
        for field in fields:
            self._look(field)
        if len(self._rest) > MAX_FIELD:
            self._look(self._rest)
            self._is_too_long = True
            # Perhaps its end: what comes next tells.
            self._rest = self._rest[-1:]

    def finish(self) -> None:
        """Look at the last field, too."""
        self._look(self._rest)

    def _look(self, field: bytes) -> None:
        if self._is_too_long:  # the rest of one that was looked at
            self._is_too_long = False
            return
        name = _NAME.match(field)
        if name is None:
            return
        wanted = self._wanted.get(name[1].lower(), ())
        if wanted:
            value = field[name.end() :].removesuffix(b"\n").removesuffix(b"\r")
            text = as_one_line(fold(decode_words(value)))
            self._found.update(key for key, each in wanted if each in text)
