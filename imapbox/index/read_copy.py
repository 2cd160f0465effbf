"""Reading a log that is not in use, and that is not to be written to: a copy.

Its head need not be of this start of the machine, and nobody settles it. What
is whole behind its head belongs to it, as where a dead writer left it.
"""

from collections.abc import Callable
from typing import TypeVar

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import NO_COUNTS, Head
from imapbox.index.head_file import head_of
from imapbox.index.lost_head import find_last_segment
from imapbox.index.opening import Folded, fold_up_to
from imapbox.index.read import LogBroken
from imapbox.index.salvage import read_behind
from imapbox.model.errors import MailboxDamaged

S = TypeVar("S", bound=Folded)


def read_copy(directory: str, fold: Callable[[], S]) -> Steps[S]:
    """Return all that a log says.

    Args:
        directory: The log's.
        fold: What it returns takes in the frames.

    Raises:
        MailboxDamaged: It can't be read up to its head.
        FileNotFoundError: There is no log.
    """
    yield from steps.list_directory(directory)
    head = yield from head_of(directory)
    if head is None:
        last = yield from find_last_segment(directory)
        head = Head(0, last, NO_COUNTS)
    try:
        state = yield from fold_up_to(directory, head.position, fold)
        yield from read_behind(directory, head, state.apply)
    except (LogBroken, DamagedOperations) as broken:
        raise MailboxDamaged(directory) from broken
    return state
