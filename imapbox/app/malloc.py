"""How C's malloc gives memory back."""

import ctypes
from typing import Final

# mallopt(3), glibc's malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
# More than one recv() takes (`prompt_transport.READS`), or a record of TLS: a block
# of its own costs 20 us.
_LARGE: Final = 48 * 1024


def keep_little() -> None:
    """Have malloc give back what a large message or answer took.

    Left alone, glibc raises the size from which a block has pages of its own to
    that of each such block that is freed, up to 32 MiB, and gives threads heaps of
    their own: a server that runs for months then holds a heap for each thread, full
    of holes where messages were. Where malloc is another, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, _LARGE)  # being said, it stays
    mallopt(_TRIM_THRESHOLD, _LARGE)
