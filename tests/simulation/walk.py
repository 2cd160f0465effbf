"""Walking over all crashes of a workload, and over all calls that may fail."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.crash import Crash, Crashes
from tests.simulation.fault import FAILURES, Fault
from tests.simulation.report import CrashReport


def walk(
    found: Crashes, check: Callable[[Crash], object], share: float = 1.0
) -> CrashReport:
    """Look at each crash.

    Args:
        found: The crashes.
        check: Raises where one is not survived.
        share: Of the power losses, how many are looked at. Kills all are.
    """
    chance = random.Random(0)
    count = 0
    for crash in found:
        if crash.kind == "power" and chance.random() >= share:
            continue
        count += 1
        check(crash)
    return CrashReport(found.images, count)


def walk_errors(
    attempt: Callable[[Fault], object],
    failures: Sequence[Fault] = FAILURES,
    *,
    step: int = 1,
) -> int:
    """Let one call fail, each in turn, until none is left; return how many did.

    Args:
        attempt: Does the work with this fault; raises if that is not survived.
        failures: How it may fail.
        step: Only each so-many-th is tried.
    """
    places = 0
    for failure in failures:
        for number in itertools.count(1, step):
            fault = replace(failure, number=number)
            attempt(fault)
            if not fault.fired:
                break
            places += 1
    return places
