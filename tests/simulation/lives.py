"""Random lives of an account, killed and powered off at every call."""

import random
from collections import Counter
from itertools import groupby
from typing import Final, NamedTuple

from tests.simulation.crash import Crashes
from tests.simulation.disk import SimulatedDisk
from tests.simulation.life import Life, new_account
from tests.simulation.parts import Remembered

# At so many of the calls there is a crash: rather more lives than more of one.
_POINTS: Final = 0.05
# And so many disks that it may leave are looked at, any of them.
_DISKS: Final = 40
# Behind one crash in so many mail comes, too, where heads are not gone.
_GOES_ON: Final = 5
# What is said of an entry of the journal, and of how a file's name begins.
EVENTS: Final = {
    ("link", "log"): "segments made",
    ("unlink", "log"): "segments removed",
    ("punch", ""): "holes",
    ("link", "snap"): "snapshots made",
    ("unlink", "snap"): "snapshots removed",
}


class Report(NamedTuple):
    """How much was looked at.

    Attributes:
        images: Distinct disks, with what had been answered by then.
        lives: Whose they are.
        acts: How many crashes lie in which change.
        events: What became of segments and snapshots in these lives.
    """

    images: int
    lives: int
    acts: Counter[str]
    events: Counter[str]

    def __str__(self) -> str:
        acts, events = (
            ", ".join(f"{number} {what}" for what, number in counts.most_common())
            for counts in (self.acts, self.events)
        )
        return (
            f"{self.images} distinct crash states of {self.lives} lives: {acts}; "
            f"in these lives {events}"
        )


def crashes(count: int, seed: object) -> Report:
    """Lead lives until so many distinct disks were looked at.

    Disks are told apart by what is on them, name by name and octet by octet, and
    by what was answered. Those of two lives are never alike: their mailboxes
    have other ids.

    Args:
        count: How many.
        seed: Of the lives.
    """
    acts, events = Counter[str](), Counter[str]()
    for number in range(count):
        chance = random.Random(f"crashes {seed} {number}")
        life = Life(f"{seed} {number}")
        disk = new_account(chance.getrandbits(64))
        images = Crashes(
            disk,
            life.lead,
            every_subset_up_to=3,
            random_subsets=1,
            wanted=lambda _point, chance=chance: chance.random() < _POINTS,
        )
        remembered = Remembered()
        for _, made in groupby(images, lambda crash: crash.point):
            new = [crash for crash in made if crash.is_new]
            for crash in chance.sample(new, min(_DISKS, len(new))):
                acts[life.act_at(crash)] += 1
                goes_on = acts.total() % _GOES_ON == 0
                life.check(crash, remembered, goes_on=goes_on)
                if acts.total() == count:
                    return Report(count, number + 1, acts, events)
        events += _events_of(disk)
    raise AssertionError("lives without crashes")


def _events_of(disk: SimulatedDisk) -> Counter[str]:
    """Return what was done to segments and snapshots since the disk was settled."""
    assert disk.journal is not None
    found = Counter[str]()
    for kind, what, *_ in disk.journal:
        name = what.rpartition("/")[2] if kind in {"link", "unlink"} else ""
        event = EVENTS.get((kind, name.partition(".")[0]))
        if event and name != "log.1":  # that is how a mailbox begins
            found[event] += 1
    return found
