"""The claims about a machine that is cut off from the file system of the store.

One call says so, once, and what comes behind it seems to succeed, but nobody
else ever sees it.
"""

import errno
from collections.abc import Callable
from typing import Final

from imapbox.model.names import MailboxName
from tests.simulation.disk import SimulatedDisk
from tests.simulation.fault import EVERY, Fault
from tests.simulation.ledger import is_damaged
from tests.simulation.report import CrashReport
from tests.simulation.served import (
    MESSAGE,
    SERVER,
    Served,
    check_between,
    read_mail,
    served_store,
)
from tests.simulation.walk import walk_errors

ERRORS: Final = (errno.ESHUTDOWN, errno.ENOTCONN, errno.ESTALE)
TRASH: Final = MailboxName("Trash")
DONE: Final = frozenset({"OK", "250 2.0.0"})
COMMANDS: Final[dict[str, Callable[[Served], str]]] = {
    "deliver": lambda served: served.deliver(MESSAGE + b" And more."),
    "store": lambda served: served.say(b"STORE 1 +FLAGS (\\Seen)"),
    "move": lambda served: served.say(b"MOVE 1 Trash"),
    "create": lambda served: served.say(b"CREATE Work"),
    "delete": lambda served: served.say(b"DELETE Trash"),
}


def at_each_call(name: str, step: int = 1) -> CrashReport:
    """Cut off at each call of a command: no more is said to be done, none marked.

    Args:
        name: Of the command.
        step: Only each so-many-th call is tried.
    """
    before = served_store(TRASH)
    outcome = before.copy()
    served = Served(outcome)
    assert COMMANDS[name](served) in DONE
    served.end()
    pages = [read_mail(disk.copy().process(40)) for disk in (before, outcome)]
    assert pages[0] != pages[1], f"{name} does nothing"

    def attempt(fault: Fault) -> None:
        disk = before.copy()
        others: list[SimulatedDisk] = []

        def take_notice(_path: str) -> bool:
            if fault.fired and not others:
                others.append(disk.copy())
                others[0].faults = ()
                others[0].kill(SERVER)
            return True

        served = Served(disk)
        fault.where = take_notice
        disk.faults = (fault,)
        answer = COMMANDS[name](served)
        if fault.fired:
            for again in (COMMANDS[name], lambda it: it.say(b"NOOP")):
                assert again(served) not in DONE, "it goes on as if it were not cut off"
        disk.faults = ()
        assert not is_damaged(disk), "it takes a mark for what is no damage"
        served.end()
        found = read_mail((others or [disk])[0].process(41))
        check_between(*pages, found, halfway=name == "move")
        assert answer not in DONE or found == pages[1], "nobody else sees what is done"

    failures = [Fault(EVERY, 1, error) for error in ERRORS]
    return CrashReport(0, 0, walk_errors(attempt, failures, step=step))
