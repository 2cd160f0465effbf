"""A copy of a live store is whole and sound, whoever works on the store."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import store_copies

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", store_copies.OTHERS)
def test_whoever_is_there_changes_nothing(name: str, effort: int, tell: Tell) -> None:
    """What was answered before it was begun is in the copy; a moved message once."""
    report = store_copies.beside(name, 1 if effort == 1 else 2)
    tell(report)
    assert report.schedules


@pytest.mark.parametrize("name", ["a delivery", "a move"])
def test_it_may_be_made_on_another_machine(name: str, effort: int, tell: Tell) -> None:
    """Also where the store's heads are always those of other machines."""
    report = store_copies.from_another_machine(name, 1 if effort == 1 else 2)
    tell(report)
    assert report.schedules


def test_what_is_purged_meanwhile_is_whole_or_gone(effort: int, tell: Tell) -> None:
    """Octets that compaction punches out before they are copied are missed."""
    report = store_copies.beside_a_purge(1 if effort == 1 else 2)
    tell(report)
    assert report.schedules


def test_all_at_once(seed: int, effort: int, tell: Tell) -> None:
    """A copy beside a deliverer, a mover and a compaction in random schedules."""
    report = store_copies.at_random(20 * effort, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == 20 * effort


def test_every_crash_is_survived(effort: int, tell: Tell) -> None:
    """Finished, a copy is whole; begun anew behind a crash it has all that was said."""
    report = store_copies.crashes(min(1.0, 0.2 * effort))
    tell(report)
    assert report.images > 300


def test_what_can_not_be_opened_costs_no_more_than_the_copy(tell: Tell) -> None:
    """For want of a descriptor, at any call: no mark, and the next one is whole."""
    report = store_copies.unopened()
    tell(report)
    assert report.faults > 100
