"""The founding bug is dead: no NOOP after a 250 misses a message.

The product's own lock and index code, stepped call by call on a simulated disk
and clock. What was looked at is printed at the end of the run.
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import proofs
from tests.simulation.broken_readers import BROKEN, LOCK_EACH_TIME, READ
from tests.simulation.explorer import Violation
from tests.simulation.patching import Edit, patched, proof

Tell: TypeAlias = Callable[[object], None]

MISSED = "a NOOP missed a delivery"


@pytest.mark.parametrize(
    "name",
    [
        "noop_and_delivery",
        "noop_across_rotation",
        "two_writers",
        "two_writers_rotate",
        "two_writers_one_dies",
    ],
)
def test_no_schedule_of_two_misses_a_message(name: str, tell: Tell) -> None:
    """In every schedule of two processes each NOOP reports what was answered."""
    report = getattr(proofs, name)()
    tell(report)
    assert report.schedules > 100
    assert report.states > 1_000


def test_no_schedule_of_three_misses_a_message(effort: int, tell: Tell) -> None:
    """Nor does any of three processes with at most two preemptions."""
    report = proofs.three_processes(2 if effort == 1 else 4)
    tell(report)
    assert report.states > 50_000


def test_no_random_schedule_misses_a_message(
    seed: int, effort: int, tell: Tell
) -> None:
    """Nor does any of 1,000 random ones; of 100,000 in the long form."""
    count = 1_000 if effort == 1 else 5_000 * effort
    report = proofs.random_schedules(count, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == count


def test_no_snapshot_hides_a_message(effort: int, seed: int, tell: Tell) -> None:
    """Nor does anybody who opens the mailbox while snapshots are made of it."""
    report = proofs.noop_and_snapshots(1 if effort == 1 else 2)
    tell(report)
    assert report.states > 1_000
    count = 20 if effort == 1 else 100 * effort
    report = proofs.random_snapshots(count, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == count


def test_a_snapshot_is_of_one_moment(tell: Tell) -> None:
    """What changes while a snapshot is made is not in it."""
    tell(f"{proofs.saved_while_it_changes()} snapshots")


def test_a_snapshot_of_another_log_is_not_used() -> None:
    """A log that was restored from a copy is read, not what was saved of another."""
    assert proofs.logs_in_the_place_of_others() == 3


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_reader_is_caught(name: str, tell: Tell) -> None:
    """Each reader that trusts a modification time misses a message somewhere."""
    with patched(*BROKEN[name]), pytest.raises(Violation, match=MISSED) as caught:
        proof("proofs.noop_with_few_preemptions")
    tell(caught.value.reason)


def test_locking_for_each_look_is_right_too(tell: Tell) -> None:
    """Who takes the lock for each look misses nothing: the explorer is fair."""
    with patched(*LOCK_EACH_TIME):
        report = proof("proofs.noop_and_one_delivery")
    tell(report)


def test_a_patch_that_does_not_apply_is_an_error() -> None:
    """A change of the reader that outdates the patches is noticed."""
    with (
        pytest.raises(LookupError, match="does not apply"),
        patched(Edit(READ, "these lines are not there\n", "")),
    ):
        pass
