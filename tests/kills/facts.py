"""What was said of the facts of bob's account, and what a client is told of them.

Each family has facts of its own, which no other sets, and a mailbox of its own,
which most of them are of.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from tests.support.stage import Connection

ADMINISTRATOR: Final = "0"  # the family that sets quotas
NONE: Final = "none"
NEW: Final = "new"  # any that never was there before
_SIZE: Final = 40  # words
_NOTE: Final = re.compile(rb'/private/comment "([^"]*)"')
_QUOTA: Final = re.compile(
    rb'\* QUOTA "" \(STORAGE [0-9]+ ([0-9]+) MESSAGE [0-9]+ ([0-9]+)\)'
)


@dataclass
class Facts:
    """What each fact must be, and what else it may be.

    Attributes:
        answered: The value that it had last for certain.
        tried: What may have come since, one after the other.
        gone: Values that must not come back.
        said: All that was ever tried, one after the other.
        count: How often anything was answered.
    """

    answered: dict[str, str] = field(default_factory=dict)
    tried: dict[str, list[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    said: dict[str, list[str]] = field(default_factory=dict)
    count: int = 0

    @property
    def families(self) -> list[str]:
        """Return whose facts are known."""
        facts = self.answered.keys() | self.tried.keys()
        return sorted({fact.partition(".")[2] for fact in facts})

    def tries(self, fact: str, value: str) -> None:
        """From now on it may be that."""
        self.said.setdefault(fact, []).append(value)
        self.tried.setdefault(fact, []).append(value)

    def has(self, fact: str) -> None:
        """It was answered that it is what was tried last."""
        self.count += 1
        self._becomes(fact, self.tried[fact][-1], [])

    def now(self, fact: str) -> tuple[int, list[str]]:
        """Return how often another one tried it, and what it may be at this moment."""
        count = len(self.said.get(fact, ()))
        later = tuple(self.tried.get(fact, ()))
        return count, [self._answered(fact), *later]

    def since(self, fact: str, moment: tuple[int, list[str]]) -> list[str]:
        """Return what it may be, or may have been since a moment."""
        count, may_be = moment
        return may_be + self.said.get(fact, [])[count:]

    def compare(self, there: dict[str, str]) -> None:
        """Hold what is there against what was said, and learn from it."""
        for fact, value in there.items():
            may_be = [self._answered(fact), *self.tried.get(fact, ())]
            is_new = NEW in may_be and value not in self.gone
            assert value in may_be or is_new, (fact, value, may_be)
            at = may_be.index(value if value in may_be else NEW)
            # What a killed process wrote behind that may yet be found in the log.
            self._becomes(fact, value, may_be[at + 1 :])

    def _answered(self, fact: str) -> str:
        return self.answered.get(fact, NEW if fact.startswith("key.") else NONE)

    def _becomes(self, fact: str, value: str, later: list[str]) -> None:
        before = self._answered(fact)
        if value != before:
            self.gone.add(before)
        self.answered[fact] = value
        self.tried[fact] = later


def home_of(family: str) -> str:
    """Return the name of a family's mailbox."""
    return f"home-{family}"


def guest_of(family: str) -> str:
    """Return the user to whom a family gives rights to its mailbox."""
    return f"guest-{family}"


def note_of(mark: str) -> bytes:
    """Return an annotation that shows whether all of it is there."""
    return f"{mark} ".encode() * _SIZE


async def facts_there(client: Connection, family: str) -> dict[str, str]:
    """Return what a client is told of a family's facts.

    Its URLs have a key behind that, if they had none.
    """
    home, guest = home_of(family), guest_of(family)
    url = f"imap://bob@example.org/{home}/;uid=1;urlauth=anonymous"
    noted, listed, subscribed, limited, keyed = [
        b"\r\n".join(await client.command(command.encode()))
        for command in (
            f"GETMETADATA {home} /private/comment",
            f"GETACL {home}",
            f'LSUB "" list-{family}',
            'GETQUOTA ""',
            f'GENURLAUTH "{url}" INTERNAL',
        )
    ]
    note, quota = _NOTE.search(noted), _QUOTA.search(limited)
    mark = note[1].split()[0].decode() if note else NONE
    assert note is None or note[1] == note_of(mark), "a part of an annotation"
    assert quota or b"* QUOTA" not in limited, "a part of a quota"
    assert quota is None or quota[1] == quota[2], "parts of two quotas"
    rights = re.search(rb" %b (\S+)" % guest.encode(), listed)
    token = re.search(rb":internal:([0-9A-Fa-f]+)", keyed)
    assert token, keyed
    facts = {
        f"note.{family}": mark,
        f"rights.{family}": rights[1].decode() if rights else NONE,
        f"subscribed.{family}": "yes" if b"* LSUB" in subscribed else NONE,
        f"key.{family}": token[1].decode(),
    }
    if family == ADMINISTRATOR:
        facts[f"quota.{family}"] = quota[1].decode() if quota else NONE
    return facts


async def rights_there(client: Connection, family: str) -> str:
    """Return what a guest of a family is told of his rights to its mailbox."""
    told = await client.command(
        f'MYRIGHTS "Other Users/bob/{home_of(family)}"'.encode()
    )
    found = re.match(rb'\* MYRIGHTS "[^"]*" (\S+)', told[0])
    return found[1].decode() if found else NONE
