"""Every way in which several processes can take turns on one disk.

A process is a generator of disk calls, as in the product. Each call is a step
that the scheduler may put anywhere between the steps of the others; a `Pause`
ends when its file was written or, when nobody else can do anything, by the
clock. Nobody may wait while he holds a lock, whether or not that is a deadlock
in this schedule: where nobody does there can be none.

A state is the disk and, for each process, the results that it was given
(`script`). States can be kept, compared and returned to.

Three reductions, none of which hides a wrong outcome:

- A state that was met before is not explored again.
- Sleep sets: of two steps that commute, only one order is tried. [1]_
- A step on a file that only one process uses, or that nobody writes, is made
  at once. Which files those are is found out by exploring: when another
  process's conflicting step is met, the search begins anew without that
  assumption.

.. [1] P. Godefroid, "Partial-Order Methods for the Verification of Concurrent
   Systems", LNCS 1032, chapter 5 (sleep sets) and 6 (with states that are kept).
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from imapbox.disk.steps import Call, Pause, Steps
from tests.simulation.disk import SimulatedDisk
from tests.simulation.report import Report, Violation
from tests.simulation.script import Raised, Script, frozen
from tests.simulation.touches import Touch, commute, touches_of

MANY_STEPS: Final = 5_000
PROBES: Final = 20
NO_FILE: Final = 0
_WAKING: Final = frozenset({"pwrite", "truncate"})


class _Process(NamedTuple):
    """Where a process stands.

    Attributes:
        place: In its script.
        waits_on: Inode of the file it waits for; None: it waits for nothing.
        until: When it stops to wait.
        dead: It was killed.
    """

    place: int
    waits_on: int | None = None
    until: float = 0.0
    dead: bool = False


class _State(NamedTuple):
    disk: SimulatedDisk
    processes: tuple[_Process, ...]


class _Anew(Exception):
    """Something is shared that was thought not to be."""


@dataclass(eq=False)
class Explorer:
    """Several processes on a disk, and what must hold.

    Attributes:
        disk: How it is at first.
        makers: Make each process's generator anew: same results, same calls.
        check_end: Called with the disk and each process's `Returned` or
            `Raised` (None if it was killed) at each end; raises
            AssertionError.
        check_step: Called with the disk behind each step.
        allowed: Errors with which a process may end.
        kills: How many processes may die, anywhere.
        pids: Of the processes.
    """

    disk: SimulatedDisk
    makers: Sequence[Callable[[], Steps[Any]]]
    check_end: Callable[[SimulatedDisk, list[Any]], None] = lambda _disk, _ends: None
    check_step: Callable[[SimulatedDisk], None] | None = None
    allowed: tuple[type[BaseException], ...] = ()
    kills: int = 0
    pids: Sequence[int] = ()
    _judged: set[int] = field(default_factory=set)
    _scripts: list[Script] = field(default_factory=list)
    _shared: set[tuple[str, str]] = field(default_factory=set)
    _users: dict[tuple[str, str], list[set[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pids = tuple(self.pids) or tuple(range(1, len(self.makers) + 1))
        self.disk = self.disk.copy()
        self.disk.pids |= frozenset(self.pids)
        self._scripts = [Script(make) for make in self.makers]

    def exhaust(self, *, preemptions: int | None = None) -> Report:
        """Try all schedules.

        Args:
            preemptions: How often a process that could go on may be made to
                wait in one schedule; None: any number.

        Raises:
            Violation: A schedule ends badly.
        """
        # Random schedules find most of what is shared, without beginning anew.
        for number in range(PROBES):
            with suppress(Violation):  # the search will find it in its own order
                self._schedule(random.Random(number))
        while True:
            try:
                return _Search(self, preemptions).run()
            except _Anew:
                continue

    def sample(self, count: int, seed: int, *, changes: int = 3) -> Report:
        """Try random schedules: random priorities, changed at random places.

        See Also:
            S. Burckhardt et al., "A Randomized Scheduler with Probabilistic
            Guarantees of Finding Bugs", ASPLOS 2010 (PCT).

        Raises:
            Violation: A schedule ends badly.
        """
        report = Report(shared=self._shared)
        distinct = set()
        length = self._schedule(random.Random(seed))[1]
        for number in range(count):
            chance = random.Random(f"{seed} {number}")
            schedule, steps, end = self._schedule(chance, length, changes)
            length = max(length, steps)
            distinct.add(schedule)
            report.steps += steps
            report.outcomes.add(end)
        report.schedules = count
        report.states = len(distinct)
        return report

    def replay(self, schedule: Sequence[int]) -> SimulatedDisk:
        """Make the steps of one schedule and return the disk, for debugging."""
        state = self.first()
        for who in schedule:
            while not self.runnable(state) and (later := self.wait(state)):
                state = later
            state = self.step(state, who) if who >= 0 else self.kill(state, ~who)
        return state.disk

    def first(self) -> _State:
        """Return the state before all steps."""
        return _State(self.disk.copy(), tuple(_Process(0) for _ in self.makers))

    def wanted(self, state: _State, who: int) -> Any:
        """Return what a process wants to do next."""
        return self._scripts[who].next(state.processes[who].place)

    def runnable(self, state: _State) -> list[int]:
        """Return the processes that can make a step."""
        scripts = self._scripts
        return [
            who
            for who, (place, waits_on, _, dead) in enumerate(state.processes)
            if waits_on is None and not dead and scripts[who].goes_on[place]
        ]

    def step(self, state: _State, who: int, *, in_place: bool = False) -> _State:
        """Return the state behind a process's next call."""
        script, place = self._scripts[who], state.processes[who].place
        wanted = script.next(place)
        processes = list(state.processes)
        disk = state.disk if in_place else state.disk.copy()
        if isinstance(wanted, Pause):
            if wanted.until <= disk.clock:
                processes[who] = _Process(script.after(place, None))
            else:
                inode = disk.names.get(wanted.path, NO_FILE)
                processes[who] = _Process(place, inode, wanted.until)
            return _State(disk, tuple(processes))
        filesystem = disk.process(self.pids[who])
        try:
            result = getattr(filesystem, wanted.method)(*wanted.arguments)
        except OSError as error:
            result = error
        processes[who] = _Process(script.after(place, frozen(result)))
        if wanted.method in _WAKING:
            written = disk.files[self.pids[who], wanted.arguments[0]].inode
            self._wake(processes, written, float("-inf"))
        return _State(disk, tuple(processes))

    def kill(self, state: _State, who: int) -> _State:
        """Return the state behind the death of a process."""
        disk = state.disk.copy()
        disk.kill(self.pids[who])
        processes = list(state.processes)
        processes[who] = processes[who]._replace(dead=True, waits_on=None)
        return _State(disk, tuple(processes))

    def wait(self, state: _State) -> _State | None:
        """Let time pass until someone's patience ends; None: nobody waits."""
        waiting = [
            process.until for process in state.processes if process.waits_on is not None
        ]
        if not waiting or min(waiting) == float("inf"):
            return None
        disk = state.disk.copy()
        disk.clock = max(disk.clock, min(waiting))
        processes = list(state.processes)
        self._wake(processes, NO_FILE, disk.clock)
        return _State(disk, tuple(processes))

    def settled(self, state: _State) -> Any:
        """Check a state where nobody can run; return what tells it from others.

        Raises:
            AssertionError: It is not as it should be.
        """
        ends = [
            None if process.dead else self.wanted(state, who)
            for who, process in enumerate(state.processes)
        ]
        if any(isinstance(end, (Call, Pause)) for end in ends):
            raise AssertionError("nobody can go on", ends)
        for end in ends:
            if isinstance(end, Raised) and not isinstance(end.error, self.allowed):
                raise AssertionError(repr(end.error)) from end.error  # noqa: TRY004 - a finding
        end = hash((state.disk.fingerprint(), tuple(map(repr, ends))))
        if end not in self._judged:
            self.check_end(state.disk, ends)
            self._judged.add(end)
        return end

    def touches(self, state: _State, who: int) -> tuple[Touch, ...]:
        """Return what a process's next step reads and writes."""
        wanted = self.wanted(state, who)
        if isinstance(wanted, Pause):
            return (Touch(("data", wanted.path), writes=False),)
        return touches_of(state.disk, self.pids[who], wanted)

    def is_local(self, touched: tuple[Touch, ...]) -> bool:
        """Say whether a step can't meet another process's."""
        return all(touch.thing not in self._shared for touch in touched)

    def met(self, who: int, touched: tuple[Touch, ...]) -> bool:
        """Remember a step; say whether it taught that something is shared."""
        news = False
        for touch in touched:
            users = self._users.setdefault(touch.thing, [set(), set()])
            users[touch.writes].add(who)
            everyone = users[0] | users[1]
            if users[1] and len(everyone) > 1 and touch.thing not in self._shared:
                self._shared.add(touch.thing)
                news = True
        return news

    def _wake(self, processes: list[_Process], inode: int, clock: float) -> None:
        """End the pauses for a file that was written, or by the clock."""
        for number, process in enumerate(processes):
            if process.waits_on is not None and (
                process.waits_on == inode or process.until <= clock
            ):
                after = self._scripts[number].after(process.place, None)
                processes[number] = _Process(after)

    def _schedule(
        self, chance: random.Random, length: int = 0, changes: int = 0
    ) -> tuple[tuple[int, ...], int, Any]:
        """Run one random schedule to its end.

        Args:
            chance: Decides.
            length: Expected number of steps; 0 to choose each step anew, and
                learn what is shared.
            changes: How often a priority changes.

        As many processes as may die do so, each anywhere.
        """
        state = self.first()
        count = len(self.makers)
        priorities = chance.sample(range(changes + 1, changes + 1 + count), count)
        places = {chance.randrange(1, length + 2): n for n in range(changes)}
        deaths = {chance.randrange(1, length + 2) for _ in range(self.kills)}
        schedule: list[int] = []
        while True:
            runnable = self.runnable(state)
            if not runnable:
                later = self.wait(state)
                if later is None:
                    break
                state = later
                continue
            if length and len(schedule) in deaths:
                who = chance.choice(runnable)
                state = self.kill(state, who)
                schedule.append(~who)
                continue
            if length:
                who = max(runnable, key=priorities.__getitem__)
            else:
                who = chance.choice(runnable)
            if len(schedule) in places:
                priorities[who] = places[len(schedule)]
                who = max(runnable, key=priorities.__getitem__)
            if not length:
                self.met(who, self.touches(state, who))
            state = self.step(state, who, in_place=True)
            schedule.append(who)
            self.check(state, schedule)
        try:
            end = self.settled(state)
        except AssertionError as error:
            raise Violation(_said(error), tuple(schedule)) from error
        return tuple(schedule), len(schedule), end

    def check(self, state: _State, schedule: list[int]) -> None:
        """Look at a state between two steps."""
        if len(schedule) > MANY_STEPS:
            raise Violation("no end in sight", tuple(schedule))
        who, locks = schedule[-1], state.disk.locks
        if (
            locks
            and isinstance(self.wanted(state, who), Pause)
            and any(pid == self.pids[who] for pid, _ in locks.values())
        ):
            raise Violation("it waits while it holds a lock", tuple(schedule))
        if self.check_step is not None:
            try:
                self.check_step(state.disk)
            except AssertionError as error:
                raise Violation(_said(error), tuple(schedule)) from error


@dataclass(slots=True)
class _Node:
    """A state on the path that is being searched.

    Attributes:
        runnable: Who can make a step.
        touched: What the next steps of some of them read and write.
    """

    state: _State
    runnable: list[int]
    touched: dict[int, tuple[Touch, ...]]
    choices: list[int]
    asleep: dict[int, tuple[Touch, ...]]
    preemptions: int
    kills: int


class _Search:
    """One search, depth first."""

    def __init__(self, explorer: Explorer, preemptions: int | None) -> None:
        self.explorer = explorer
        self.bound = preemptions
        self.report = Report(shared=explorer._shared)
        self.path: list[_Node] = []
        self.schedule: list[int] = []
        # Unbounded: who slept when the state was left. Bounded: the fewest
        # preemptions with which it was met.
        self.slept: dict[Any, frozenset[int]] = {}
        self.fewest: dict[Any, int] = {}

    def run(self) -> Report:
        explorer = self.explorer
        self._enter(explorer.first(), {}, 0, explorer.kills, None)
        while self.path:
            node = self.path[-1]
            if not node.choices:
                self.path.pop()
                if self.schedule:
                    self.schedule.pop()
                continue
            self._try(node, node.choices.pop())
        return self.report

    def _try(self, node: _Node, who: int) -> None:
        explorer = self.explorer
        before = self.schedule[-1] if self.schedule else None
        self.report.steps += 1
        if who < 0:
            self.schedule.append(who)
            state = explorer.kill(node.state, ~who)
            self._enter(state, {}, node.preemptions, node.kills - 1, None)
            return
        touched = node.touched.get(who)
        if touched is None:
            touched = explorer.touches(node.state, who)
        if explorer.met(who, touched):
            raise _Anew
        asleep = {
            other: theirs
            for other, theirs in node.asleep.items()
            if other != who and commute(touched, theirs)
        }
        node.asleep[who] = touched
        preemptions = node.preemptions
        if before is not None and before not in {who, ~who} and before >= 0:
            preemptions += before in node.runnable
        self.schedule.append(who)
        state = explorer.step(node.state, who)
        explorer.check(state, self.schedule)
        self._enter(state, asleep, preemptions, node.kills, who)

    def _enter(
        self,
        state: _State,
        asleep: dict[int, tuple[Touch, ...]],
        preemptions: int,
        kills: int,
        last: int | None,
    ) -> None:
        """Come to a state; find out what to try from there."""
        explorer = self.explorer
        runnable = explorer.runnable(state)
        while not runnable:
            later = explorer.wait(state)
            if later is None:
                self._end(state)
                return
            state, asleep = later, {}
            runnable = explorer.runnable(state)
        node = _Node(state, runnable, {}, [], asleep, preemptions, kills)
        node.choices, new = self._choices(node, last)
        if new:
            self.report.states += 1
        if not node.choices:
            self.report.schedules += 1
        self.path.append(node)

    def _choices(self, node: _Node, last: int | None) -> tuple[list[int], bool]:
        """Return what is to be tried from a state, the last first; whether it is new.

        Args:
            node: The state.
            last: Who made the step that led there.
        """
        state, runnable, asleep = node.state, node.runnable, node.asleep
        key: Any = (state.disk.fingerprint(), state.processes, node.kills)
        if self.bound is not None:
            return self._bounded(node, key, last)
        wanted = runnable
        for who in runnable:
            if self._is_local(node, who):
                wanted = [who]
                break
        else:
            if node.kills:
                wanted = [*wanted, *(~who for who in runnable)]
        before = self.slept.get(key)
        if before is None:
            self.slept[key] = frozenset(asleep)
            return [who for who in reversed(wanted) if who not in asleep], True
        # Met before: only what was asleep then and is awake now is missing.
        self.slept[key] = before.intersection(asleep)
        return [
            who for who in reversed(wanted) if who in before and who not in asleep
        ], False

    def _bounded(
        self, node: _Node, key: Any, last: int | None
    ) -> tuple[list[int], bool]:
        assert self.bound is not None
        runnable, preemptions = node.runnable, node.preemptions
        fewest = self.fewest.get((key, last))
        if fewest is not None and fewest <= preemptions:
            return [], False
        self.fewest[key, last] = preemptions
        goes_on = last in runnable
        if goes_on and self._is_local(node, last or 0):
            return [last or 0], fewest is None
        choices = [] if not goes_on or preemptions < self.bound else [last or 0]
        choices = choices or [*runnable]
        if node.kills:
            choices = [*choices, *(~who for who in runnable)]
        choices.sort(key=lambda who: who != last, reverse=True)
        return choices, fewest is None

    def _is_local(self, node: _Node, who: int) -> bool:
        touched = self.explorer.touches(node.state, who)
        node.touched[who] = touched
        return self.explorer.is_local(touched)

    def _end(self, state: _State) -> None:
        self.report.schedules += 1
        try:
            self.report.outcomes.add(self.explorer.settled(state))
        except AssertionError as error:
            raise Violation(_said(error), tuple(self.schedule)) from error
        self.path.append(_Node(state, [], {}, [], {}, 0, 0))


def _said(error: AssertionError) -> str:
    return str(error) or "an assertion failed"
