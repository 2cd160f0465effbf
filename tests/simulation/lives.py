"""Random lives of an account, killed and powered off at every call.

Octets of clients go in (`served`), and what a maintainer does besides. What is
found behind a crash must be the mail as it was behind the last change that was
answered, or behind the one that had been begun (P1, P2, P3); none of it is
damage, and all of it is there without heads and snapshots, too (P6).
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from imapbox.index.check import Severity, check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.model.names import MailboxName
from tests.simulation.crash import Crash, Crashes
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.mailbox import (
    ACCOUNT,
    Account,
    Session,
    compacted,
    open_account,
    settings_of,
)
from tests.simulation.repairing import repair
from tests.simulation.served import Mail, Served, check_between, read_mail
from tests.simulation.whole import lose_heads_and_snapshots, whole_store

Act: TypeAlias = Callable[[Served, random.Random], object]

WORK: Final = MailboxName("Work")
LENGTH: Final = 12
# At so many of the calls there is a crash: rather more lives than more of one.
_POINTS: Final = 0.1
# And of so many disks that it may leave.
_DISKS: Final = 40
LATER: Final = 25 * 3600.0


class Page(NamedTuple):
    """The mail behind one change.

    Attributes:
        change: What it was.
        mail: What is there.
    """

    change: str
    mail: Mail


def _text(chance: random.Random) -> bytes:
    number = chance.getrandbits(40)
    return b"Subject: %d\r\n\r\n%b" % (number, b"o" * chance.choice((9, 300, 1_500)))


def _append(served: Served, chance: random.Random) -> None:
    text = _text(chance)
    name = chance.choice((b"INBOX", b"Work", b"New"))
    served.say(b"APPEND %b (\\Seen) {%d+}\r\n%b" % (name, len(text), text))


def _save(served: Served, _: random.Random) -> None:
    """Make a snapshot of INBOX."""
    session = Session(_account(served))
    run(session.open(), served.process)
    run(session.save(), served.process)
    run(session.close(), served.process)


def _compact(served: Served, _: random.Random) -> None:
    """Give back what is dead in INBOX, a day later."""
    served.disk.advance_clock(LATER)
    run(compacted(_account(served)), served.process)


def _account(served: Served) -> Account:
    account: Account = run(open_account(served.store.settings), served.process)
    return account


def _saying(*choices: bytes) -> Act:
    return lambda served, chance: served.say(chance.choice(choices))


ACTS: Final[dict[str, Act]] = {
    "deliver": lambda served, chance: served.deliver(_text(chance)),
    "deliver to Work": lambda served, chance: served.deliver(_text(chance), "Work"),
    "append": _append,
    "store": _saying(b"STORE 1 +FLAGS (\\Flagged one)", b"STORE 2:* FLAGS (\\Deleted)"),
    "expunge": _saying(b"EXPUNGE"),
    "copy": _saying(b"COPY 1 Work", b"COPY 1:* New"),
    "move": _saying(b"MOVE 1 Work", b"MOVE 1:2 New"),
    "create": _saying(b"CREATE New", b"CREATE Work/Sub"),
    "rename": _saying(b"RENAME New Old", b"RENAME Work New", b"RENAME Old Work"),
    "rename INBOX": _saying(b"RENAME INBOX Inbox2"),
    "delete": _saying(b"DELETE New", b"DELETE Work", b"DELETE Inbox2"),
    "subscribe": _saying(b"SUBSCRIBE New", b"SUBSCRIBE gone"),
    "unsubscribe": _saying(b"UNSUBSCRIBE Work", b"UNSUBSCRIBE gone"),
    "snapshot": _save,
    "compact": _compact,
    "repair": lambda served, _: repair(served.disk, 7),
}
_HALFWAY: Final = frozenset({"move", "rename INBOX"})
# What no client may see anything of.
_SILENT: Final = frozenset({"snapshot", "compact", "repair"})


class Life:
    """One random life, and what was there behind each change.

    Attributes:
        pages: The mail at first, and behind each change.
    """

    def __init__(self, seed: object) -> None:
        self.pages: list[Page] = []
        self._seed = seed

    def lead(self, disk: SimulatedDisk) -> None:
        """Make the changes; acknowledge the number of each."""
        chance = random.Random(f"life {self._seed}")
        served = Served(disk)
        self.pages = [Page("", read_mail(disk.copy().process(40)))]
        disk.acknowledge(0)
        names = ["deliver", "append", *chance.choices([*ACTS], k=LENGTH)]
        for number, name in enumerate(names, start=1):
            served.say(b"NOOP")
            ACTS[name](served, chance)
            mail = read_mail(disk.copy().process(40))
            assert name not in _SILENT or mail == self.pages[-1].mail, f"{name} is seen"
            self.pages.append(Page(name, mail))
            disk.acknowledge(number)
        served.end()  # and what was recent is noted
        self.pages.append(Page("end", read_mail(disk.copy().process(40))))
        disk.acknowledge(len(self.pages) - 1)

    def act_at(self, crash: Crash) -> str:
        """Return the change that a crash is in."""
        number = crash.acknowledged[-1] + 1 if crash.acknowledged else 0
        return self.pages[min(number, len(self.pages) - 1)].change

    def check(self, crash: Crash, *, thoroughly: bool) -> None:
        """See what is there behind a crash, and that mail goes on."""
        number = crash.acknowledged[-1] if crash.acknowledged else 0
        before = self.pages[number].mail
        behind = self.pages[min(number + 1, len(self.pages) - 1)]
        found = read_mail(crash.disk.process(50))
        halfway = behind.change in _HALFWAY
        check_between(before, behind.mail, found, halfway=halfway)
        if thoroughly:
            check_sound(crash.disk)
            lose_heads_and_snapshots(crash.disk.process(51))
            assert read_mail(crash.disk.process(52)) == found, "it can't be rebuilt"
            served = Served(crash.disk, 53)
            assert served.deliver(b"Subject: afterwards\r\n") == "250 2.0.0"
            served.end()
            inbox = read_mail(crash.disk.process(54)).mailboxes["INBOX"]
            assert inbox.messages[:-1] == found.mailboxes["INBOX"].messages
            assert inbox.messages[-1].uid == found.mailboxes["INBOX"].uidnext


def check_sound(disk: SimulatedDisk) -> None:
    """Nothing that a crash leaves is damage. P6."""
    process = disk.process(60)
    account: Account = run(open_account(settings_of(process)), process)
    logs = [
        (replace(account, name=name).directory, MailboxAudit)
        for name in account.state.names
    ]
    for directory, audit in [(ACCOUNT, AccountAudit), *logs]:
        found = run(check_log(directory, audit, OWNER), process).findings
        worst = [each for each in found if each.severity is not Severity.NOTE]
        assert not worst, f"a crash is taken for damage: {worst}"


class Report(NamedTuple):
    """How much was looked at.

    Attributes:
        images: Distinct disks, with what had been answered by then.
        lives: Whose they are.
        acts: How many crashes lie in which change.
    """

    images: int
    lives: int
    acts: Counter[str]

    def __str__(self) -> str:
        acts = ", ".join(f"{n} {act}" for act, n in self.acts.most_common())
        return f"{self.images} distinct crash states of {self.lives} lives: {acts}"


def crashes(count: int, seed: int) -> Report:
    """Lead lives until so many distinct disks were looked at.

    Disks are told apart by what is on them, name by name and octet by octet, and
    by what was answered.

    Args:
        count: How many.
        seed: Of the lives.
    """
    seen: set[bytes] = set()
    acts: Counter[str] = Counter()
    for number in range(count):
        chance = random.Random(f"crashes {seed} {number}")
        life = Life(f"{seed} {number}")
        images = Crashes(
            whole_store(WORK),
            life.lead,
            seen=seen,
            every_subset_up_to=3,
            random_subsets=1,
            wanted=lambda _point, chance=chance: chance.random() < _POINTS,
        )
        made, at_point = 0, Counter[int]()
        for crash in images:
            is_new, made = images.images > made, images.images
            at_point[crash.point] += is_new
            if not is_new or at_point[crash.point] > _DISKS:
                continue
            acts[life.act_at(crash)] += 1
            life.check(crash, thoroughly=acts.total() % 20 == 0)
            if acts.total() >= count:
                return Report(acts.total(), number + 1, acts)
    raise AssertionError("lives without crashes")
