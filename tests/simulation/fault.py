"""Calls that fail on a simulated disk, on cue."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final


def failure(code: int, path: str = "") -> OSError:
    """Return the operating system's own error."""
    return OSError(code, os.strerror(code), path)


@dataclass(slots=True)
class Fault:
    """Makes one call fail, and the disk perhaps stay full behind it.

    Attributes:
        methods: Which calls count.
        number: Which of them fails; the first is 1.
        error: The errno; 0: it fails no further than ``short``.
        short: Half a write is taken first; the call behind it fails.
        full: From then on no file can grow.
        stays: From then on it fails whenever it is called.
        where: Which files' calls count.
        failed: Which calls failed.
    """

    methods: frozenset[str]
    number: int
    error: int
    short: bool = False
    full: bool = False
    stays: bool = False
    where: Callable[[str], bool] = lambda _path: True
    seen: int = 0
    fired: bool = False
    failed: set[str] = field(default_factory=set)


SYNCS: Final = frozenset({"fdatasync", "sync_directory"})
WRITES: Final = frozenset({"pwrite"})
# What a disk does that is broken, and one that is full: each call in turn.
FAILURES: Final = (
    Fault(SYNCS, 1, errno.EIO),
    Fault(WRITES, 1, errno.ENOSPC, short=True),
    Fault(WRITES, 1, errno.EIO),
)
NAMES: Final = frozenset({"open", "make_directory", "unlink"})
# What opens a file or a directory before anything else.
OPENINGS: Final = frozenset(
    {
        "open",
        "sync_directory",
        "list_directory",
        "unlink",
        "make_directory",
        "remove_directory",
    }
)
# Why that fails, and nothing is done: no descriptor, no memory, no permission.
UNOPENED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES)
# What changes nothing.
LOOKS: Final = frozenset(
    {
        "pread",
        "map_privately",
        "size",
        "allocated",
        "exists",
        "status",
        "same_file",
        "list_directory",
        "is_locked",
    }
)
# What a disk that takes no writes refuses, also to who has a file open.
CHANGES: Final = (
    SYNCS
    | WRITES
    | {"make_directory", "unlink", "truncate", "punch", "remove_directory"}
)
EVERY: Final = CHANGES | NAMES | LOOKS | {"try_lock", "unlock", "close"}
