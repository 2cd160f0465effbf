"""What an exploration, or a walk over crashes, comes to."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Violation(Exception):
    """A schedule that ends badly.

    Attributes:
        schedule: Which process made each step.
    """

    def __init__(self, reason: str, schedule: tuple[int, ...]) -> None:
        super().__init__(f"{reason}; schedule: {' '.join(map(str, schedule))}")
        self.reason = reason
        self.schedule = schedule


@dataclass(slots=True)
class Report:
    """How much was looked at.

    Attributes:
        schedules: Ways to the end, or to a state that was met before.
        states: Different states.
        steps: Calls made.
        outcomes: Different ways in which it ended.
        shared: What more than one process uses and someone writes.
    """

    schedules: int = 0
    states: int = 0
    steps: int = 0
    outcomes: set[Any] = field(default_factory=set)
    shared: set[tuple[str, str]] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.schedules} schedules, {self.states} states, {self.steps} steps,"
            f" {len(self.outcomes)} outcomes"
        )


class CrashReport(NamedTuple):
    """How many crashes were looked at.

    Attributes:
        images: Different disks.
        crashes: Disks, with what had been promised and what else could be lost.
        faults: Places where a call failed.
    """

    images: int
    crashes: int
    faults: int = 0

    def __str__(self) -> str:
        return f"{self.crashes} crashes, {self.images} images, {self.faults} faults"
