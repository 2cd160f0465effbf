"""Cut off from the file system at any call, a process says no more that it's done."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import fencing

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", fencing.COMMANDS)
def test_nothing_is_believed_behind_the_cut(name: str, effort: int, tell: Tell) -> None:
    """What is acknowledged is what all others see; nothing else works, or is marked."""
    report = fencing.at_each_call(name, 4 if effort == 1 else 1)
    tell(report)
    assert report.faults > 10
