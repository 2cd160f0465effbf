"""Every call of a command fails, in every way; then there is a crash.

Tried on the whole product (`served`). Whatever fails, a command is answered
with one of the words that are meant for it, what it should do is done or not,
nothing else is changed, no lock is held, no descriptor is left over, and what
comes next works. A power loss afterwards takes nothing of it away.
"""

import errno
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from imapbox.model.names import MailboxName
from tests.simulation.crash import Crashes
from tests.simulation.disk import SimulatedDisk
from tests.simulation.fault import EVERY, WRITES, Fault
from tests.simulation.ledger import is_damaged
from tests.simulation.served import SERVER, Mail, Served, check_between, read_mail
from tests.simulation.whole import whole_store

Command: TypeAlias = Callable[[Served], str]

MESSAGE: Final = b"Subject: the one\r\n\r\n" + b"octets " * 60
LATER: Final = b"Subject: afterwards\r\n\r\nit works"
LARGE: Final = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 20_000


def _saying(octets: bytes) -> Command:
    return lambda served: served.say(octets)


COMMANDS: Final[dict[str, Command]] = {
    "deliver": lambda served: served.deliver(MESSAGE),
    "deliver to a mailbox": lambda served: served.deliver(MESSAGE, "Work"),
    "deliver a large one": lambda served: served.deliver(LARGE),
    "append": _saying(
        b"APPEND INBOX (\\Seen new) {%d+}\r\n%b" % (len(MESSAGE), MESSAGE)
    ),
    "append elsewhere": _saying(b"APPEND Work {%d+}\r\n%b" % (len(MESSAGE), MESSAGE)),
    "store": _saying(b"STORE 1:2 +FLAGS (\\Flagged other)"),
    "expunge": _saying(b"EXPUNGE"),
    "copy": _saying(b"COPY 1:3 Work"),
    "move": _saying(b"MOVE 1,3 Work"),
    "create": _saying(b"CREATE New"),
    "rename": _saying(b"RENAME Work Play"),
    "rename INBOX": _saying(b"RENAME INBOX Old"),
    "delete": _saying(b"DELETE Work"),
    "subscribe": _saying(b"SUBSCRIBE elsewhere"),
    "unsubscribe": _saying(b"UNSUBSCRIBE Work"),
}
DELIVERY: Final = "deliver"
ERRORS: Final = {
    "ENOSPC": errno.ENOSPC,
    "EIO": errno.EIO,
    "EDQUOT": errno.EDQUOT,
    "EMFILE": errno.EMFILE,
    "EINTR": errno.EINTR,
}


class Failure(NamedTuple):
    """How calls fail.

    Attributes:
        error: Name of the errno.
        short: Half a write is taken first.
        stays: It goes on failing.
    """

    error: str
    short: bool = False
    stays: bool = False

    def at(self, number: int) -> Fault:
        """Return it for one call, counted from 1."""
        methods = WRITES if self.short else EVERY
        code = ERRORS[self.error]
        return Fault(methods, number, code, short=self.short, stays=self.stays)


FAILURES: Final = (
    *map(Failure, ERRORS),
    *(Failure(error, stays=True) for error in ERRORS),
    Failure("ENOSPC", short=True),
    Failure("ENOSPC", short=True, stays=True),
    Failure("EIO", short=True),
)


@dataclass
class Tally:
    """What was looked at.

    Attributes:
        places: Calls that failed, each in each way.
        crashes: Disks that a crash behind them left.
        answers: How often what was answered.
    """

    places: int = 0
    crashes: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        answers = ", ".join(f"{n} {said}" for said, n in self.answers.most_common())
        return f"{self.places} failures, {self.crashes} crashes; {answers}"


@cache
def _prepared() -> SimulatedDisk:
    disk = whole_store(MailboxName("Work"))
    served = Served(disk, 9)
    for number in range(1, 4):
        assert served.deliver(b"Subject: %d\r\n\r\n%b" % (number, b"body" * 40))
    assert served.say(b"NOOP") == "OK"
    assert served.say(b"STORE 1 +FLAGS (\\Seen old)") == "OK"
    assert served.say(b"STORE 2:3 +FLAGS (\\Deleted)") == "OK"
    assert served.say(b"COPY 1 Work") == "OK"
    served.end()
    disk.kill(9)
    return disk


def fresh() -> SimulatedDisk:
    """Return a machine with some mail, all of it durable."""
    disk = _prepared().copy()
    disk.settle()
    disk.acknowledged = ()
    return disk


# What each error may be answered with, besides success. A failed sync is damage
# whatever it was; so is a write that fails for another reason than want of room.
_DAMAGED: Final = frozenset({"451 4.2.1", "NO [CONTACTADMIN]"})
_FULL: Final = frozenset({"452 4.3.1", "NO [OVERQUOTA]"}) | _DAMAGED
_FAILED: Final = frozenset({"451 4.3.0", "NO [UNAVAILABLE]"}) | _DAMAGED
ANSWERS: Final = {
    "ENOSPC": _FULL,
    "EDQUOT": _FULL,
    "EIO": _FAILED,
    "EMFILE": _FAILED,
    "EINTR": _FAILED,
}
DONE: Final = frozenset({"OK", "250 2.0.0"})
# A power loss may leave any of a thousand sectors of it: too many to look at.
NO_CRASHES: Final = frozenset({"deliver a large one"})
# These are several changes, one behind the other: they may end between two.
HALFWAY: Final = frozenset({"move", "rename INBOX"})


def one_fails(name: str, share: float = 1.0, crashes: float = 0.0) -> Tally:
    """One call of a command fails, each in turn and in each way.

    Args:
        name: Of the command.
        share: Of the places, how many are tried.
        crashes: Of the disks that a crash leaves behind such a command, how
            many are looked at.
    """
    tally = Tally()
    chance = random.Random(name)
    for failure in FAILURES:
        for number in itertools.count(1):
            if chance.random() >= share and number < _length(name):
                continue
            fault = failure.at(number)
            _try(name, [fault], ANSWERS[failure.error], tally)
            if name not in NO_CRASHES and chance.random() < crashes:
                _crash(name, failure, number, chance, tally)
            if not fault.fired:
                break
    return tally


def deliveries() -> Tally:
    """One call of a delivery fails, each in each way."""
    return one_fails(DELIVERY)


def two_fail(share: float = 1.0) -> Tally:
    """Any two calls of one delivery fail, each pair in each two ways."""
    tally = Tally()
    chance = random.Random(0)
    for first, second in itertools.product(FAILURES, FAILURES):
        for number in range(1, _length(DELIVERY) + 1):
            for behind in itertools.count(number):
                faults = [first.at(number), second.at(behind)]
                if chance.random() >= share:
                    if behind > 2 * _length(DELIVERY):
                        break
                    continue
                allowed = ANSWERS[first.error] | ANSWERS[second.error]
                _try(DELIVERY, faults, allowed, tally)
                if not faults[1].fired:
                    break
    return tally


def _try(name: str, faults: list[Fault], allowed: frozenset[str], tally: Tally) -> None:
    disk = fresh()
    served = Served(disk)
    answer = _with(faults, name, served)
    assert answer in allowed | DONE, f"{name} was answered with {answer}"
    assert not disk.locks, f"{name} left a lock"
    check_found(name, answer, read_mail(disk.process(40)))
    if answer not in _DAMAGED and not is_damaged(disk):
        assert served.deliver(LATER) == "250 2.0.0", f"nothing works behind {name}"
        found = read_mail(disk.process(41)).mailboxes["INBOX"].messages
        assert found[-1].body.startswith(LATER), "what was delivered is not there"
    served.end()
    left = [file.path for (pid, _), file in disk.files.items() if pid == SERVER]
    assert not left, f"{name} left descriptors: {left}"
    tally.places += 1
    tally.answers[answer] += 1


def _with(faults: list[Fault], name: str, served: Served) -> str:
    served.disk.faults = tuple(faults)
    try:
        return COMMANDS[name](served)
    finally:
        served.disk.faults = ()


def _crash(
    name: str, failure: Failure, number: int, chance: random.Random, tally: Tally
) -> None:
    """Let one call fail; then the machine dies, anywhere since."""

    def workload(disk: SimulatedDisk) -> None:
        served = Served(disk)
        disk.acknowledge(_with([failure.at(number)], name, served))

    found = Crashes(fresh(), workload, every_subset_up_to=2, random_subsets=1)
    for crash in found:
        if chance.random() >= _CRASHES:
            continue
        (answer,) = crash.acknowledged or ("",)
        check_found(name, answer, read_mail(crash.disk.process(40)))
        tally.crashes += 1


_CRASHES: Final = 0.1


def check_found(name: str, answer: str, found: Mail) -> None:
    """What is there is as it was, or as it should become; done is done."""
    before, after = outcome(name)
    if answer in DONE:
        assert found == after, f"{name} was answered with {answer}, and is not done"
    else:
        check_between(before, after, found, halfway=name in HALFWAY)


@cache
def outcome(name: str) -> tuple[Mail, Mail]:
    """Return what is there before and behind a command that nothing disturbs."""
    disk = fresh()
    before = read_mail(disk.process(40))
    served = Served(disk)
    assert COMMANDS[name](served) in DONE
    after = read_mail(disk.process(41))
    assert before != after, f"{name} does nothing"
    return before, after


@cache
def _length(name: str) -> int:
    disk = fresh()
    served = Served(disk)
    fault = Fault(EVERY, 1 << 30, errno.EIO)
    _with([fault], name, served)
    return fault.seen
