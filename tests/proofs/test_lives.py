"""An account's whole life, and a crash anywhere in it. P1, P2, P3, P6."""

from collections.abc import Callable
from typing import TypeAlias

from tests.simulation import lives

Tell: TypeAlias = Callable[[object], None]


def test_every_crash_of_a_life_is_survived(seed: int, effort: int, tell: Tell) -> None:
    """2,000 distinct disks that crashes leave hold what was answered; or 100,000.

    Lives are random: deliveries, APPEND, COPY, MOVE, STORE, EXPUNGE, CREATE,
    RENAME, DELETE, subscriptions, rotation, snapshots, compaction and repair.
    """
    count = 2_000 if effort == 1 else 5_000 * effort
    report = lives.crashes(count, seed)
    tell(f"seed {seed}: {report}")
    assert report.images == count
    assert len(report.acts) > 6
    assert effort == 1 or report.acts.keys() >= lives.ACTS.keys()
