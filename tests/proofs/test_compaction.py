"""Compaction loses nothing, whoever is there at the same time, whatever crashes."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import compaction
from tests.simulation.fault import UNOPENED

Tell: TypeAlias = Callable[[object], None]


def test_every_crash_is_survived(effort: int, tell: Tell) -> None:
    """Killed and powered off at every call; then it is done to the end."""
    report = compaction.crashes(min(1.0, 0.1 * effort))
    tell(report)
    assert report.crashes > 150


def test_a_crash_behind_a_crash_is_survived(effort: int, tell: Tell) -> None:
    """Who ends what a crash cut short may crash in turn, anywhere."""
    shares = (0.006, 0.05) if effort == 1 else (0.012 * effort, 0.15)
    report = compaction.second_crashes(*shares)
    tell(report)
    assert report.crashes > 50


def test_every_error_is_survived(effort: int, tell: Tell) -> None:
    """A disk that fails or is full while it compacts costs no message."""
    report = compaction.errors(3 if effort == 1 else 1)
    tell(report)
    assert report.faults > 20


def test_what_can_not_be_opened_is_no_damage(effort: int, tell: Tell) -> None:
    """For want of a descriptor, at any call: no mark, and it goes on later."""
    step, errors = (5, UNOPENED[:1]) if effort == 1 else (1, UNOPENED)
    report = compaction.unopened(step, errors)
    tell(report)
    assert report.faults > 30


@pytest.mark.parametrize(
    "name",
    [
        "beside_a_delivery",
        "beside_a_flagger",
        "beside_a_reader",
        "beside_a_late_reader",
        "beside_an_opener_without_grace",
    ],
)
def test_whoever_is_there_loses_nothing(name: str, effort: int, tell: Tell) -> None:
    """Deliveries, flags and bodies are there in the end, and the reader's while."""
    report = getattr(compaction, name)(1 if effort == 1 else 2)
    tell(report)
    assert report.states > 1_000


@pytest.mark.parametrize(
    "name",
    ["a_check_beside_a_compaction", "a_check_beside_a_compaction_without_grace"],
)
def test_a_check_never_cries_wolf(name: str, effort: int, tell: Tell) -> None:
    """Segments that are being removed are no damage, whatever a check sees of them."""
    report = getattr(compaction, name)(1 if effort == 1 else 2)
    tell(report)
    assert report.states > 1_000


def test_two_compactions_at_once(effort: int, tell: Tell) -> None:
    """They are in one another's way, and do no harm."""
    report = compaction.two_compactions(0 if effort == 1 else 1)
    tell(report)
    assert report.schedules


def test_all_at_once(seed: int, effort: int, tell: Tell) -> None:
    """A compaction, a reader, a flagger and a deliverer in random schedules."""
    count = 30 if effort == 1 else 100 * effort
    report = compaction.random_schedules(count, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == count


def test_no_schedule_with_a_death_hides_a_message(
    seed: int, effort: int, tell: Tell
) -> None:
    """Nor beside a compaction, a rotation and a death does a NOOP miss a message.

    100 schedules with random priorities (PCT); 100,000 in the long form.
    """
    count = 100 if effort == 1 else 5_000 * effort
    report = compaction.three_at_random(count, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == count
    assert report.states > count // 2
