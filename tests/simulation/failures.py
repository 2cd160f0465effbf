"""The ways in which a call fails, and what a client may be told of each."""

import errno
from collections.abc import Collection
from typing import Final, NamedTuple

from tests.simulation.fault import CHANGES, EVERY, LOOKS, OPENINGS, WRITES, Fault

ERRORS: Final = {
    "ENOSPC": errno.ENOSPC,
    "EIO": errno.EIO,
    "EDQUOT": errno.EDQUOT,
    "EFBIG": errno.EFBIG,
    "EMFILE": errno.EMFILE,
    "ENFILE": errno.ENFILE,
    "ENOMEM": errno.ENOMEM,
    "EACCES": errno.EACCES,
    "EINTR": errno.EINTR,
    "EROFS": errno.EROFS,
    "": 0,
}


class Failure(NamedTuple):
    """How calls fail.

    Attributes:
        error: Name of the errno; none: they do not.
        methods: Which calls count.
        short: Half a write is taken first.
        stays: It goes on failing.
    """

    error: str
    methods: frozenset[str] = EVERY
    short: bool = False
    stays: bool = False

    def at(self, number: int, behind: Fault | None = None) -> Fault:
        """Return it for one call, counted from 1, or from behind another."""
        fault = Fault(self.methods, number, ERRORS[self.error], self.short)
        fault.stays = self.stays
        if behind is not None:
            fault.where = lambda _path: behind.fired
        return fault


_ANYWHERE: Final = ("ENOSPC", "EIO", "EDQUOT", "EMFILE", "EINTR")
_UNOPENED: Final = ("EMFILE", "ENFILE", "ENOMEM", "EACCES")
FAILURES: Final = (
    *map(Failure, _ANYWHERE),
    *(Failure(error, stays=True) for error in _ANYWHERE),
    Failure("ENOSPC", WRITES, short=True),
    Failure("ENOSPC", WRITES, short=True, stays=True),
    Failure("EFBIG", WRITES, short=True),
    Failure("EFBIG", WRITES, stays=True),
    Failure("EIO", WRITES, short=True),
    Failure("", WRITES, short=True),
    # As a kernel does it: what was opened stays so, and takes no change.
    Failure("EROFS", CHANGES, stays=True),
    *(Failure(error, OPENINGS) for error in _UNOPENED),
    *(Failure(error, OPENINGS, stays=True) for error in _UNOPENED),
)
# Behind these no call succeeds any more.
NOTHING_WORKS: Final = frozenset(
    failure for failure in FAILURES if failure.methods == EVERY and failure.stays
)
KINDS: Final = {
    methods: [failure for failure in FAILURES if failure.methods == methods]
    for methods in (EVERY, WRITES, CHANGES, OPENINGS)
}

DONE: Final = frozenset({"OK", "250 2.0.0"})
FULL: Final = frozenset({"452 4.3.1", "NO [OVERQUOTA]"})
DAMAGED: Final = frozenset({"451 4.2.1", "NO [CONTACTADMIN]"})
_NO_ROOM: Final = frozenset({"ENOSPC", "EDQUOT", "EFBIG"})
_FAILED: Final = frozenset({"451 4.3.0", "NO [UNAVAILABLE]"})
_READ_ONLY: Final = frozenset({"451 4.3.2", "NO [UNAVAILABLE]"})
_REFUSED: Final = {
    "ENOSPC": FULL,
    "EDQUOT": FULL,
    "EFBIG": FULL,
    "EIO": _FAILED,
    "EMFILE": _FAILED,
    "ENFILE": _FAILED,
    "ENOMEM": _FAILED,
    "EINTR": _FAILED,
    "EACCES": _READ_ONLY,
    "EROFS": _READ_ONLY,
    "": frozenset[str](),
}


def answers(failures: Collection[Failure], failed: set[str]) -> frozenset[str]:
    """Return what may be answered.

    A failed sync is damage whatever it was; so is a write that fails for another
    reason than want of room. Writes that find no room are taken back, and nothing
    is in doubt of what could not be opened.

    Args:
        failures: How calls failed.
        failed: Which did.
    """
    allowed = DONE.union(*(_REFUSED[failure.error] for failure in failures))
    if failed & LOOKS:
        allowed |= _FAILED  # to want room in order to look is strange
    errors = {each.error for each in failures if each.methods != OPENINGS}
    if failed & CHANGES and errors - {"EROFS"}:
        is_taken_back = failed <= WRITES and errors <= _NO_ROOM
        allowed |= frozenset() if is_taken_back else DAMAGED
    return allowed
