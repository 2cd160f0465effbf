"""libcrypt's crypt_r, for hashes made by crypt(3).

Python's own ``crypt`` module is gone from 3.13 on.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Final

_LIBRARIES: Final = ("libcrypt.so.1", "libcrypt.so.2", "libcrypt.so")
# sizeof (struct crypt_data): 32768 in libxcrypt, 131232 in the old glibc.
_SCRATCH_BYTES: Final = 256 * 1024


def crypt(password: bytes, setting: bytes) -> bytes | None:
    """Hash ``password`` as ``setting`` (or a whole hash) says.

    Blocks for milliseconds, without holding the interpreter; safe in threads.

    Returns:
        The hash, or None if the setting or the password is of no use.

    Raises:
        OSError: There is no libcrypt on this system.
    """
    if b"\0" in password or b"\0" in setting:
        return None
    scratch = ctypes.create_string_buffer(_SCRATCH_BYTES)
    hashed = _crypt_r()(password, setting, scratch)
    # What begins with "*" is how libcrypt says no; it must never match.
    return None if hashed is None or hashed.startswith(b"*") else hashed


@cache
def _crypt_r() -> Callable[..., bytes | None]:
    library = _library()
    function = library.crypt_r
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p]
    return function


def _library() -> ctypes.CDLL:
    reason = OSError("no libcrypt")
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            reason = error
    raise reason
