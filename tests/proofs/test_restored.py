"""New UIDVALIDITYs for all, once in a run, whatever crashes."""

from collections.abc import Callable
from typing import TypeAlias

from tests.simulation import restoring

Tell: TypeAlias = Callable[[object], None]


def test_every_crash_is_survived(effort: int, tell: Tell) -> None:
    """Killed and powered off at every call, and run again: each mailbox has one."""
    report = restoring.crashes(min(1.0, 0.7 * effort))
    tell(report)
    assert report.images > 100


def test_every_error_is_survived(tell: Tell) -> None:
    """A disk that fails or is full meanwhile is told of; run again, it is done."""
    report = restoring.errors()
    tell(report)
    assert report.faults > 10


def test_beside_a_delivery(effort: int, tell: Tell) -> None:
    """Mail that comes meanwhile is there, under the new UIDVALIDITY."""
    report = restoring.beside_a_delivery(1 if effort == 1 else 2)
    tell(report)
    assert report.schedules
