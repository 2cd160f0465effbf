"""A client that believes what it is told: its idea of the selected mailbox.

It knows nothing else. Whatever contradicts what it was told before (a message
that can't be there, a UID that changes, a count that shrinks without EXPUNGE)
is the server's fault, and fails.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NUMBERED = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?", re.DOTALL)
_UID = re.compile(rb"\bUID ([0-9]+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_RECENT = "\\Recent"


@dataclass(slots=True)
class ToldMessage:
    """What a client knows of one message; None where it was not told."""

    uid: int | None = None
    flags: frozenset[str] | None = None


@dataclass(slots=True)
class Told:
    """What a client knows of the mailbox that it has selected.

    Attributes:
        messages: In the order of their numbers.
        may_expunge: Whether an EXPUNGE may come now: RFC 9051 §7.5.1.
    """

    messages: list[ToldMessage] = field(default_factory=list)
    may_expunge: bool = True

    def hear(self, responses: Iterable[bytes]) -> None:
        """Obey what the server said."""
        for response in responses:
            found = _NUMBERED.fullmatch(response)
            if found:
                self._obey(int(found[1]), found[2], found[3])

    def unknown(self) -> list[int]:
        """Return the numbers of messages of which UID or flags are not known."""
        return [
            seq
            for seq, message in enumerate(self.messages, start=1)
            if message.uid is None or message.flags is None
        ]

    def _obey(self, number: int, word: bytes, items: bytes | None) -> None:
        if word == b"EXISTS":
            assert number >= len(self.messages), "EXISTS takes no message away"
            missing = number - len(self.messages)
            self.messages += [ToldMessage() for _ in range(missing)]
            return
        assert 1 <= number <= len(self.messages), "a message that is not there"
        if word == b"EXPUNGE":
            assert self.may_expunge, "an EXPUNGE while numbers must not move"
            del self.messages[number - 1]
            return
        message = self.messages[number - 1]
        # What is inside a literal is not ours to read.
        before_literal = (items or b"").partition(b"{")[0]
        if uid := _UID.search(before_literal):
            assert message.uid in {None, int(uid[1])}, "a message's UID never changes"
            message.uid = int(uid[1])
        if flags := _FLAGS.search(before_literal):
            names = frozenset(flags[1].decode().split())
            message.flags = names - {_RECENT}
