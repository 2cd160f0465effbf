"""Every call of a command fails, in every way, or any two; then there is a crash.

Tried on the whole product (`served`). Whatever fails, a command is answered
with one of the words that are meant for it, what it should do is done or not,
nothing else is changed, no lock is held, no descriptor is left over, and what
comes next works. A kill or a power loss, then or before, takes nothing of it
away.

What is found on a disk is asked once for all disks that are alike, and crashes
are looked for once behind all histories of writes and syncs that are alike: most
of what fails changes neither.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from imapbox.model.names import MailboxName
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import SimulatedDisk
from tests.simulation.failures import (
    DAMAGED,
    DONE,
    FULL,
    KINDS,
    NOTHING_WORKS,
    Failure,
    answers,
)
from tests.simulation.fault import WRITES, Fault
from tests.simulation.ledger import is_damaged
from tests.simulation.served import (
    SERVER,
    Deliverer,
    Mail,
    Memory,
    Served,
    check_between,
    read_mail,
)
from tests.simulation.whole import whole_store

# How many calls there are of each kind.
Counts: TypeAlias = dict[frozenset[str], int]

MESSAGE: Final = b"Subject: the one\r\n\r\n" + b"octets " * 60
LATER: Final = b"Subject: afterwards\r\n\r\nit works"
LARGE: Final = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 20_000


class Command(NamedTuple):
    """What a client asks for.

    Attributes:
        give: Asks for it; returns the answer.
        selects: There is a session, too, that has INBOX selected.
        halfway: It is several changes, and may end between two of them.
        crashes: Which crashes are looked at.
    """

    give: Callable[[Any], str]
    selects: bool = True
    halfway: bool = False
    crashes: tuple[str, ...] = ("kill", "power")

    def serve(self, disk: SimulatedDisk) -> Deliverer:
        """Return who is asked."""
        return Served(disk) if self.selects else Deliverer(disk)


def _saying(octets: bytes, *, halfway: bool = False) -> Command:
    return Command(lambda served: served.say(octets), halfway=halfway)


def _in_a_new_segment(served: Deliverer) -> str:
    store = served.store
    store.settings = replace(store.settings, segment_limit=1)
    return served.deliver(MESSAGE)


COMMANDS: Final[dict[str, Command]] = {
    "deliver": Command(lambda served: served.deliver(MESSAGE)),
    "deliver first": Command(lambda served: served.deliver(MESSAGE), selects=False),
    "deliver in a new segment": Command(_in_a_new_segment, selects=False),
    "deliver to a mailbox": Command(lambda served: served.deliver(MESSAGE, "Work")),
    # A power loss may leave any of a thousand sectors of it: too many to look at.
    "deliver a large one": Command(
        lambda served: served.deliver(LARGE), crashes=("kill",)
    ),
    "append": _saying(
        b"APPEND INBOX (\\Seen new) {%d+}\r\n%b" % (len(MESSAGE), MESSAGE)
    ),
    "append elsewhere": _saying(b"APPEND Work {%d+}\r\n%b" % (len(MESSAGE), MESSAGE)),
    "append two": _saying(
        b"APPEND INBOX {3+}\r\na:b {%d+}\r\n%b" % (len(MESSAGE), MESSAGE)
    ),
    "catenate": _saying(b'APPEND Work CATENATE (URL "/INBOX/;UID=1" TEXT {3+}\r\na:b)'),
    "replace": _saying(
        b"REPLACE 1 INBOX {%d+}\r\n%b" % (len(MESSAGE), MESSAGE), halfway=True
    ),
    "replace elsewhere": _saying(
        b"REPLACE 1 Work {%d+}\r\n%b" % (len(MESSAGE), MESSAGE), halfway=True
    ),
    "store": _saying(b"STORE 1:2 +FLAGS (\\Flagged other)"),
    "expunge": _saying(b"EXPUNGE"),
    "close": _saying(b"CLOSE"),
    "copy": _saying(b"COPY 1:3 Work"),
    "move": _saying(b"MOVE 1,3 Work", halfway=True),
    "create": _saying(b"CREATE New"),
    "rename": _saying(b"RENAME Work Play"),
    "rename INBOX": _saying(b"RENAME INBOX Old", halfway=True),
    "delete": _saying(b"DELETE Work"),
    "subscribe": _saying(b"SUBSCRIBE elsewhere"),
    "unsubscribe": _saying(b"UNSUBSCRIBE Work"),
    "give a right": _saying(b"SETACL Work bob lr"),
    "make a URL": _saying(
        b'GENURLAUTH "imap://alice@x/INBOX/;UID=1;URLAUTH=anonymous" INTERNAL'
    ),
    "reset a key": _saying(b"RESETKEY INBOX"),
    "annotate": _saying(b'SETMETADATA Work (/private/a "1" /shared/b "2")'),
}
# What makes the calls of others among them, one behind the other.
LONG_ONLY: Final = {
    *("append two", "catenate", "replace elsewhere", "close"),
    *("give a right", "make a URL"),
}
DELIVERY: Final = "deliver"
DELIVERIES: Final = (DELIVERY, "deliver first")
# Of so many disks that a crash left one is used afterwards, not only read.
_THOROUGHLY: Final = 10


@dataclass
class Tally:
    """What was looked at.

    Attributes:
        tried: Runs in which all failed that should.
        crashes: Distinct disks that a crash left in them or behind, with what
            had been answered.
        answers: How often what was answered.
    """

    tried: int = 0
    crashes: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        answers = ", ".join(f"{n} {said}" for said, n in self.answers.most_common())
        return f"{self.tried} tried, {self.crashes} crash states; {answers}"


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


# What was answered, as far as it says what may be found.
_DONE: Final = "done"
_FULL: Final = "full"
_REFUSED: Final = "refused"
_LATER: Final = "later"


class Trial:
    """One command, tried again and again.

    Args:
        name: Of the command.
        chance: Chooses.
        points: Of the calls where it may crash, so many are looked at.
    """

    def __init__(self, name: str, chance: random.Random, points: float = 0.0) -> None:
        self.tally = Tally()
        self.chance = chance
        self._name = name
        self._command = COMMANDS[name]
        self._points = points
        self._memory = Memory()
        self._images: set[bytes] = set()
        self._histories: set[int] = set()

    def calls(self) -> Counts:
        """Return how many calls may fail."""
        disk = fresh()
        served = self._command.serve(disk)
        counters = _counters(None)
        self._give(served, counters)
        return _counts(counters)

    def fail(self, *failures: tuple[Failure, int]) -> Counts:
        """Let calls fail, and see that all is well.

        Args:
            failures: How, and which call; behind the first that failed.

        Returns:
            How many calls there are behind the first.
        """
        faults: list[Fault] = []
        for failure, number in failures:
            faults.append(failure.at(number, faults[0] if faults else None))
        counters = _counters(faults[0])

        def work(disk: SimulatedDisk) -> None:
            answer = self._try(disk, [*faults, *counters])
            failed = set[str]().union(*(fault.failed for fault in faults))
            ways = [failure for failure, _ in failures]
            allowed = answers(ways, failed)
            assert answer in allowed, f"{self._name} was answered with {answer}"
            if DAMAGED.isdisjoint(allowed):
                assert not is_damaged(disk), "a sound mailbox was marked damaged"

        if self._points:
            self._crash(work)
        else:
            work(fresh())
        assert all(fault.fired for fault in faults), "nothing failed"
        self.tally.tried += 1
        return _counts(counters)

    def _give(self, served: Deliverer, faults: list[Fault]) -> str:
        served.disk.faults = tuple(faults)
        try:
            return self._command.give(served)
        finally:
            served.disk.faults = ()

    def _try(self, disk: SimulatedDisk, faults: list[Fault]) -> str:
        name = self._name
        served = self._command.serve(disk)
        answer = self._give(served, faults)
        assert not disk.locks, f"{name} left a lock"
        disk.acknowledge(_said(answer, faults))
        self._look(disk)
        goes_on = answer not in DAMAGED and not is_damaged(disk)
        if goes_on:
            assert served.deliver(LATER) == "250 2.0.0", f"nothing works behind {name}"
            disk.acknowledge(_LATER)
            self._look(disk)
        # What a session notes when it ends is nobody's command.
        journal, disk.journal = disk.journal, None
        if goes_on and answer not in DONE:
            self._give_again(served)
        served.end()
        disk.journal = journal
        left = [file.path for (pid, _), file in disk.files.items() if pid == SERVER]
        assert not left, f"{name} left descriptors: {left}"
        self.tally.answers[answer] += 1
        return answer

    def _give_again(self, served: Deliverer) -> None:
        """What was refused is done once nothing fails, if it was not begun before."""
        found = self._memory.mail(served.disk)
        before, after = outcomes(self._name, later=True)
        begun = found != before if self._command.halfway else found == after
        answer = self._command.give(served)
        assert answer in DONE or begun, f"{self._name} is answered with {answer} again"

    def _look(self, disk: SimulatedDisk) -> None:
        """See what somebody finds who was not there before."""
        check_found(self._name, disk.acknowledged, self._memory.mail(disk))

    def _crash(self, work: Callable[[SimulatedDisk], None]) -> None:
        """Let the machine die at each call, and behind the last."""
        disk = fresh()
        history = 0

        def is_wanted(point: int) -> bool:
            nonlocal history
            assert disk.journal is not None
            history = hash((history, disk.journal[point - 1]))
            if history in self._histories or self.chance.random() >= self._points:
                return False
            self._histories.add(history)
            return True

        images = Crashes(
            disk,
            work,
            self._command.crashes,
            self._images,
            every_subset_up_to=2,
            random_subsets=1,
            wanted=is_wanted,
        )
        made = 0
        for crash in images:
            is_new, made = images.images > made, images.images
            if is_new:
                self._survive(crash)

    def _survive(self, crash: Crash) -> None:
        self.tally.crashes += 1
        self._look(crash.disk)
        if self.tally.crashes % _THOROUGHLY == 0 and not is_damaged(crash.disk):
            served = Deliverer(crash.disk, 50)
            assert served.deliver(LATER) == "250 2.0.0", "nothing works afterwards"
            served.end()


def _said(answer: str, faults: list[Fault]) -> str:
    if answer in DONE:
        return _DONE
    failed = set[str]().union(*(fault.failed for fault in faults))
    return _FULL if answer in FULL and failed <= WRITES else _REFUSED


def _counters(behind: Fault | None) -> list[Fault]:
    return [Failure("", methods).at(1 << 30, behind) for methods in KINDS]


def _counts(counters: list[Fault]) -> Counts:
    return {counter.methods: counter.seen for counter in counters}


def one_fails(
    name: str, ways: int = 99, points: float = 0.0, chance: random.Random | None = None
) -> Tally:
    """Each call of a command fails.

    Args:
        name: Of the command.
        ways: In how many of all ways.
        points: Of the calls where a crash may come, so many are looked at.
        chance: Chooses.
    """
    chance = chance or random.Random(name)
    trial = Trial(name, chance, points)
    for failure, number in _places(trial.calls(), ways, chance):
        trial.fail((failure, number))
    return trial.tally


def deliveries() -> Tally:
    """Each call of a delivery fails, in every way."""
    return one_fails(DELIVERY)


def two_fail(name: str, ways: int, points: float, chance: random.Random) -> Tally:
    """Each two calls of a command fail: a second, wherever one comes behind.

    Args:
        name: As for `one_fails`.
        ways: Also for each second call.
        points: Likewise.
        chance: Likewise.
    """
    ones, twos = Trial(name, chance), Trial(name, chance, points)
    for first, number in _places(ones.calls(), ways, chance, goes_on=True):
        behind = ones.fail((first, number))
        for second, place in _places(behind, ways, chance):
            twos.fail((first, number), (second, place))
    return twos.tally


def _places(
    counts: Counts, ways: int, chance: random.Random, *, goes_on: bool = False
) -> Iterator[tuple[Failure, int]]:
    """Return which call fails, and how.

    Args:
        counts: How many calls there are.
        ways: In how many ways, at most, each of them fails.
        chance: Chooses the ways.
        goes_on: Only those behind which a call may succeed.
    """
    for methods, failures in KINDS.items():
        some = [way for way in failures if not (goes_on and way in NOTHING_WORKS)]
        for number in range(1, counts[methods] + 1):
            for failure in chance.sample(some, min(ways, len(some))):
                yield failure, number


def check_found(name: str, answers: tuple[str, ...], found: Mail) -> None:
    """What is there is as it was, or as it should become; done is done."""
    inbox = found.mailboxes["INBOX"].messages
    later = bool(inbox) and inbox[-1].body.startswith(LATER)
    assert later or _LATER not in answers, "what was delivered is not there"
    before, after = outcomes(name, later=later)
    if _DONE in answers:
        assert found == after, f"{name} was done, and is not"
    elif _FULL in answers and not COMMANDS[name].halfway:
        assert found == before, f"{name} was refused, and is done"
    else:
        check_between(before, after, found, halfway=COMMANDS[name].halfway)


@cache
def outcomes(name: str, *, later: bool) -> tuple[Mail, Mail]:
    """Return what is there without a command and behind it.

    Args:
        name: Of the command; nothing disturbs it.
        later: Behind another delivery.
    """
    found = []
    for is_given in (False, True):
        served = COMMANDS[name].serve(fresh())
        if is_given:
            assert COMMANDS[name].give(served) in DONE
        if later:
            assert served.deliver(LATER) in DONE
        found.append(read_mail(served.disk.process(40)))
    before, after = found
    assert before != after, f"{name} does nothing"
    return before, after
