"""Kill -9, ten thousand times, of processes that deliver and serve.

A kill keeps what the kernel has, so it finds no missing sync (the simulated disk
and the power cuts do); it finds what a death at any step leaves to the living.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from imapbox.store.check import Severity
from tests.kills.books import Books, faults, what_is_there
from tests.kills.mother import Death, Plan, mother
from tests.support.watched_disk import changes

LIVES = 40
ON_ONE_STORE = 40
# From an effort of 20 on: so many are killed, so much is answered before, and so
# many die in each step of a commit.
KILLS = 10_000
ANSWERS = 50_000
ON_A_STORE_OF_MANY = 200  # where a log is long enough for a snapshot
IN_EACH_STEP = 100
COMMIT = {
    *("try_lock lock", "pwrite log.#", "fdatasync log.#", "pwrite head"),
    "unlock lock",
    # The same, where facts are.
    *("try_lock account lock", "pwrite account log.#", "fdatasync account log.#"),
    *("pwrite account head", "unlock account lock"),
}
AT_ONCE = 2
MANY = 20  # lines, or times, that somebody lives


class Deaths:
    """Where processes died, and where one should die next.

    Attributes:
        steps: How often at which step.
    """

    def __init__(self, chance: random.Random) -> None:
        self.steps: Counter[str] = Counter()
        self._chance = chance
        # The first one on a store makes much that the others find.
        self._seen: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}

    def note(self, death: Death, *, first: bool) -> None:
        """Take in how one died, or how often he came to each step."""
        self.steps[death.step] += death.killed
        if death.steps:
            self._seen[first] = Counter(
                {step: times for step, times in death.steps.items() if changes(step)}
            )

    def aim(self, *, first: bool) -> tuple[str, int, bool] | None:
        """Return where the next one dies; None if somebody else decides."""
        seen = self._seen[first]
        if not seen or self._chance.random() < 0.2:
            return None
        least = min(self.steps[step] for step in seen)
        step = self._chance.choice(
            [step for step in sorted(seen) if self.steps[step] == least]
        )
        times = self._chance.randrange(min(seen[step], MANY))
        return step, times, self._chance.random() < 0.5


@dataclass
class Family:
    """All who live on one store, and what is known of them."""

    root: Path
    books: Books
    deaths: Deaths
    seed: int
    count: int

    def live_and_die(self, name: str) -> None:
        """Let as many live as the store bears, one after the other."""
        chance = random.Random(f"{self.seed} {name}")
        with mother(self.root, self.books) as process:
            for number in range(self.count // AT_ONCE):
                aim = self.deaths.aim(first=not number)
                # Now and then one is left alone, to see what can be aimed at.
                alone = aim or number % 10 == 1
                patience = 0 if alone else chance.randrange(1, MANY)
                plan = Plan(f"{name}.{number}", chance.getrandbits(32), aim, patience)
                self.deaths.note(process.give_life(plan), first=not number)


@pytest.mark.slow
async def test_a_kill_anywhere_loses_nothing_that_was_answered(
    tmp_path: Path, effort: int, seed: int, tell: Callable[[object], None]
) -> None:
    """Whoever is killed, wherever: what it answered is there, once and whole.

    Two processes at a time deliver, append, replace, flag and expunge in one mailbox,
    and annotate, share, subscribe, limit and reset keys in one account, and are
    killed, by themselves at a step of the disk or from outside at any moment. Each
    finds the account's facts as they were answered.
    """
    chance = random.Random(seed)
    deaths = Deaths(chance)
    is_long = effort >= 20
    on_one_store = ON_A_STORE_OF_MANY if is_long else ON_ONE_STORE
    born = acknowledged = facts = 0
    while (
        deaths.steps.total() < KILLS or acknowledged < ANSWERS
        if is_long
        else born < LIVES * effort
    ):
        directory = tmp_path / str(born)
        root = directory / "store"
        root.mkdir(parents=True)
        books = Books()
        family = Family(root, books, deaths, chance.getrandbits(32), on_one_store)
        lives = [deferToThread(family.live_and_die, str(n)) for n in range(AT_ONCE)]
        await gatherResults(lives, consumeErrors=True)
        books.compare(await what_is_there(directory, books.facts.families))
        # A snapshot that somebody died over is of no use, and no fault.
        assert [it for it in faults(root) if it.severity != Severity.NOTE] == []
        shutil.rmtree(directory)
        born += on_one_store
        acknowledged += len(books.has) + len(books.gone)
        facts += books.facts.count
    killed = deaths.steps.total()
    histogram = ", ".join(f"{step} {n}" for step, n in sorted(deaths.steps.items()))
    tell(
        f"{killed} killed of {born}; {acknowledged} answered, and {facts} facts;"
        f" {histogram}"
    )
    assert killed > born // 2
    assert acknowledged > killed
    assert facts > born // 10
    if is_long:
        assert min(deaths.steps[step] for step in COMMIT) >= IN_EACH_STEP
