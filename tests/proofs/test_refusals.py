"""Whatever call fails, and however: the answer is right, and nothing is lost. P1, P2.

The whole product from the client's octets down, on the simulated disk: ENOSPC,
EDQUOT, EIO, EMFILE and EINTR at every call, once or from then on, and writes of
which half is taken.
"""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import refusals

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", refusals.COMMANDS)
def test_whatever_call_fails(name: str, effort: int, tell: Tell) -> None:
    """A command is done, or refused with the right code: no lock is left, no file."""
    report = refusals.one_fails(name, min(1.0, 0.05 * effort), min(1.0, 0.05 * effort))
    tell(report)
    assert report.places > 20
    assert len(report.answers) > 2


def test_whatever_two_calls_of_a_delivery_fail(effort: int, tell: Tell) -> None:
    """So it is where any two calls of one delivery fail."""
    report = refusals.two_fail(1.0 if effort > 1 else 0.002)
    tell(report)
    assert report.places > 100
