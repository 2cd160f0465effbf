"""What disks, administrators and backups do to files."""

import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.damage.specimen import Specimen, Tree

# Which files of an account are damaged, and how often.
PARTS: Final = ("log", "head", "snap", "account log", "account head")
_SHARES: Final = (8, 3, 4, 4, 2)
_BLOCKS: Final = (1, 8, 64, 512, 4096)


class Mutation(NamedTuple):
    """What was done to a tree.

    Attributes:
        part: One of `PARTS`.
        kind: One of `KINDS`.
        path: The file.
        before: Its octets.
        after: Its octets now; None: it is gone.
    """

    part: str
    kind: str
    path: str
    before: bytes
    after: bytes | None


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


KINDS: Final[dict[str, Callable[[_Case], bytes | None]]] = {
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
}
_RARE: Final = {"empty": 0.15, "missing": 0.15}


def mutate(
    chance: random.Random, own: Specimen, others: Sequence[Specimen]
) -> Mutation:
    """Return something that may happen to a specimen's files."""
    while True:
        (part,) = chance.choices(PARTS, _SHARES)
        paths = [path for path in own.tree if _part_of(path, own) == part]
        if not paths:
            continue
        path = chance.choice(paths)
        weights = [_RARE.get(kind, 1.0) for kind in KINDS]
        (kind,) = chance.choices(list(KINDS), weights)
        content = own.tree[path]
        after = KINDS[kind](_Case(chance, path, content, own, others))
        if after != content:
            return Mutation(part, kind, path, content, after)


def _part_of(path: str, specimen: Specimen) -> str | None:
    directory, _, name = path.rpartition("/")
    part = name.partition(".")[0]
    if part not in {"log", "head", "snap"} or ".cut." in name:
        return None
    if directory == "account":
        return f"account {part}"
    wanted = {f"mailboxes/{each.hex()}" for each in specimen.ids.values()}
    return part if directory in wanted else None


def applied(tree: Tree, mutations: Sequence[Mutation]) -> dict[str, bytes]:
    """Return a tree to which something happened."""
    damaged = dict(tree)
    for mutation in mutations:
        if mutation.after is None:
            damaged.pop(mutation.path, None)
        else:
            damaged[mutation.path] = mutation.after
    return damaged
