"""What was acknowledged survives; what was not is whole or absent.

A workload of deliver, append, store, expunge and rotation is killed and
powered off at every call. Images are counted by what is in them.
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import crashes, transfers
from tests.simulation.report import CrashReport

Tell: TypeAlias = Callable[[object], None]


def test_every_crash_is_survived(tell: Tell, effort: int) -> None:
    """P1, P2 and P3 hold behind every kill and every power loss."""
    report = crashes.of_everything(min(1.0, 0.2 * effort))
    tell(report)
    assert report.crashes > 200


def test_a_crash_loses_nothing_to_a_snapshot(tell: Tell, effort: int) -> None:
    """They hold while snapshots are made, torn, found, and found wanting."""
    report = crashes.with_snapshots(min(1.0, 0.3 * effort))
    tell(report)
    assert report.crashes > 200


def test_a_crash_inside_recovery_is_survived(tell: Tell, effort: int) -> None:
    """They hold behind a second crash, too, and what was shown once stays."""
    shares = (0.0005, 0.3) if effort == 1 else (0.001 * effort, 1.0)
    report = crashes.second_crashes(*shares)
    tell(report)
    assert report.crashes > 100


def test_what_a_recovery_shows_stays(tell: Tell) -> None:
    """What whoever recovers behind a kill shows is durable before it is shown."""
    report = crashes.second_crashes_behind_kills()
    tell(report)
    assert report.images > 300


@pytest.mark.parametrize(
    "name",
    [
        "failed_syncs",
        "failed_syncs_and_kills",
        "failed_writes",
        "failed_heads",
        "full_disks",
        "full_disks_behind_half",
        "disks_that_stay_full",
        "full_disks_that_copy",
    ],
)
def test_every_error_is_survived(name: str, tell: Tell, effort: int) -> None:
    """They hold when any sync or write fails, and crashes follow that."""
    report: CrashReport = getattr(crashes, name)(min(1.0, 0.1 * effort))
    tell(report)
    assert report.faults > 3
    assert report.crashes > 30


def test_a_snapshot_that_can_not_be_opened_harms_nothing(tell: Tell) -> None:
    """For want of a descriptor, at any call: no mark, and the next one is made."""
    report = crashes.unopened_snapshots()
    tell(report)
    assert report.faults > 10


def test_an_account_is_made_or_not(tell: Tell) -> None:
    """A crash while an account is made leaves it, or nothing in the way."""
    report = crashes.of_an_account_in_the_making()
    tell(report)
    assert report.images > 60


def test_a_moved_message_is_never_nowhere(tell: Tell, effort: int) -> None:
    """A crash leaves what is moved in one or both mailboxes; copies all or none."""
    report = transfers.crashes(min(1.0, 0.2 * effort))
    tell(report)
    assert report.crashes > 100


def test_what_is_moved_to_another_user_is_never_nowhere(tell: Tell) -> None:
    """So it is where the mailboxes are two users'."""
    report = transfers.crashes_between_accounts(0.2)
    tell(report)
    assert report.images > 100


def test_a_head_that_finds_no_room_is_survived(tell: Tell, effort: int) -> None:
    """What was refused because the head could not be written is not there."""
    report = crashes.full_disks_at_the_head(min(1.0, 0.1 * effort))
    tell(report)
    assert report.faults > 3
