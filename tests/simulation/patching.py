"""Importing the product with a few of its lines changed.

Within `patched` the rooms that can be changed, and whatever of the tests uses
them, are imported anew from the patched source; afterwards everything is as it
was. A patch whose lines are not there, or are there twice, is an error.
"""

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
# The rooms that mistakes are made in, and what stands on them.
ROOMS: Final[tuple[str, ...]] = (
    "imapbox.index",
    "imapbox.locks",
    "imapbox.mailbox",
    "imapbox.store",
    "tests.simulation",
)
# The machinery below the proofs knows nothing of these rooms, and stays. Only a
# mistake in the calls of the disk reaches all of it.
MACHINERY: Final[tuple[str, ...]] = tuple(
    f"tests.simulation.{name}"
    for name in (
        "crash",
        "disk",
        "explorer",
        "fault",
        "mutants",
        "patching",
        "report",
        "script",
        "touches",
        "walk",
    )
)


class Edit(NamedTuple):
    """Lines of a file below the root, and what to put there."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A mistake that somebody might make.

    Attributes:
        name: What it is.
        file: Below ``imapbox/``.
        old: Lines as they are; they occur once.
        new: Lines as they would be.
        caught_by: The proof that must fail: a module in `tests.simulation` and
            its function.
        also: What else must be changed for it to be a mistake.
        arguments: Of the proof; as few schedules or crashes as find it.
    """

    name: str
    file: str
    old: str
    new: str
    caught_by: str
    also: tuple[tuple[str, str, str], ...] = ()
    arguments: tuple[Any, ...] = ()

    @property
    def edits(self) -> list[Edit]:
        """Return what to change."""
        changes = ((self.file, self.old, self.new), *self.also)
        return [Edit(f"imapbox/{file}", old, new) for file, old, new in changes]

    def try_to_catch(self) -> object:
        """Run the proof on the product with this mistake.

        Returns:
            What the proof reports if it does not see it.

        Raises:
            LookupError: The patch does not apply.
            Exception: It was caught.
        """
        with patched(*self.edits):
            return proof(self.caught_by, *self.arguments)


def patched_source(edits: Sequence[Edit]) -> dict[str, str]:
    """Return the new source of each file.

    Raises:
        LookupError: The old lines are not there exactly once.
    """
    sources: dict[str, str] = {}
    for edit in edits:
        source = sources.get(edit.file) or (ROOT / edit.file).read_text()
        if source.count(edit.old) != 1:
            raise LookupError("the patch does not apply", edit)
        sources[edit.file] = source.replace(edit.old, edit.new)
    return sources


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds the patched modules before anybody else."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = {
            file.removesuffix(".py").replace("/", "."): (str(ROOT / file), source)
            for file, source in sources.items()
        }

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        del path, target
        if fullname not in self._sources:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def get_filename(self, fullname: str) -> str:
        return f"{self._sources[fullname][0]} (patched)"

    def get_data(self, path: str) -> bytes:
        for file, source in self._sources.values():
            if path == f"{file} (patched)":
                return source.encode()
        raise FileNotFoundError(path)


def _fresh_below(edits: Sequence[Edit]) -> Callable[[str], bool]:
    """Return what says whether a module is to be imported anew."""
    if any(edit.file.startswith("imapbox/disk/") for edit in edits):
        every = ("imapbox", "tests.simulation", "tests.support")
        kept = ("tests.simulation.mutants", "tests.simulation.patching")
    else:
        every, kept = ROOMS, MACHINERY
    return lambda name: _is_below(name, every) and not _is_below(name, kept)


def _is_below(name: str, tops: Sequence[str]) -> bool:
    return any(name == top or name.startswith(f"{top}.") for top in tops)


@contextmanager
def patched(*edits: Edit) -> Iterator[None]:
    """Let what is imported within come from the patched source.

    Raises:
        LookupError: A patch does not apply.
    """
    finder = _Finder(patched_source(edits))
    is_fresh = _fresh_below(edits)
    kept = {name: sys.modules.pop(name) for name in [*sys.modules] if is_fresh(name)}
    attributes = [
        (parent, name.rpartition(".")[2], module)
        for name, module in kept.items()
        if (parent := sys.modules.get(name.rpartition(".")[0])) is not None
    ]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if is_fresh(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for parent, name, module in attributes:
            setattr(parent, name, module)


def proof(name: str, *arguments: Any) -> object:
    """Run a proof as it is imported now; return what it reports."""
    module, _, function = name.rpartition(".")
    proofs = importlib.import_module(f"tests.simulation.{module}")
    return getattr(proofs, function)(*arguments)
