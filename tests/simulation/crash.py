"""Every disk that a crash can leave behind a workload.

A killed process leaves the page cache as it was. A power loss leaves what was
synced, and of the rest any subset: writes (in pieces of a sector), holes (each
whole or not at all), the growth of a file, and each name made or removed,
independent of one another. Up to ten
such effects every subset is made; beyond that the prefixes, the singles, the
all-but-ones and 150 random ones.

Three kinds of file are told apart by name. A ``head`` is one sector that is
rewritten in place and never synced: it is found as it was at first, before,
now, torn in the middle, or not at all. A ``lock`` holds hints: it is found as
it was at first or as it is now. A ``snap.*`` is never synced: its writes are
all there, none, all but one or a random half, whatever else is there.

A sync that failed has marked its pages clean (Linux does): what it should have
written may be on the disk or not, whatever is synced later.

See Also:
    fsync(2), "Errors"; P. Rebello et al., "Can Applications Recover from
    fsync Failures?", ATC 2020.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import combinations
from typing import Any, Final, NamedTuple, TypeAlias

from tests.simulation.disk import SimulatedDisk, parent

SECTOR: Final = 512
OUTAGE: Final = 60.0
_DIGEST: Final = 16

Names: TypeAlias = dict[str, int]
Data: TypeAlias = dict[int, bytes | None]
Image: TypeAlias = tuple[Names, Data]


class Crash(NamedTuple):
    """A machine behind a crash, ready to be used.

    Attributes:
        kind: "kill" or "power".
        point: How many entries of the journal came before.
        acknowledged: What was promised until then.
        disk: What was left.
        is_new: Whether none like it was made before. Of power losses that are
            alike only the first is made.
    """

    kind: str
    point: int
    acknowledged: tuple[Any, ...]
    disk: SimulatedDisk
    is_new: bool


@dataclass(slots=True, eq=False)
class _Effect:
    """Something done to one name or one file that the disk may not know."""

    entry: tuple[Any, ...]
    durable: bool = False
    lost: bool = False


@dataclass(slots=True)
class Crashes:
    """All crashes of a workload; iterate over it once.

    Attributes:
        disk: Where it runs. Taken as it is: what is not durable may be lost.
        workload: Makes its calls on ``disk`` and acknowledges.
        kinds: Which crashes are wanted.
        seen: Digests of the images that were made, to be shared between
            several of these if their images are judged alike.
        every_subset_up_to: Of so many effects every subset is made.
        random_subsets: Of more, so many random ones.
        wanted: Says, given a point in the journal, whether to crash there.
    """

    disk: SimulatedDisk
    workload: Callable[[SimulatedDisk], None]
    kinds: tuple[str, ...] = ("kill", "power")
    seen: set[bytes] = field(default_factory=set)
    every_subset_up_to: int = 10
    random_subsets: int = 150
    wanted: Callable[[int], bool] = lambda _point: True
    images: int = 0
    _digests: dict[tuple[str, bytes | None], int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Crash]:
        journal = self.disk.journal
        assert journal is not None
        start = len(journal)
        self.workload(self.disk)
        images = _Images(self.disk, self.every_subset_up_to, self.random_subsets)
        for point, entry in enumerate(journal, 1):
            new = images.take(entry)
            if point <= start or not self.wanted(point):
                continue
            if "kill" in self.kinds:
                yield from self._kills(images, point)
            if "power" in self.kinds:
                yield from self._power_losses(images, point, new)

    def _kills(self, images: "_Images", point: int) -> Iterator[Crash]:
        assert self.disk.journal is not None
        for forgotten, (names, data) in enumerate(images.caches()):
            # Two alike may differ in what a later power loss leaves.
            is_new = self._is_new("kill", images.acknowledged, names, data)
            disk = self._machine(names, data, images)
            disk.durable = self.disk.durable
            disk.promised_before = self.disk.promised_before
            disk.journal = self.disk.journal[:point]
            disk.journal += [("evict",)] * forgotten
            disk.boot = self.disk.boot
            yield Crash("kill", point, images.acknowledged, disk, is_new)

    def _power_losses(
        self, images: "_Images", point: int, new: list[_Effect]
    ) -> Iterator[Crash]:
        for names, data in images.after_power_loss(new):
            if self._is_new("power", images.acknowledged, names, data):
                disk = self._machine(names, data, images)
                disk.settle()
                disk.boot = self.disk.boot + 1
                yield Crash("power", point, images.acknowledged, disk, is_new=True)

    def _is_new(
        self, kind: str, acknowledged: object, names: Names, data: Data
    ) -> bool:
        # A sum, since the order of names says nothing.
        files = sum(self._digest(path, data[names[path]]) for path in names)
        said = f"{kind} {acknowledged} {files}".encode()
        key = blake2b(said, digest_size=_DIGEST).digest()
        if key in self.seen:
            return False
        self.seen.add(key)
        self.images += 1
        return True

    def _digest(self, path: str, content: bytes | None) -> int:
        file = (path, content)
        if file not in self._digests:
            said = f"{path}{'/' if content is None else '='}".encode()
            digest = blake2b(said + (content or b""), digest_size=_DIGEST).digest()
            self._digests[file] = int.from_bytes(digest)
        return self._digests[file]

    def _machine(
        self,
        names: Names,
        data: Data,
        images: "_Images",
    ) -> SimulatedDisk:
        disk = SimulatedDisk(seed=self.disk.seed)
        disk.names = dict(names)
        disk.data = {inode: data[inode] for inode in names.values()}
        disk.next_inode = self.disk.next_inode
        disk.clock = self.disk.clock + OUTAGE
        disk.acknowledged = images.acknowledged
        disk.dead = disk.pids = self.disk.pids
        return disk


class _Images:
    """What is durable, what is not, and the images that follow from it."""

    def __init__(self, disk: SimulatedDisk, every: int, chosen: int) -> None:
        names, data = disk.durable
        self.acknowledged = disk.promised_before
        self._names = dict(names)
        self._data = dict(data)
        self._cached_names = dict(names)
        self._cached_data = dict(data)
        self._effects: list[_Effect] = []
        self._heads: dict[int, list[bytes]] = {}
        self._paths = {inode: path for path, inode in names.items()}
        self._every = every
        self._chosen = chosen
        self._random = random.Random(0)

    def take(self, entry: tuple[Any, ...]) -> list[_Effect]:
        """Follow the journal; return the effects that the entry adds."""
        match entry:
            case ("ack", token):
                self.acknowledged += (token,)
            case ("sync" | "badsync" as kind, inode):
                self._sync(inode, lost=kind == "badsync")
            case ("evict",):
                self._effects = [each for each in self._effects if not each.lost]
                self._cached_names, self._cached_data = self._current()
            case ("syncdir" | "badsyncdir" as kind, path):
                self._sync_directory(path, lost=kind == "badsyncdir")
            case _:
                _apply(entry, self._cached_names, self._cached_data)
                return self._add(entry)
        return []

    def caches(self) -> Iterator[Image]:
        """Return what processes see: with, and without, what a sync lost."""
        yield self._cached_names, self._cached_data
        if any(effect.lost for effect in self._effects):
            yield self._current()

    def _current(self) -> Image:
        names, data = self._build({each for each in self._effects if not each.lost})
        data.update((inode, values[-1]) for inode, values in self._heads.items())
        return names, data

    def after_power_loss(self, new: list[_Effect]) -> Iterator[Image]:
        """Return the possible disks.

        Args:
            new: Effects of the last entry: the disks without any of them were
                returned before.
        """
        pending = [effect for effect in self._effects if not effect.durable]
        hints = {effect for effect in pending if self._is_hint(effect)}
        saved = [effect for effect in pending if self._is_saved(effect)]
        asides = hints.union(saved)
        others = [effect for effect in pending if effect not in asides]
        for number, chosen in enumerate(self._subsets(others)):
            if new and not chosen.intersection(new) and not asides.intersection(new):
                continue
            for some in self._some(saved, number):
                names, data = self._build(
                    chosen | some | hints if number % 2 else chosen | some
                )
                yield from self._with_heads(names, data)

    def _some(self, saved: list[_Effect], number: int) -> Iterator[set[_Effect]]:
        """Return what of the snapshots is there: all, none, all but one, half."""
        if not saved or number % 2:
            yield set(saved)
        if not saved:
            return
        if number % 2:
            yield set(saved) - {saved[number // 2 % len(saved)]}
            return
        yield set()
        names = {each for each in saved if each.entry[0] in {"link", "unlink"}}
        yield names | {each for each in saved if self._random.random() < 0.5}

    def _is_saved(self, effect: _Effect) -> bool:
        kind, what, *_ = effect.entry
        path = what if kind in {"link", "unlink"} else self._paths.get(what, "")
        return path.rpartition("/")[2].startswith("snap.")

    def _add(self, entry: tuple[Any, ...]) -> list[_Effect]:
        if entry[0] == "link":
            _, path, inode, _ = entry
            self._paths[inode] = path
        if entry[0] == "write" and self._is_called(entry[1], "head"):
            inode = entry[1]
            content = self._cached_data[inode]
            values = self._heads.setdefault(inode, [self._data.get(inode) or b""])
            assert content is not None
            values.append(content)
            return []
        new = [_Effect(piece) for piece in self._pieces(entry)]
        self._effects += new
        return new

    def _pieces(self, entry: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if entry[0] != "write" or self._is_called(entry[1], "lock"):
            yield entry
            return
        _, inode, offset, data, old = entry
        end = offset + len(data)
        if end > old:
            yield ("grow", inode, end)
        at = offset
        while at < end:
            after = min(end, (at // SECTOR + 1) * SECTOR)
            piece = data[at - offset : after - offset]
            # Zeros behind the old end are what growth alone brings.
            if at < old or any(piece):
                yield ("write", inode, at, piece, None)
            at = after

    def _is_called(self, inode: int, name: str) -> bool:
        return self._paths.get(inode, "").rpartition("/")[2] == name

    def _is_hint(self, effect: _Effect) -> bool:
        kind, inode, *_ = effect.entry
        old = effect.entry[4] if kind == "write" else 0
        return bool(old) and self._is_called(inode, "lock")

    def _sync(self, inode: int, *, lost: bool) -> None:
        for effect in self._effects:
            if effect.entry[0] in {"write", "punch", "grow", "truncate"}:
                self._settle(effect, lost=lost, here=effect.entry[1] == inode)
        self._fold()
        if inode in self._heads and not lost:
            self._data[inode] = self._heads.pop(inode)[-1]

    def _sync_directory(self, path: str, *, lost: bool) -> None:
        for effect in self._effects:
            if effect.entry[0] in {"link", "unlink"}:
                here = parent(effect.entry[1]) == path
                self._settle(effect, lost=lost, here=here)
        self._fold()

    @staticmethod
    def _settle(effect: _Effect, *, lost: bool, here: bool) -> None:
        if here and lost:
            effect.lost = True
        elif here and not effect.lost:
            effect.durable = True

    def _fold(self) -> None:
        """Forget the effects behind which nothing is uncertain any more.

        Those of one file, or one name, keep their order among themselves.
        """
        uncertain: set[object] = set()
        kept = []
        for effect in self._effects:
            what = effect.entry[1]
            if effect.durable and what not in uncertain:
                _apply(effect.entry, self._names, self._data)
            else:
                uncertain.add(what)
                kept.append(effect)
        self._effects = kept

    def _subsets(self, effects: list[_Effect]) -> Iterator[set[_Effect]]:
        count = len(effects)
        if count <= self._every:
            for size in range(count + 1):
                yield from map(set, combinations(effects, size))
            return
        yield from (set(effects[:end]) for end in range(count + 1))
        yield from ({effect} for effect in effects)
        yield from (set(effects) - {effect} for effect in effects)
        for _ in range(self._chosen):
            yield {effect for effect in effects if self._random.random() < 0.5}

    def _build(self, chosen: set[_Effect]) -> Image:
        names, data = dict(self._names), dict(self._data)
        for effect in self._effects:
            if effect.durable or effect in chosen:
                _apply(effect.entry, names, data)
        for path in [path for path in names if path]:
            above = parent(path)
            while above in names:
                if not above:
                    break
                above = parent(above)
            else:
                del names[path]
        for inode in names.values():
            data.setdefault(inode, b"")
        return names, data

    def _with_heads(self, names: Names, data: Data) -> Iterator[Image]:
        heads = [
            (path, inode)
            for path, inode in names.items()
            if path.rpartition("/")[2] == "head"
        ]
        current = {
            inode: self._heads[inode][-1] for _, inode in heads if inode in self._heads
        }
        yield names, data
        if current:
            yield names, data | current
        for path, inode in heads:
            for value in _unsynced(self._heads.get(inode, [])):
                yield names, data | current | {inode: value}
            yield {p: i for p, i in names.items() if p != path}, data | current


def _unsynced(values: list[bytes]) -> list[bytes]:
    """Return what may be found where ``values`` were written in turn."""
    if not values:
        return []
    found = [values[0]]
    if len(values) > 1:
        old, new = values[-2:]
        middle = len(new) // 2
        torn = [new[:middle] + old.ljust(len(new), b"\0")[middle:]]
        torn.append(old.ljust(len(new), b"\0")[:middle] + new[middle:])
        found += [old, *torn]
    return found


def _apply(entry: tuple[Any, ...], names: Names, data: Data) -> None:
    match entry:
        case ("link", path, inode, is_directory):
            names[path] = inode
            data.setdefault(inode, None if is_directory else b"")
        case ("unlink", path):
            names.pop(path, None)
        case ("grow", inode, size):
            data[inode] = (data.get(inode) or b"").ljust(size, b"\0")
        case ("truncate", inode, size):
            data[inode] = (data.get(inode) or b"")[:size].ljust(size, b"\0")
        case ("write" | "punch", inode, offset, piece, *_):
            old = (data.get(inode) or b"").ljust(offset, b"\0")
            data[inode] = old[:offset] + piece + old[offset + len(piece) :]
