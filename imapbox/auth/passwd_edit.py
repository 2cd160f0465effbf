"""Changing a passwd-file: for the command line, not for a server."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from imapbox.auth.passwd_lines import can_be_written, with_hash
from imapbox.model.names import UserName


def set_hash(path: Path, user: UserName, hashed: str) -> None:
    """Give ``user`` a password hash, in a new line if there is none.

    Readers see the old file or the new one. On return the new one survives
    power loss. A new file is for its owner only; owner and mode of one that
    exists stay. Waits while somebody else changes a file of this directory.

    Raises:
        ValueError: The name can not stand in a passwd-file.
        OSError: The file can not be read or written.
    """
    if not can_be_written(user):
        raise ValueError(user)
    path = path.resolve()
    with _alone_in(path.parent) as directory:
        try:
            state, content = path.stat(), path.read_bytes()
        except FileNotFoundError:
            state, content = None, b""
        new = path.with_name(f".{path.name}.new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()  # left by a crash: we are alone here
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(with_hash(content, user, hashed))
                if state is not None:
                    os.fchown(descriptor, state.st_uid, state.st_gid)
                    os.fchmod(descriptor, state.st_mode & 0o777)
                file.flush()
                os.fsync(descriptor)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        os.fsync(directory)


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[int]:
    """Keep other writers out. The file itself is replaced: no place for a lock."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
