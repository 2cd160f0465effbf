"""MOVE loses nothing and doubles nothing, whoever is at work at the same time."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import moves

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize(
    "name",
    [
        "in_both_directions",
        "of_the_same_message",
        "beside_a_delivery_there",
        "beside_a_delivery_here",
        "beside_a_reader",
    ],
)
def test_no_schedule_of_two_harms_a_message(name: str, effort: int, tell: Tell) -> None:
    """Each message is where it was moved to in the end, and never nowhere."""
    report = getattr(moves, name)(2 if effort == 1 else 3)
    tell(report)
    assert report.states > 2_000


def test_a_mover_that_dies_loses_nothing(effort: int, tell: Tell) -> None:
    """What it was moving is in one mailbox or in both, and others go on."""
    report = moves.of_which_one_dies(0 if effort == 1 else 2)
    tell(report)
    assert report.states > 1_000


def test_all_at_once(seed: int, effort: int, tell: Tell) -> None:
    """Two movers, a deliverer and a reader in random schedules."""
    count = 100 if effort == 1 else 300 * effort
    report = moves.random_schedules(count, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == count
