"""One vocabulary for what was asked of the disk, by the kernel's word or by ours.

`tests.support.strace.parse_strace` makes it from what strace saw of a process,
`Recorder` from the calls that go through a `FileSystem`, simulated or not. Two
lists that are equal say that the one is what the other is said to be.
"""

import errno
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from imapbox.disk.filesystem import FileSystem, Mode

_RANDOM: Final = re.compile(r"[0-9a-f]{32}")
# Clocks, dice and signals: not asked of the disk.
_ELSEWHERE: Final = frozenset({"now", "monotonic", "random", "is_alive"})


class DiskCall(NamedTuple):
    """One call.

    Attributes:
        call: A method of `FileSystem`; from strace also the name of a system
            call that no method makes.
        path: Beneath the store, random names in it replaced by ``<id>``.
        detail: open: the name of the mode; pread: offset, size asked for, size
            got; pwrite: offset, size given, size taken; truncate: size;
            punch: offset, size; exists, try_lock, is_locked: the answer.
        error: The errno's name, or "".
    """

    call: str
    path: str
    detail: tuple[Any, ...] = ()
    error: str = ""


def without_random(path: str) -> str:
    """Return ``path`` as `DiskCall` has it."""
    return _RANDOM.sub("<id>", path)


class Recorder:
    """A `FileSystem` that passes all calls on to another and keeps a list.

    Attributes:
        calls: What went through, in order.
    """

    def __init__(self, filesystem: FileSystem) -> None:
        self.calls: list[DiskCall] = []
        self._filesystem = filesystem
        self._paths: dict[int, str] = {}

    def __getattr__(self, method: str) -> Any:
        passed_on = getattr(self._filesystem, method)
        if not callable(passed_on) or method in _ELSEWHERE:
            return passed_on

        def call(*arguments: Any) -> Any:
            try:
                result = passed_on(*arguments)
            except OSError as error:
                self._note(method, arguments, None, errno.errorcode[error.errno])
                raise
            self._note(method, arguments, result)
            return result

        return call

    def _note(
        self, method: str, arguments: tuple[Any, ...], result: Any, error: str = ""
    ) -> None:
        subject = arguments[0]
        path = self._paths.get(subject, "?") if isinstance(subject, int) else subject
        if method == "open_unnamed":
            path = f"{path}/<id>"
            self._keep("open", path, (Mode.CREATE.name,), error)
            self._keep("unlink", path)
            self._paths[result] = path
        elif method == "allocated":
            self._keep("size", path)
        elif method == "status":
            self._keep("exists", path, (not error,))
        elif method == "same_file":
            self._keep("exists", arguments[1], (True,))
            self._keep("size", path)
        else:
            detail = _DETAIL.get(method, _nothing)(arguments, result)
            self._keep(method, path, detail, error)
            if method == "open" and not error:
                self._paths[result] = path

    def _keep(
        self, call: str, path: str, detail: tuple[Any, ...] = (), error: str = ""
    ) -> None:
        self.calls.append(DiskCall(call, without_random(path), detail, error))


_Detail = Callable[[tuple[Any, ...], Any], tuple[Any, ...]]


def _nothing(_arguments: tuple[Any, ...], _result: Any) -> tuple[Any, ...]:
    return ()


def _answer(_arguments: tuple[Any, ...], result: Any) -> tuple[Any, ...]:
    return (result,)


def _pread(arguments: tuple[Any, ...], result: Any) -> tuple[Any, ...]:
    _, size, offset = arguments
    return (offset, size, None if result is None else len(result))


def _pwrite(arguments: tuple[Any, ...], result: Any) -> tuple[Any, ...]:
    _, data, offset = arguments
    return (offset, len(data), result)


_DETAIL: Final[dict[str, _Detail]] = {
    "open": lambda arguments, _: (arguments[1].name,),
    "pread": _pread,
    "pwrite": _pwrite,
    "truncate": lambda arguments, _: (arguments[1],),
    "punch": lambda arguments, _: arguments[1:],
    "exists": _answer,
    "try_lock": _answer,
    "is_locked": _answer,
}
