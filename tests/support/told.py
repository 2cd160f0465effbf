"""A client that believes what it is told: its idea of the selected mailbox.

It knows nothing else. Whatever contradicts what it was told before (a message
that can't be there, a UID that changes, a count that shrinks without EXPUNGE)
is the server's fault, and fails.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NUMBERED = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?", re.DOTALL)
_BY_UID = re.compile(rb"\* ([0-9]+) UIDFETCH \((.*)\)", re.DOTALL)
_UID = re.compile(rb"\bUID ([0-9]+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_MODSEQ = re.compile(rb"\bMODSEQ \(([0-9]+)\)")
_VANISHED = re.compile(rb"\* VANISHED( \(EARLIER\))? ([0-9,:]+)")
_HIGHEST = re.compile(rb"(?:\* )?OK \[HIGHESTMODSEQ ([0-9]+)\].*")
_RECENT = "\\Recent"


@dataclass(slots=True)
class ToldMessage:
    """What a client knows of one message; None where it was not told."""

    uid: int | None = None
    flags: frozenset[str] | None = None
    modseq: int | None = None


@dataclass(slots=True)
class Told:
    """What a client knows of the mailbox that it has selected.

    Attributes:
        messages: In the order of their numbers.
        may_expunge: Whether an EXPUNGE may come now: RFC 9051 §7.5.1.
        hears_uids: Whether it is told UIDs of what went: RFC 7162 §3.2.10.
        highestmodseq: As it was told last.
    """

    messages: list[ToldMessage] = field(default_factory=list)
    may_expunge: bool = True
    hears_uids: bool = False
    highestmodseq: int = 0

    def hear(self, responses: Iterable[bytes]) -> None:
        """Obey what the server said."""
        for response in responses:
            if found := _NUMBERED.fullmatch(response):
                self._obey(int(found[1]), found[2], found[3])
            elif found := _BY_UID.fullmatch(response):
                self._obey(self._seq_of(int(found[1])), b"FETCH", found[2])
            elif found := _VANISHED.fullmatch(response):
                self._vanish(found[2], earlier=found[1] is not None)
            elif found := _HIGHEST.fullmatch(response):
                assert int(found[1]) >= self.highestmodseq, "it never goes back"
                self.highestmodseq = int(found[1])

    def come_back(self, responses: Iterable[bytes]) -> None:
        """Obey what SELECT said to who held all this: EXISTS counts what is there."""
        told = list(responses)
        earlier = [each for each in told if _VANISHED.fullmatch(each)]
        self.hear(earlier)
        self.hear(each for each in told if each not in earlier)

    def unknown(self) -> list[int]:
        """Return the numbers of messages of which UID or flags are not known."""
        return [
            seq
            for seq, message in enumerate(self.messages, start=1)
            if message.uid is None or message.flags is None
        ]

    def _seq_of(self, uid: int) -> int:
        """Return where a UID is, or was told to be: RFC 9586 §3.3."""
        for seq, message in enumerate(self.messages, start=1):
            if message.uid in {uid, None}:
                message.uid = uid
                return seq
        raise AssertionError("a message that is not there")

    def _obey(self, number: int, word: bytes, items: bytes | None) -> None:
        if word == b"EXISTS":
            assert number >= len(self.messages), "EXISTS takes no message away"
            missing = number - len(self.messages)
            self.messages += [ToldMessage() for _ in range(missing)]
            return
        assert 1 <= number <= len(self.messages), "a message that is not there"
        if word == b"EXPUNGE":
            assert self.may_expunge, "an EXPUNGE while numbers must not move"
            assert not self.hears_uids, "a number to who is told UIDs"
            del self.messages[number - 1]
            return
        message = self.messages[number - 1]
        # What is inside a literal is not ours to read.
        before_literal = (items or b"").partition(b"{")[0]
        if uid := _UID.search(before_literal):
            assert message.uid in {None, int(uid[1])}, "a message's UID never changes"
            message.uid = int(uid[1])
        if modseq := _MODSEQ.search(before_literal):
            assert int(modseq[1]) >= (message.modseq or 0), "a modseq never goes back"
            message.modseq = int(modseq[1])
        if flags := _FLAGS.search(before_literal):
            names = frozenset(flags[1].decode().split())
            message.flags = names - {_RECENT}

    def _vanish(self, uids: bytes, *, earlier: bool) -> None:
        assert self.hears_uids, "UIDs to who is told numbers"
        gone = set()
        for each in uids.split(b","):
            low, _, high = each.partition(b":")
            gone |= set(range(int(low), int(high or low) + 1))
        known = {message.uid for message in self.messages}
        if not earlier:
            assert self.may_expunge, "VANISHED while numbers must not move"
            assert gone <= known, "one vanished that was not there"
        self.messages = [each for each in self.messages if each.uid not in gone]
