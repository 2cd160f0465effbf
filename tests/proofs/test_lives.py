"""An account's whole life, and a crash anywhere in it. P1, P2, P3, P6."""

from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from tests.simulation import lives
from tests.simulation.life import ACTS

Tell: TypeAlias = Callable[[object], None]

SHARES: Final = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_every_crash_of_a_life_is_survived(
    seed: int, effort: int, share: int, tell: Tell
) -> None:
    """5,000 distinct disks that crashes leave hold what was answered; or 100,000.

    Lives are random: deliveries, APPEND, COPY, MOVE, STORE, EXPUNGE, CREATE,
    RENAME, DELETE, subscriptions, rotation, snapshots, compaction and repair.
    Each share has its own lives.
    """
    count = 5_000 * effort // SHARES
    report = lives.crashes(count, f"{seed} {share}")
    tell(f"seed {seed}, share {share}: {report}")
    assert report.images == count
    assert len(report.acts) > 6
    if effort > 1:
        assert report.acts.keys() >= ACTS.keys()
        assert report.events.keys() >= set(lives.EVENTS.values())
