"""What a process asked of the store, read from a strace of it.

The strace must have been made with `OPTIONS`, of one process and its threads.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imapbox.disk.filesystem import Mode
from tests.support.disk_calls import DiskCall, without_random

# Descriptors with their paths, no signals, no content, every call on files.
OPTIONS: Final = ("-y", "-s", "0", "-e", "signal=none", "--trace=%file,%desc")

_LINE: Final = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
_UNFINISHED: Final = " <unfinished ...>"
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>")
_CALL: Final = re.compile(
    r"(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+)"
    r"(?:<(?P<opened>[^>]*)>)?(?: (?P<error>E[A-Z]+))?"
)
_FD: Final = re.compile(r"(?P<fd>\d+|AT_FDCWD)<(?P<path>[^>]*)>")
_NAME: Final = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"')
_FLAGS: Final = re.compile(r"\b(O_[A-Z|_]+)")
_ACCESS: Final = ("O_RDONLY", "O_RDWR", "O_CREAT", "O_EXCL")
_MODES: Final = {
    tuple(name for name in _ACCESS if getattr(os, name) & ~os.O_RDONLY & mode.value)
    or ("O_RDONLY",): mode.name
    for mode in Mode
}


@dataclass(frozen=True, slots=True)
class _SystemCall:
    """One whole call, as strace tells it.

    Attributes:
        name: Of the system call.
        fd: The descriptor that it begins with, or -1.
        fd_path: Where that one leads.
        path: What it is about, absolute.
        arguments: All of them, as text.
        result: What it returned; -1 is an error.
        error: The errno's name, or "".
    """

    name: str
    fd: int
    fd_path: str
    path: str
    arguments: str
    result: int
    error: str

    @property
    def numbers(self) -> list[int]:
        """Those of the arguments, from the last, that are numbers."""
        found = []
        for argument in reversed(self.arguments.split(", ")):
            if not argument.isdecimal():
                break
            found.append(int(argument))
        return found[::-1]


def parse_strace(text: str, store: Path) -> list[DiskCall]:
    """Return the calls that touch anything beneath ``store``, in their order.

    What `FileSystem` does with several system calls is one call here, but for
    ``same_file``, which can't be told from ``exists`` and ``size``, nor can
    ``status`` from the one and ``allocated`` from the other, and
    ``open_unnamed``, which is ``open`` and ``unlink``. A system call that no
    method makes keeps its own name.
    """
    return list(_Reader(str(store.resolve())).read(text))


def _system_calls(text: str) -> Iterator[_SystemCall]:
    """Join what was interrupted, and leave out what failed to return."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        if not (parts := _LINE.fullmatch(line)):
            continue
        thread, rest = parts["thread"], parts["rest"]
        if rest.endswith(_UNFINISHED):
            begun[thread] = rest.removesuffix(_UNFINISHED)
            continue
        if resumed := _RESUMED.match(rest):
            rest = begun.pop(thread, "") + rest[resumed.end() :]
        if call := _CALL.match(rest):
            yield _system_call(call)


def _system_call(call: re.Match[str]) -> _SystemCall:
    arguments = call["arguments"]
    at = _FD.match(arguments)
    name = _NAME.search(arguments)
    path = at["path"] if at else ""
    if name and name["name"] and call["name"] not in {"pread64", "pwrite64"}:
        path = str(Path(path, name["name"]))
    return _SystemCall(
        name=call["name"],
        fd=int(at["fd"]) if at and at["fd"] != "AT_FDCWD" else -1,
        fd_path=at["path"] if at else "",
        path=path,
        arguments=arguments,
        result=int(call["result"]),
        error=call["error"] or "",
    )


@dataclass(slots=True)
class _Reader:
    """Reads calls on ``store``; knows which descriptors are directories."""

    store: str
    directories: set[int] = field(default_factory=set)

    def read(self, text: str) -> Iterator[DiskCall]:
        for call in _system_calls(text):
            if self._is_on_a_directory(call):
                continue
            if call.path != self.store and not call.path.startswith(self.store + "/"):
                continue
            path = without_random(os.path.relpath(call.path, self.store))
            yield _METHODS.get(call.name, _unknown)(call, path)

    def _is_on_a_directory(self, call: _SystemCall) -> bool:
        """Say whether ``call`` only serves another one, on a directory."""
        if call.name.startswith("open") and "O_DIRECTORY" in call.arguments:
            self.directories.add(call.result)
            return not call.error
        if call.fd not in self.directories or call.path != call.fd_path:
            return False  # not on a directory, or on a name in it
        if call.name == "close":
            self.directories.discard(call.fd)
        if "F_DUPFD" in call.arguments:
            self.directories.add(call.result)
        # A listing ends with an empty answer.
        ends = call.name == "getdents64" and call.result == 0
        return not ends and call.name != "fsync"


def _unknown(call: _SystemCall, path: str) -> DiskCall:
    return DiskCall(call.name, path, (), call.error)


def _named(method: str) -> Callable[[_SystemCall, str], DiskCall]:
    return lambda call, path: DiskCall(method, path, (), call.error)


def _open(call: _SystemCall, path: str) -> DiskCall:
    flags = set("|".join(_FLAGS.findall(call.arguments)).split("|"))
    mode = _MODES.get(tuple(name for name in _ACCESS if name in flags), "?")
    return DiskCall("open", path, (mode,), call.error)


def _transfer(method: str) -> Callable[[_SystemCall, str], DiskCall]:
    def read(call: _SystemCall, path: str) -> DiskCall:
        size, offset = call.numbers[-2:]
        detail = (offset, size, None if call.error else call.result)
        return DiskCall(method, path, detail, call.error)

    return read


def _stat(call: _SystemCall, path: str) -> DiskCall:
    if call.name == "fstat" or "AT_EMPTY_PATH" in call.arguments:
        return DiskCall("size", path, (), call.error)
    error = "" if call.error == "ENOENT" else call.error
    return DiskCall("exists", path, (not call.error,), error)


def _unlink(call: _SystemCall, path: str) -> DiskCall:
    is_directory = "AT_REMOVEDIR" in call.arguments
    method = "remove_directory" if is_directory else "unlink"
    return DiskCall(method, path, (), call.error)


def _fcntl(call: _SystemCall, path: str) -> DiskCall:
    if "F_OFD_GETLK" in call.arguments:
        return DiskCall("is_locked", path, ("l_type=F_UNLCK" not in call.arguments,))
    if "F_OFD_SETLK," not in call.arguments:
        return _unknown(call, path)
    if "l_type=F_UNLCK" in call.arguments:
        return DiskCall("unlock", path, (), call.error)
    error = "" if call.error in {"EAGAIN", "EACCES"} else call.error
    return DiskCall("try_lock", path, (not call.error,), error)


_METHODS: Final[dict[str, Callable[[_SystemCall, str], DiskCall]]] = {
    "open": _open,
    "openat": _open,
    "openat2": _open,
    "close": _named("close"),
    "pread64": _transfer("pread"),
    "pwrite64": _transfer("pwrite"),
    "fdatasync": _named("fdatasync"),
    "fsync": _named("sync_directory"),
    "fstat": _stat,
    "newfstatat": _stat,
    "ftruncate": lambda call, path: DiskCall(
        "truncate", path, tuple(call.numbers), call.error
    ),
    "fallocate": lambda call, path: DiskCall(
        "punch", path, tuple(call.numbers), call.error
    ),
    "unlinkat": _unlink,
    "mkdirat": _named("make_directory"),
    "getdents64": _named("list_directory"),
    "fcntl": _fcntl,
}
