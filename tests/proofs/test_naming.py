"""Mailboxes are made, renamed and deleted as was answered, whoever is there."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import naming

Tell: TypeAlias = Callable[[object], None]


def test_every_crash_is_survived(effort: int, tell: Tell) -> None:
    """Killed and powered off at every call, the tree is what was answered."""
    report = naming.crashes(min(1.0, 0.08 * effort))
    tell(report)
    assert report.crashes > 50


def test_every_crash_is_survived_where_segments_go(effort: int, tell: Tell) -> None:
    """Nor is anything lost where each change begins a segment, and removes another."""
    report = naming.crashes_where_segments_go(min(1.0, 0.05 * effort))
    tell(report)
    assert report.crashes > 50


@pytest.mark.parametrize(
    "name",
    [
        "two_of_one_name",
        "two_mailboxes",
        "two_to_one_name",
        "a_deletion_beside_a_delivery",
    ],
)
def test_two_at_once_agree(name: str, effort: int, tell: Tell) -> None:
    """Of two who want one name one gets it; what is deleted takes no message."""
    report = getattr(naming, name)(1 if effort == 1 else 3)
    tell(report)
    assert report.states > 500
