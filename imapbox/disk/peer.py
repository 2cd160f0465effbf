"""A `FileSystem` whose calls another process makes.

``python -m imapbox.disk.peer ROOT`` reads a JSON object a line, makes the call
that it names below ROOT, and answers with a line. It ends with its input, and
the kernel then gives up what it holds.
"""

import errno
import json
import subprocess
import sys
from typing import Any, Final, Self

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.filesystem import Mode

_OCTETS: Final = "octets"
_MODE: Final = "mode"


class Peer:
    """Another process, asked like a file system of one's own."""

    def __init__(self, root: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process, whatever it holds."""
        self._process.kill()
        self._process.communicate()

    def __getattr__(self, method: str) -> Any:
        """Return what makes the call ``method`` over there."""

        def call(*arguments: Any) -> Any:
            return self._call(method, arguments)

        return call

    def _call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError(self._process)
        asked = [method, *map(_wrap, arguments)]
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise OSError(errno.EPIPE, "the other process ended")
        answer = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["strerror"])
        return _unwrap(answer["value"])


def _wrap(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {_OCTETS: value.hex()}
    if isinstance(value, Mode):
        return {_MODE: value.name}
    return value


def _unwrap(value: Any) -> Any:
    if isinstance(value, dict):
        if _MODE in value:
            return Mode[value[_MODE]]
        return bytes.fromhex(value[_OCTETS])
    return value


def serve(root: str) -> None:
    """Make the calls that standard input asks for."""
    files = DiskFileSystem(root)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        try:
            value = getattr(files, method)(*map(_unwrap, arguments))
        except OSError as error:
            said = {"errno": error.errno, "strerror": error.strerror}
        else:
            said = {"value": _wrap(value)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
