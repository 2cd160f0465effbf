"""What this process gives up for good when it begins to serve.

A server that is made to run somebody else's code, or dies of it, should have
less to offer than its user has.
"""

import ctypes
from typing import Final

# prctl(2), linux/prctl.h.
_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVS: Final = 38


def harden() -> None:
    """Leave no core, and let nothing that we start gain privileges.

    A core would hold mail and passwords; without one, only root can read our
    memory (ptrace), whoever our user is. To be called when the process has become
    the user that it stays, since the kernel forgets the first as it changes, and
    before it starts threads: those that numpy (OpenBLAS) has made by then may gain
    privileges, but run nothing. Where the kernel is not Linux's nothing happens.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    # All five are longs, and the kernel looks at them.
    for option, value in ((_SET_DUMPABLE, 0), (_SET_NO_NEW_PRIVS, 1)):
        prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))
