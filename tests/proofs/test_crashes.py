"""What was acknowledged survives; what was not is whole or absent.

A workload of deliver, append, store, expunge and rotation is killed and
powered off at every call. Images are counted by what is in them.
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import proofs

Tell: TypeAlias = Callable[[object], None]


def test_every_crash_is_survived(tell: Tell) -> None:
    """P1, P2 and P3 hold behind every kill and every power loss."""
    report = proofs.crashes()
    tell(report)
    assert report.images > 1_000


def test_a_crash_inside_recovery_is_survived(tell: Tell, effort: int) -> None:
    """They hold behind a second crash, too, and what was shown once stays."""
    report = proofs.second_crashes(0.004 * effort)
    tell(report)
    assert report.images > 1_000


@pytest.mark.parametrize(
    "name",
    [
        "failed_syncs",
        "failed_writes",
        "full_disks",
        "full_disks_behind_half",
        "disks_that_stay_full",
    ],
)
def test_every_error_is_survived(name: str, tell: Tell) -> None:
    """They hold when any sync or write fails, and crashes follow that."""
    report = getattr(proofs, name)()
    tell(report)
    assert report.faults > 3
    assert report.images > 500
