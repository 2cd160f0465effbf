"""A mailbox that is restored in its place loses nothing that comes meanwhile."""

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
