"""Which names a log's directory may have, of what kind, and whose."""

from typing import Final

from imapbox.disk import steps
from imapbox.disk.filesystem import Status
from imapbox.disk.steps import Steps
from imapbox.index.damage import DAMAGED
from imapbox.index.doubts import DOUBTS
from imapbox.index.head_file import HEAD
from imapbox.index.segment import segment_name, segment_numbers
from imapbox.locks.lock_file import LOCK

_FILES: Final = frozenset({LOCK, HEAD, DAMAGED, DOUBTS})
_OTHERS: Final = 0o077


def is_ours(name: str) -> bool:
    """Say whether a log's directory may have a file of this name."""
    prefix, _, rest = name.partition(".")
    return (
        name in _FILES
        or name in {segment_name(number) for number in segment_numbers([name])}
        or (prefix == "log" and ".cut." in rest)
        or prefix == "snap"
    )


def check_status(
    path: str, owner: int, *, is_directory: bool = False
) -> Steps[list[str]]:
    """Return what is wrong with a name's kind, permissions and owner."""
    status = yield from steps.status(path)
    if not (status.is_directory if is_directory else status.is_file):
        return ["this is no directory" if is_directory else "this is no file"]
    return wrong_access(status, owner)


def wrong_access(status: Status, owner: int) -> list[str]:
    """Return what is wrong with permissions and owner."""
    wrong = []
    if status.mode & _OTHERS:
        wrong.append(f"it is open to other users: mode {status.mode:04o}")
    if status.owner != owner:
        wrong.append(f"it belongs to user {status.owner}, the store to {owner}")
    return wrong
