"""Checking one log, on a disk on which others are at work.

Nothing is written, and no lock is taken: what a lock's holder is writing lies
behind the head, and what is below the head never changes. Only the beginning of
a log can move, when compaction removes segments; then it is begun anew.

What is behind the head, or all of it if there is no head, may be half done at any
moment. It is believed only if nobody is writing; what looks like damage there, only
if a second look finds the very same, since a writer may have come and gone.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from imapbox.disk import steps
from imapbox.disk.steps import Pause, Steps
from imapbox.index.check_look import Look, Moved
from imapbox.index.checked_log import CheckedLog, EndingAudit, Finding, Severity
from imapbox.index.read import LogBroken
from imapbox.locks.lock_file import LOCK

_TRIES: Final = 20
# Seconds between two tries; some 7 s in all.
_SHORTEST_WAIT: Final = 0.002
_LONGEST_WAIT: Final = 0.5


A = TypeVar("A", bound=EndingAudit)


def check_log(
    directory: str, make_audit: Callable[[], A], owner: int, *, held: bool = False
) -> Steps[CheckedLog[A]]:
    """Check a log, whoever writes it meanwhile.

    Args:
        directory: The log's.
        make_audit: Makes what takes in its frames.
        owner: Whose all of it should be.
        held: Whether the caller holds the log's lock, so that nobody writes it.

    Raises:
        FileNotFoundError: There is no such directory.
        OSError: The directory can't be read.
    """
    wait = _SHORTEST_WAIT
    before: tuple[list[str], bytes, list[Finding]] | None = None
    lock_is_wrong = False
    of_files: list[Finding] = []
    for _ in range(_TRIES):
        names = sorted((yield from steps.list_directory(directory)))
        checked = CheckedLog(make_audit())
        look = Look(directory, names, checked, owner, held=held)
        saw = None
        if (yield from _succeeds(look)):
            saw = names, look.head_octets, checked.findings
            if look.is_certain or saw == before:
                return checked
        before = saw
        # Whatever moved, there is no lock if there was none.
        lock_is_wrong, of_files = checked.lock_is_wrong, look.of_files
        moment = yield from steps.monotonic()
        wait = min(2 * wait, _LONGEST_WAIT)
        yield Pause(f"{directory}/{LOCK}", moment + wait)
    sentence = "it changed all the time while it was looked at"
    return CheckedLog(
        make_audit(),
        [*of_files, Finding(Severity.UNKNOWN, directory, sentence)],
        unread=sentence,
        lock_is_wrong=lock_is_wrong,
    )


def _succeeds(look: Look[A]) -> Steps[bool]:
    """Look; say whether it means something."""
    try:
        yield from look.run()
    except FileNotFoundError:
        look.miss()
        return not (yield from look.is_busy())
    except (Moved, LogBroken):
        return False
    except OSError as error:
        look.fail(error)
    return True
