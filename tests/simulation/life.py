"""A random life of an account, and what must be there behind a crash in it.

Octets of clients go in (`served`), and what a maintainer does besides. What is
found behind a crash must be the mail as it was behind the last change that was
answered, or behind the one that had been begun (P1, P2, P3); none of it is
damage, and all of it is there without heads and snapshots, too (P6).
"""

import random
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from imapbox.disk.filesystem import Mode
from imapbox.index.head import HEAD_SIZE
from imapbox.model.names import MailboxName
from tests.simulation.aftermath import Aftermath
from tests.simulation.crash import Crash
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.mailbox import Account, Session, compacted, open_account
from tests.simulation.parts import Parts, Remembered
from tests.simulation.repairing import MOVED, SETTLED, repair
from tests.simulation.served import Mail, Served, check_between, read_mail
from tests.simulation.whole import whole_store

Act: TypeAlias = Callable[[Served, random.Random], object]

WORK: Final = MailboxName("Work")
LENGTH: Final = 16
LATER: Final = 25 * 3600.0


def new_account(seed: int) -> SimulatedDisk:
    """Return a machine with an account to live in."""
    return whole_store(WORK, seed=seed)


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
    size = chance.choice((9, 300, 300, 1_500, 9_000))
    return b"Subject: %d\r\n\r\n%b" % (number, b"o" * size)


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


def _repair(served: Served, _: random.Random) -> None:
    """Mend what is lost without harm: a head is torn, and somebody left a file."""
    directory = _account(served).directory
    files = served.process
    for name, octets in (("head", bytes(HEAD_SIZE)), ("notes.txt", b"not ours")):
        fd = files.open(f"{directory}/{name}", Mode.ENSURE)
        files.pwrite(fd, octets, 0)
        files.close(fd)
    done = repair(served.disk, 7)
    assert {each.sentence for each in done} == {MOVED, SETTLED}


def _account(served: Served) -> Account:
    account: Account = run(open_account(served.store.settings), served.process)
    return account


def _saying(*choices: bytes) -> Act:
    return lambda served, chance: served.say(chance.choice(choices))


ACTS: Final[dict[str, Act]] = {
    "deliver": lambda served, chance: served.deliver(_text(chance)),
    "deliver to Work": lambda served, chance: served.deliver(_text(chance), "Work"),
    "append": _append,
    "store": _saying(
        b"STORE 1 +FLAGS (\\Flagged one)",
        b"STORE 1:2 +FLAGS (\\Deleted)",
        b"STORE 2:* FLAGS (\\Deleted)",
    ),
    "expunge": _saying(b"EXPUNGE"),
    "copy": _saying(b"COPY 1 Work", b"COPY 1:* New"),
    "move": _saying(b"MOVE 1 Work", b"MOVE 1:2 New"),
    "create": _saying(b"CREATE New", b"CREATE Work/Sub"),
    "rename": _saying(b"RENAME New Old", b"RENAME Work New", b"RENAME Old Work"),
    "rename INBOX": _saying(b"RENAME INBOX Inbox2"),
    "delete": _saying(b"DELETE New", b"DELETE Work", b"DELETE Inbox2"),
    "subscribe": _saying(b"SUBSCRIBE New", b"SUBSCRIBE gone"),
    "unsubscribe": _saying(b"UNSUBSCRIBE Work", b"UNSUBSCRIBE gone"),
    "annotate": _saying(
        b'SETMETADATA Work (/private/a "1")',
        b'SETMETADATA INBOX (/shared/b "2" /private/a "3")',
        b"SETMETADATA INBOX (/private/a NIL)",
    ),
    "give": _saying(
        b"SETACL Work bob lr", b"SETACL INBOX bob l", b"DELETEACL Work bob"
    ),
    "reset": _saying(b"RESETKEY INBOX", b"RESETKEY"),
    "snapshot": _save,
    "compact": _compact,
    "repair": _repair,
}
_HALFWAY: Final = frozenset({"move", "rename INBOX"})
# What no client may see anything of.
_SILENT: Final = frozenset({"snapshot", "compact", "repair"})
# Without expunges, compaction has nothing to do; a second snapshot removes the first.
_OFTEN: Final = ("deliver", "store", "expunge", "compact", "snapshot")


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
        names = ["deliver", "append", *chance.choices([*ACTS, *_OFTEN], k=LENGTH)]
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

    def check(self, crash: Crash, remembered: Remembered, *, goes_on: bool) -> None:
        """See what is there behind a crash, and that mail comes when heads are gone.

        Args:
            crash: What to look at.
            remembered: Of this life.
            goes_on: Whether mail should come where they are not gone, too.
        """
        number = crash.acknowledged[-1] if crash.acknowledged else 0
        before = self.pages[number].mail
        behind = self.pages[min(number + 1, len(self.pages) - 1)]
        halfway = behind.change in _HALFWAY
        here = Aftermath(Parts.of(crash.disk), remembered)
        bereft = here.without_heads_and_snapshots()
        here.check()
        found = here.read()
        check_between(before, behind.mail, found, halfway=halfway)
        check_between(before, behind.mail, bereft.read(), halfway=halfway)
        later = here.without_heads_and_snapshots()
        assert later.read() == found, "it can't be rebuilt"
        for each in (later, here) if goes_on else (later,):
            each.deliver()
            each.check()
            check_delivered(found, each.read())


def check_delivered(before: Mail, found: Mail) -> None:
    """There is one message more, and nothing else is new."""
    old, new = before.mailboxes["INBOX"], found.mailboxes["INBOX"]
    assert new.messages[:-1] == old.messages
    assert new.messages[-1].uid == old.uidnext, "a UID is not the next one"
    assert new.uidvalidity == old.uidvalidity
    assert new.modseq > old.modseq, "MODSEQ goes back"
    there = {**found.mailboxes, "INBOX": old}
    assert found._replace(mailboxes=there) == before
