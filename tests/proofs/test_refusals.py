"""Whatever call fails, and however: the answer is right, and nothing is lost. P1, P2.

The whole product from the client's octets down, on the simulated disk: ENOSPC,
EDQUOT, EIO, EMFILE and EINTR at every call, once or from then on, EFBIG at every
write, writes of which half is taken, a disk that turns read-only, and no descriptor,
no memory and no permission wherever something is opened; then, or before, a crash.
"""

import random
from collections.abc import Callable
from typing import TypeAlias
from unittest.mock import patch

import pytest

from imapbox.index import shed
from tests.conftest import EFFORT
from tests.simulation import refusals

Tell: TypeAlias = Callable[[object], None]


COMMANDS = [
    name for name in refusals.COMMANDS if EFFORT > 1 or name not in refusals.LONG_ONLY
]


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_call_fails(name: str, effort: int, tell: Tell) -> None:
    """A command is done, or refused with the right code: no lock is left, no file.

    What could not be opened is no damage, and the same command is then done.
    """
    points = 1.0 if effort > 1 else 0.01
    report = refusals.one_fails(name, effort, points, random.Random(name))
    tell(report)
    assert report.tried > 30
    assert len(report.answers) > 2


def test_whatever_call_fails_where_segments_go(effort: int, tell: Tell) -> None:
    """So it is where an account's log begins a segment, and removes another."""
    points = 1.0 if effort > 1 else 0.01
    with patch.multiple(shed, LEAST=0, GROWN=0, KEPT=1):
        report = refusals.one_fails("subscribe", effort, points, random.Random(1))
    tell(report)
    assert report.tried > 30


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
