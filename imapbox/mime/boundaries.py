"""The boundaries that a scanner looks for, from the outermost to the innermost.

Each is searched for on its own, by `bytes.find`, and what was found is kept
until the scanner comes there. An inner one is searched for no further than to
where an outer one was found, for there its multipart ends. So no octet is
looked at more than once for each level.

A boundary need not be all of its line (RFC 2046 §5.1.1), so one may be the
beginning of another: the longest that fits is meant, and of two that are the
same the inner one.
"""

from collections.abc import Callable

from imapbox.mime.structure import Part

MAX_LENGTH = 80  # RFC 2046 §5.1.1 allows 70.
# A line end, two hyphens, the boundary, two hyphens, a line end.
LOOK_AHEAD = 2 + 2 + MAX_LENGTH + 2 + 2


class Boundary:
    """One boundary, and where it was last found."""

    __slots__ = ("clear", "found", "needle", "part")

    def __init__(self, text: bytes, part: Part, start: int) -> None:
        self.needle = b"\n--" + text[:MAX_LENGTH]
        self.part = part
        # It is at `found` (-1: nowhere yet), or nowhere before `clear`.
        self.found = -1
        self.clear = start


class Boundaries:
    """The boundaries of all multiparts that are open."""

    def __init__(self) -> None:
        self._open: list[Boundary] = []

    def __len__(self) -> int:
        return len(self._open)

    def add(self, text: bytes, part: Part, start: int) -> None:
        """Look for the boundary of ``part``, from the offset ``start`` on."""
        self._open.append(Boundary(text, part, start))

    def clear(self) -> None:
        """Look for none any more."""
        self._open.clear()

    def close_to(self, boundary: Boundary, *, closing: bool) -> None:
        """Forget all within ``boundary``, and if it closes itself, too."""
        at = self._open.index(boundary)
        del self._open[at if closing else at + 1 :]

    def find(self, data: bytes, base: int, start: int) -> int:
        """Return the offset of the next line feed before a boundary, or -1.

        Args:
            data: What is there of the message.
            base: The offset of its first octet.
            start: The offset from which on to look; it only grows.
        """
        best = -1
        for one in self._open:
            if one.found < start:
                end = len(data) if best < 0 else best - base + len(one.needle)
                at = data.find(one.needle, max(one.clear, start) - base, end)
                if at < 0:
                    one.found = -1
                    one.clear = max(
                        one.clear, base + min(end, len(data)) - len(one.needle) + 1
                    )
                    continue
                one.found = at + base
            if best < 0 or one.found < best:
                best = one.found
        return best

    def at(self, offset: int, line: Callable[[], bytes]) -> Boundary:
        """Return the boundary that is meant at ``offset``, where `find` found one.

        Args:
            offset: Of the line feed before it.
            line: Returns the line behind the hyphens, without its end.
        """
        found = [one for one in reversed(self._open) if one.found == offset]
        if len(found) > 1:
            text = line()
            for one in found:
                if text.removesuffix(b"--") == one.needle[3:] or text == one.needle[3:]:
                    return one
        return max(found, key=lambda one: len(one.needle))
