"""Whatever call fails, and however: the answer is right, and nothing is lost. P1, P2.

The whole product from the client's octets down, on the simulated disk: ENOSPC,
EDQUOT, EIO, EMFILE and EINTR at every call, once or from then on, writes of which
half is taken, and a disk that turns read-only; then, or before, a crash.
"""

import random
from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import refusals

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", refusals.COMMANDS)
def test_whatever_call_fails(name: str, effort: int, tell: Tell) -> None:
    """A command is done, or refused with the right code: no lock is left, no file."""
    points = 1.0 if effort > 1 else 0.01
    report = refusals.one_fails(name, effort, points, random.Random(name))
    tell(report)
    assert report.tried > 30
    assert len(report.answers) > 2


@pytest.mark.parametrize("name", refusals.DELIVERIES)
def test_whatever_two_calls_of_a_delivery_fail(
    name: str, effort: int, tell: Tell
) -> None:
    """So it is where any two calls of one delivery fail."""
    points = 1.0 if effort > 1 else 0.01
    report = refusals.two_fail(name, effort, points, random.Random(name))
    tell(report)
    assert report.tried > 300
    assert len(report.answers) > 3
