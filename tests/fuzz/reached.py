"""Which steps from line to line an input takes in the product, and how often."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import imapbox

HOME = str(Path(imapbox.__file__).parent)
# File, line, next line.
Step = tuple[str, int, int]
# So often, or more often, is all the same; below it is counted in powers of two.
_OFTEN = 5


def steps_of(target: Callable[[bytes], None], octets: bytes) -> set[tuple[Step, int]]:
    """Return the steps that a target takes with an input, and roughly how often."""
    steps: Counter[Step] = Counter()

    def follow(frame: FrameType, _event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        before = frame.f_lineno

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            if event == "line":
                steps[frame.f_code.co_filename, before, frame.f_lineno] += 1
                before = frame.f_lineno
            return step

        return step

    sys.settrace(follow)
    try:
        target(octets)
    finally:
        sys.settrace(None)
    return {(step, min(count.bit_length(), _OFTEN)) for step, count in steps.items()}


def fewest(target: Callable[[bytes], None], inputs: Iterable[bytes]) -> list[bytes]:
    """Return inputs that take all the steps that all inputs take, small ones first."""
    reached: set[tuple[Step, int]] = set()
    kept = []
    for octets in sorted(set(inputs), key=lambda each: (len(each), each)):
        steps = steps_of(target, octets)
        if steps - reached:
            reached |= steps
            kept.append(octets)
    return kept
