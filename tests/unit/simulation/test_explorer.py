"""The explorer finds what is there to be found, and skips only what is equal."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call, Pause, Steps
from tests.simulation.disk import SimulatedDisk
from tests.simulation.explorer import Explorer, Violation
from tests.simulation.toys import (
    append_record,
    disk_with,
    enter_by_looking,
    enter_by_peterson,
    increment,
    noops,
    raise_flag,
    sleep_by_looking,
    with_both_locks,
    with_lock,
)


def counted(to: int) -> Callable[[SimulatedDisk, list[Any]], None]:
    def check(disk: SimulatedDisk, _: list[Any]) -> None:
        assert disk.content("count") == bytes([to]), "an update was lost"

    return check


def counters(count: int, *, locked: bool) -> Explorer:
    make = partial(with_lock, increment) if locked else increment
    disk = disk_with(count=b"\0", lock=b"-")
    return Explorer(disk, [make] * count, counted(count))


def test_a_lost_update_is_found() -> None:
    """Two who read, add and write without a lock lose an update."""
    with pytest.raises(Violation, match="an update was lost"):
        counters(2, locked=False).exhaust()


def test_a_lost_update_needs_one_preemption() -> None:
    """The bound is a bound: none lets the bug through, one finds it."""
    assert counters(2, locked=False).exhaust(preemptions=0).schedules > 0
    with pytest.raises(Violation, match="an update was lost"):
        counters(2, locked=False).exhaust(preemptions=1)


def test_a_lost_update_is_found_by_chance() -> None:
    """Random schedules find it, too, and the same seed makes the same ones."""
    with pytest.raises(Violation) as first:
        counters(3, locked=False).sample(100, seed=1)
    with pytest.raises(Violation) as second:
        counters(3, locked=False).sample(100, seed=1)
    assert first.value.schedule == second.value.schedule


@pytest.mark.parametrize("count", [2, 3])
def test_a_lock_saves_the_update(count: int) -> None:
    """Under the lock no schedule loses anything, and nobody waits for ever."""
    report = counters(count, locked=True).exhaust()
    assert report.states > 20
    assert counters(count, locked=True).sample(200, seed=2).schedules == 200


def test_a_dead_holder_frees_the_lock() -> None:
    """When either may die anywhere, the other still gets the lock."""

    def check(disk: SimulatedDisk, ends: list[Any]) -> None:
        alive = sum(end is not None for end in ends)
        assert alive <= disk.content("count")[0] <= len(ends)
        seen.add((alive, disk.content("count")[0]))

    seen: set[tuple[int, int]] = set()
    explorer = counters(2, locked=True)
    explorer.check_end, explorer.kills = check, 1
    explorer.exhaust()
    assert seen == {(2, 2), (1, 1), (1, 2)}


FLAGS = {"a": b"0", "b": b"0", "turn": b"a", "inside": b"0"}


def test_looking_before_raising_a_flag_is_no_mutual_exclusion() -> None:
    """The oldest mistake of all is found."""
    makers = [partial(enter_by_looking, *pair) for pair in ("ab", "ba")]
    with pytest.raises(Violation, match="two are inside"):
        Explorer(disk_with(**FLAGS), makers).exhaust()


def test_peterson_is_right() -> None:
    """Peterson's algorithm passes, so the explorer invents nothing."""
    makers = [partial(enter_by_peterson, *pair) for pair in ("ab", "ba")]
    assert Explorer(disk_with(**FLAGS), makers).exhaust().states > 100


def test_a_wake_up_that_came_too_early_is_a_deadlock() -> None:
    """Who looks first and then waits may wait for ever; that is found."""
    makers = [partial(sleep_by_looking, "flag"), partial(raise_flag, "flag")]
    with pytest.raises(Violation, match="nobody can go on"):
        Explorer(disk_with(flag=b"0"), makers).exhaust()


@pytest.mark.parametrize("second", ["ab", "ba"])
def test_who_waits_with_a_lock_in_his_hand_is_found(second: str) -> None:
    """That is found where it ends in a deadlock, and where an order prevents one."""
    makers = [partial(with_both_locks, *pair) for pair in ("ab", second)]
    with pytest.raises(Violation, match="waits while it holds a lock"):
        Explorer(disk_with(a=b"-", b=b"-"), makers).exhaust()


def founding_bug(rule: str, deliveries: int, *, locked: bool = True) -> Explorer:
    disk = disk_with(index=b"\0", lock=b"-")
    disk.advance_clock(1)
    makers = [partial(noops, rule, 2)]
    makers += [partial(append_record, locked=locked)] * deliveries
    return Explorer(disk, makers)


@pytest.mark.parametrize(
    ("rule", "deliveries"),
    [("mtime", 1), ("mtime and size", 2)],
)
def test_the_founding_bug_is_found(rule: str, deliveries: int) -> None:
    """Who trusts a modification time misses a delivery."""
    with pytest.raises(Violation, match="a NOOP missed a delivery"):
        founding_bug(rule, deliveries).exhaust()


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["count", "lock"])
def test_reading_the_count_each_time_is_right(rule: str, effort: int) -> None:
    """The good readers of design §1 miss nothing."""
    deliveries = 1 if effort == 1 and rule == "lock" else 2  # 40,000 states
    assert founding_bug(rule, deliveries).exhaust().states > 100


# Any program against the plainest search: no reduction of any kind.

# Few names, so that they meet.
CALLS = st.sampled_from(
    [
        ("read", "x"),
        ("write", "x"),
        ("grow", "x"),
        ("grow", "y"),
        ("read", "y"),
        ("make", "p"),
        ("remove", "p"),
        ("list", ""),
        ("lock", "y"),
        ("wait", "x"),
    ]
)
PROGRAMS = st.one_of(
    st.tuples(*[st.lists(CALLS, max_size=4)] * 2),
    st.tuples(*(st.lists(CALLS, max_size=size) for size in (2, 1, 1))),
)


def interpret(mark: bytes, program: list[tuple[str, str]]) -> Steps[tuple[Any, ...]]:
    """Do what the program says; return all that was seen."""
    fds: dict[str, int] = {}
    for name in sorted({name for _, name in program} & set("xy")):
        fds[name] = yield from steps.open_file(name, Mode.WRITE)
    seen: list[Any] = []
    for verb, name in program:
        try:
            seen.append((yield from _one(verb, name, fds.get(name, 0), mark)))
        except OSError as error:
            seen.append(error.errno)
    return tuple(seen)


def _one(verb: str, name: str, fd: int, mark: bytes) -> Steps[Any]:
    match verb:
        case "read":
            return (yield from steps.pread(fd, 9, 0))
        case "write":
            yield from steps.pwrite(fd, mark, 0)
        case "grow":
            size = yield from steps.size(fd)
            yield from steps.pwrite(fd, mark, size)
            return size
        case "make":
            yield from steps.open_file(name, Mode.CREATE)
        case "remove":
            yield from steps.unlink(name)
        case "list":
            return tuple((yield from steps.list_directory("")))
        case "lock":
            return (yield from steps.try_lock(fd))
        case "wait":
            yield Pause(name, 5)
    return None


def polite(program: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out waits behind a lock: the explorer lets nobody wait who may hold one."""
    verbs = [verb for verb, _ in program]
    first = verbs.index("lock") if "lock" in verbs else len(verbs)
    return [step for n, step in enumerate(program) if n < first or step[0] != "wait"]


def all_endings(explorer: Explorer) -> set[Any]:
    """Return the outcomes of all schedules, tried one by one."""
    found = set()
    stack = [explorer.first()]
    while stack:
        state = stack.pop()
        runnable = explorer.runnable(state)
        if runnable:
            stack += [explorer.step(state, who) for who in runnable]
        elif (later := explorer.wait(state)) is not None:
            stack.append(later)
        else:
            found.add(explorer.settled(state))
    return found


@pytest.mark.slow
@given(PROGRAMS)
def test_nothing_is_lost_by_reduction(
    programs: tuple[list[tuple[str, str]], ...],
) -> None:
    """The reduced search finds every outcome that the plain one finds."""
    disk = disk_with(x=b"1", y=b"2")

    def make() -> Explorer:
        outcomes.clear()
        return Explorer(
            disk,
            [
                partial(interpret, bytes([65 + number]), polite(program))
                for number, program in enumerate(programs)
            ],
            lambda disk, ends: outcomes.add(
                (
                    tuple(sorted(disk.tree().items())),
                    tuple(ends),
                )
            ),
        )

    outcomes: set[Any] = set()
    all_endings(make())
    plain = set(outcomes)
    make().exhaust()
    assert outcomes == plain
    make().exhaust(preemptions=99)
    assert outcomes == plain


def test_an_error_that_nobody_expected_is_found() -> None:
    """A process that ends with an error is a finding unless it was allowed."""

    def fails() -> Steps[None]:
        yield Call("monotonic", ())
        raise KeyError("oops")

    with pytest.raises(Violation, match="KeyError"):
        Explorer(disk_with(), [fails]).exhaust()
    assert Explorer(disk_with(), [fails], allowed=(KeyError,)).exhaust().schedules
