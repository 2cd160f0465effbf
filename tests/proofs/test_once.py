"""What is sent again because its reply was lost is not stored again. P2."""

from collections.abc import Callable
from typing import TypeAlias

from tests.simulation import on_purpose, once

Tell: TypeAlias = Callable[[object], None]


def test_no_crash_makes_two_of_one(tell: Tell, effort: int) -> None:
    """Behind every crash of a delivery, what is sent again is there once."""
    report = once.crashes(0.1 if effort == 1 else 0.4 * effort)
    tell(report)
    assert report.crashes > 100


def test_no_error_makes_two_of_one_or_none(tell: Tell, effort: int) -> None:
    """So it is behind each error; what is not stored is never taken for stored."""
    report = once.errors(0.02 if effort == 1 else 0.1 * effort)
    tell(report)
    assert report.faults > 10
    assert report.crashes > 100


def test_no_crash_makes_one_of_two(tell: Tell) -> None:
    """What is sent again on purpose, behind a reply that was read, is there twice."""
    report = on_purpose.crashes()
    tell(report)
    assert report.crashes > 50


def test_sent_to_two_at_once_it_is_stored_once(tell: Tell) -> None:
    """Two processes that are sent the same at once store it once, in each schedule."""
    for report in once.at_once():
        tell(report)
