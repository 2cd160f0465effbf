"""A check beside whoever is at work."""

from collections.abc import Callable

import pytest

from tests.simulation import checking


@pytest.mark.parametrize("name", checking.CASES)
def test_a_check_never_cries_wolf(
    name: str, seed: int, effort: int, tell: Callable[[object], None]
) -> None:
    """Writers at work are no damage, whatever a check sees of them."""
    report = checking.beside(name, 0 if effort == 1 else 1)
    tell(report)
    assert report.schedules
    tell(f"seed {seed}: {checking.at_random(name, 100 * effort, seed)}")
