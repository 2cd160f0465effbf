"""Which file an error of the operating system is of, where that does not say it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Let errors name ``path``, whatever was said of them."""
    try:
        yield
    except OSError as error:
        error.filename = path
        raise


def path_beneath(root: int, fd: int) -> str | None:
    """Return the path of an open file from an open directory, if it lies there."""
    try:
        above, path = (os.readlink(f"/proc/self/fd/{each}") for each in (root, fd))
    except OSError:
        return None
    above = above.rstrip("/") + "/"
    return path.removeprefix(above) if path.startswith(above) else None
