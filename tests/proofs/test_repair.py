"""A repair that is interrupted is begun again, and ends the same."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import repairing

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", list(repairing.DAMAGES))
def test_every_crash_is_survived(name: str, effort: int, tell: Tell) -> None:
    """Killed and powered off at each call, and run again: nothing is lost."""
    report = repairing.crashes(name, min(1.0, 0.06 * effort))
    tell(report)
    assert report.images > 5


@pytest.mark.parametrize(
    "name", ["operation", "operation of a rotated log", "lost account", "body"]
)
def test_every_error_is_survived(name: str, effort: int, tell: Tell) -> None:
    """A disk that fails or is full meanwhile costs nothing; run again, it ends."""
    report = repairing.errors(name, 5 if effort == 1 else 1)
    tell(report)
    assert report.faults > 5


@pytest.mark.parametrize("name", ["operation", "body"])
def test_mail_that_comes_behind_a_crash_stays(name: str, tell: Tell) -> None:
    """What is taken by a store that is half mended is there when it is mended."""
    report = repairing.mail_behind_crashes(name)
    tell(report)
    assert report.crashes > 10


@pytest.mark.parametrize("name", ["operation", "lost head", "mark"])
def test_mail_that_comes_meanwhile_stays(name: str, effort: int, tell: Tell) -> None:
    """A delivery beside a repair is refused, or what it brought is there."""
    report = repairing.beside_a_delivery(name, 1 if effort == 1 else 2)
    tell(report)
    assert report.states > 1_000
