"""What disks, administrators and backups do to files."""

import math
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import Final, NamedTuple

from imapbox.locks.lock_file import NOTE, SLOT_COUNT, SLOTS, Note, Waiter
from tests.damage.odd_files import Odd
from tests.damage.specimen import Specimen, Tree

# Which files of an account are damaged, and how often.
PARTS: Final = (
    *("log", "head", "snap", "account log", "account head"),
    *("lock", "account lock"),
)
LOCKS: Final = ("lock", "account lock")
_SHARES: Final = (8, 3, 4, 4, 2, 1, 1)
_BLOCKS: Final = (1, 8, 64, 512, 4096)


class Mutation(NamedTuple):
    """What was done to a tree.

    Attributes:
        part: One of `PARTS`.
        kind: One of `KINDS`.
        path: The file.
        before: Its octets.
        after: Its octets now, or what is there instead; None: it is gone.
    """

    part: str
    kind: str
    path: str
    before: bytes
    after: bytes | Odd | None


class _Case(NamedTuple):
    """A file to be damaged, and what is at hand for it."""

    chance: random.Random
    path: str
    content: bytes
    own: Specimen
    others: Sequence[Specimen]

    @property
    def used(self) -> int:
        """Return where the zeros at its end begin, most of the time."""
        used = len(self.content.rstrip(b"\0"))
        return used if used and self.chance.random() < 0.95 else len(self.content)

    def place(self) -> int:
        """Return a place in it."""
        return self.chance.randrange(max(1, self.used))

    def block(self) -> tuple[int, int]:
        """Return where a block begins and how long it is; most are aligned."""
        size = self.chance.choice(_BLOCKS)
        start = self.place()
        return (start // size * size if self.chance.random() < 0.7 else start), size


def _flip(case: _Case) -> bytes:
    data = bytearray(case.content)
    for _ in range(case.chance.choice((1, 1, 1, 2, 9))):
        data[case.place()] ^= 1 << case.chance.randrange(8)
    return bytes(data)


def _cut(case: _Case) -> bytes:
    return case.content[: case.place()]


def _empty(_: _Case) -> bytes:
    return b""


def _zero(case: _Case) -> bytes:
    start, size = case.block()
    data = case.content
    return data[:start] + bytes(len(data[start : start + size])) + data[start + size :]


def _noise(case: _Case) -> bytes:
    start, size = case.block()
    data = case.content
    noise = case.chance.randbytes(len(data[start : start + size]))
    return data[:start] + noise + data[start + size :]


def _swap(case: _Case) -> bytes:
    start, size = case.block()
    other = case.place()
    low, high = sorted((start, other))
    size = min(size, high - low, len(case.content) - high)
    data = bytearray(case.content)
    data[low : low + size], data[high : high + size] = (
        data[high : high + size],
        data[low : low + size],
    )
    return bytes(data)


def _double(case: _Case) -> bytes:
    """Write a block over another, or put it in once more."""
    start, size = case.block()
    block = case.content[start : start + size]
    to = case.place()
    rest = to + (len(block) if case.chance.random() < 0.6 else 0)
    return case.content[:to] + block + case.content[rest:]


def _grow(case: _Case) -> bytes:
    size = case.chance.choice((1, 16, 96, 1000, 5000))
    start = case.place()
    garbage = case.chance.choice(
        (
            bytes(size),
            case.chance.randbytes(size),
            case.content[start : start + size],
            case.content,
        )
    )
    end = len(case.content) if case.chance.random() < 0.5 else case.used
    return case.content[:end] + garbage


def _stale(case: _Case) -> bytes:
    """An older copy of all of it, or of a block."""
    older = [
        moment.tree[case.path]
        for moment in case.own.moments
        if moment.tree.get(case.path, case.content) != case.content
    ]
    if not older:
        return _zero(case)
    old = case.chance.choice(older)
    if case.chance.random() < 0.6:
        return old
    start, size = case.block()
    return (
        case.content[:start] + old[start : start + size] + case.content[start + size :]
    )


def _splice(case: _Case) -> bytes:
    """Take all of it, its end, or a block from a file of its kind elsewhere."""
    kind = case.path.rpartition("/")[2].partition(".")[0]
    trees = [case.own.tree, *(other.tree for other in case.others)]
    files = [
        content
        for tree in trees
        for path, content in tree.items()
        if path.rpartition("/")[2].partition(".")[0] == kind and content != case.content
    ]
    if not files:
        return _noise(case)
    other = case.chance.choice(files)
    way = case.chance.random()
    if way < 0.4:
        return other
    start, size = case.block()
    if way < 0.7:
        return case.content[:start] + other[start:]
    return (
        case.content[:start]
        + other[start : start + size]
        + case.content[start + size :]
    )


def _missing(_: _Case) -> None:
    return None


def _odd(case: _Case) -> Odd:
    return case.chance.choice(list(Odd))


def _forged(case: _Case) -> bytes:
    """Let a lock's hints be ours, and everybody wait."""
    if not case.path.endswith("/lock"):
        return case.content
    chance, node = case.chance, socket.gethostname()
    data = bytearray(case.content)
    note = Note(os.getpid(), _moment(chance), node, "\x1b[2J").encode()
    data[NOTE : NOTE + len(note)] = note
    for number in range(chance.choice((1, 3, SLOT_COUNT))):
        pid = chance.choice((1, 2**31 - 1, 2**31, 2**32 - 1, chance.randrange(2**32)))
        slot = Waiter(number, pid, _moment(chance), node).encode()
        start = SLOTS + number * len(slot)
        data[start : start + len(slot)] = slot
    return bytes(data)


def _moment(chance: random.Random) -> float:
    return chance.choice((0.0, time.time(), -1.0, 1e300, math.inf, math.nan))


KINDS: Final[dict[str, Callable[[_Case], bytes | Odd | None]]] = {
    "flipped bits": _flip,
    "cut": _cut,
    "empty": _empty,
    "zeroed block": _zero,
    "noise": _noise,
    "swapped blocks": _swap,
    "doubled block": _double,
    "grown": _grow,
    "stale copy": _stale,
    "splice": _splice,
    "missing": _missing,
    "odd": _odd,
    "forged": _forged,
}
_RARE: Final = {"empty": 0.15, "missing": 0.15, "odd": 0.3}


def all_ways(chance: random.Random) -> list[tuple[str, str]]:
    """Return each part with each kind of damage, in random order."""
    ways = list(product(PARTS, KINDS))
    return chance.sample(ways, len(ways))


def mutate(
    chance: random.Random,
    own: Specimen,
    others: Sequence[Specimen],
    way: tuple[str, str] | None = None,
) -> Mutation:
    """Return something that may happen to a specimen's files.

    Args:
        chance: Of what happens.
        own: The specimen.
        others: What may be mixed up with it.
        way: The part and the kind, if that is possible.
    """
    while True:
        part, kind = way or _some_way(chance)
        way = None
        paths = [path for path in own.tree if _part_of(path, own) == part]
        if not paths:
            continue
        path = chance.choice(paths)
        content = own.tree[path]
        after = KINDS[kind](_Case(chance, path, content, own, others))
        if after != content:
            return Mutation(part, kind, path, content, after)


def _some_way(chance: random.Random) -> tuple[str, str]:
    (part,) = chance.choices(PARTS, _SHARES)
    rare = {} if part in LOCKS else _RARE
    (kind,) = chance.choices(list(KINDS), [rare.get(kind, 1.0) for kind in KINDS])
    return part, kind


def _part_of(path: str, specimen: Specimen) -> str | None:
    directory, _, name = path.rpartition("/")
    part = name.partition(".")[0]
    if part not in {"log", "head", "snap", "lock"} or ".cut." in name:
        return None
    if directory == "account":
        return f"account {part}"
    wanted = {f"mailboxes/{each.hex()}" for each in specimen.ids.values()}
    return part if directory in wanted else None


def applied(tree: Tree, mutations: Sequence[Mutation]) -> dict[str, bytes | Odd]:
    """Return a tree to which something happened."""
    damaged: dict[str, bytes | Odd] = dict(tree)
    for mutation in mutations:
        if mutation.after is None:
            damaged.pop(mutation.path, None)
        else:
            damaged[mutation.path] = mutation.after
    return damaged
