"""A mailbox that is restored in its place loses nothing, whatever happens."""

from collections.abc import Callable
from typing import TypeAlias

from tests.simulation import taking_back

Tell: TypeAlias = Callable[[object], None]


def test_mail_that_comes_meanwhile_is_there(seed: int, effort: int, tell: Tell) -> None:
    """Whenever it is answered, it is in the mailbox in the end, and once."""
    report = taking_back.beside_a_delivery(1 if effort == 1 else 2)
    tell(report)
    assert report.schedules
    report = taking_back.at_random(20 * effort, seed)
    tell(f"seed {seed}: {report}")


def test_what_is_changed_meanwhile_is_changed(effort: int, tell: Tell) -> None:
    """A STORE or EXPUNGE of what is kept holds, whenever it is answered."""
    report = taking_back.beside_a_flagger(1 if effort == 1 else 2)
    tell(report)
    assert report.schedules


def test_every_crash_leaves_the_old_or_the_new(effort: int, tell: Tell) -> None:
    """Killed or powered off anywhere, it is as it was or shall be, also done again."""
    report = taking_back.crashes(min(1.0, 0.3 * effort))
    tell(report)
    assert report.images > 100


def test_every_error_leaves_the_old_or_the_new(effort: int, tell: Tell) -> None:
    """A disk that fails costs no mailbox; done again, it is as it shall be."""
    report = taking_back.errors(3 if effort == 1 else 1)
    tell(report)
    assert report.faults > 10
