"""A disk taken apart by its directories, and work that needs a few of them.

The disks that crashes of one workload leave differ in a directory or two. What is
done with directories alone need be done only once for all disks on which these
are alike: `Remembered` knows what it returned, and what it left there. That
nothing else has a say in it is seen to: the work is done on a disk with nothing
else on it, and to ask for anything else is an error.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeAlias, TypeVar

from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, parent

# What is in a directory: files with their content, and directories.
Listing: TypeAlias = frozenset[tuple[str, bytes | None]]
T = TypeVar("T")

_LOOKS: Final = frozenset({"exists", "status"})
_OF_DIRECTORIES: Final = _LOOKS | {"list_directory", "sync_directory", "open_unnamed"}


@dataclass(frozen=True, slots=True)
class Parts:
    """A disk that nobody uses.

    Attributes:
        directories: What is in each.
        seed: As the disk's.
        boot: As the disk's.
        clock: As the disk's.
        dead: As the disk's.
    """

    directories: Mapping[str, Listing]
    seed: int
    boot: int
    clock: float
    dead: frozenset[int]

    @classmethod
    def of(cls, disk: SimulatedDisk) -> Self:
        """Take a disk apart."""
        found: dict[str, list[tuple[str, bytes | None]]] = {}
        for path, inode in disk.names.items():
            content = disk.data[inode]
            if content is None:
                found.setdefault(path, [])
            if path:
                found.setdefault(parent(path), []).append((path, content))
        directories = {path: frozenset(listing) for path, listing in found.items()}
        return cls(directories, disk.seed, disk.boot, disk.clock, disk.dead)

    def without(self, is_unwanted: Callable[[str], bool]) -> Self:
        """Return what is left when all files of some names are gone."""
        left = {
            path: frozenset(
                (file, content)
                for file, content in listing
                if content is None or not is_unwanted(file.rpartition("/")[2])
            )
            for path, listing in self.directories.items()
        }
        return replace(self, directories=left)


class PartOfDisk(SimulatedDisk):
    """A disk with some directories, what leads there, and nothing else.

    Args:
        parts: Where they are from.
        chosen: Which. Those that aren't there are missing.
    """

    def __init__(self, parts: Parts, chosen: tuple[str, ...]) -> None:
        super().__init__(seed=parts.seed, boot=parts.boot)
        self.clock = parts.clock
        self.dead = self.pids = parts.dead
        self.calls = self.journal = None
        self.chosen = frozenset(chosen)
        self.above: set[str] = set()
        for directory in chosen:
            listing = parts.directories.get(directory)
            if listing is not None:
                self._lead_to(directory)
                for path, content in listing:
                    self._put(path, content)

    def process(self, pid: int) -> "_Confined":
        """Return the file system as process ``pid`` sees it."""
        self.pids |= {pid}
        return _Confined(self, pid)

    def listing(self, directory: str) -> Listing | None:
        """Return what is in a directory now; None if it isn't there."""
        if directory not in self.names:
            return None
        return frozenset(
            (path, self.data[inode])
            for path, inode in self.names.items()
            if path and parent(path) == directory
        )

    def _lead_to(self, directory: str) -> None:
        steps = directory.split("/")
        above = ["/".join(steps[:count]) for count in range(len(steps))]
        for path in [*above, directory]:
            self._put(path, None)
        self.above.update(above)

    def _put(self, path: str, content: bytes | None) -> None:
        if path not in self.names:
            self.names[path] = self.next_inode
            self.next_inode += 1
        self.data[self.names[path]] = content


class _Confined(SimulatedFileSystem):
    """A process that may ask for nothing but what is in the chosen directories."""

    disk: PartOfDisk

    def _record(self, method: str, path: str, *numbers: int) -> None:
        disk = self.disk
        assert (
            (path and parent(path) in disk.chosen)
            or (method in _OF_DIRECTORIES and path in disk.chosen)
            or (method in _LOOKS and path in disk.above)
        ), f"{method}({path!r}) is outside of {sorted(disk.chosen)}"
        super()._record(method, path, *numbers)


class Remembered:
    """What came of work on directories, for all that are alike."""

    def __init__(self) -> None:
        self._done: dict[Hashable, tuple[Any, tuple[Listing | None, ...]]] = {}

    def do(
        self,
        parts: Parts,
        chosen: tuple[str, ...],
        work: Callable[..., T],
        *arguments: Hashable,
    ) -> tuple[T, Parts]:
        """Return what comes of some work, and the disk behind it.

        Args:
            parts: The disk.
            chosen: The directories that the work needs.
            work: Called with a `PartOfDisk` and ``arguments``; what it returns must
                not change. What it raises is not remembered.
            arguments: For ``work``.
        """
        before = tuple(map(parts.directories.get, chosen))
        machine = (parts.seed, parts.boot, parts.clock, parts.dead)
        key = (work, arguments, chosen, before, machine)
        if key not in self._done:
            disk = PartOfDisk(parts, chosen)
            value = work(disk, *arguments)
            assert not disk.locks, f"a lock is kept: {disk.locks}"
            self._done[key] = value, tuple(map(disk.listing, chosen))
        value, after = self._done[key]
        if after == before:
            return value, parts
        directories = dict(parts.directories)
        for path, listing in zip(chosen, after, strict=True):
            directories.pop(path, None)
            if listing is not None:
                directories[path] = listing
        return value, replace(parts, directories=directories)
