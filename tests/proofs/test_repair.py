"""A repair that is interrupted is begun again, and ends the same."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import repairing

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", list(repairing.DAMAGES))
def test_every_crash_is_survived(name: str, effort: int, tell: Tell) -> None:
    """Killed and powered off at each call, and run again: nothing is lost."""
    report = repairing.crashes(name, min(1.0, 0.25 * effort))
    tell(report)
    assert report.images > 5
