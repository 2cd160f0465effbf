"""What the time of a refusal tells: row 16 of the attacks."""

import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

from imapbox.auth.hashes import blf_crypt
from tests.conftest import EFFORT
from tests.unit.auth.test_checker import House

LONG = EFFORT >= 20
TRIES = 200 if LONG else 20
COST = 8 if LONG else 5
# Other work on the machine is felt; the long form has it to itself.
APART = 0.05 if LONG else 0.5


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Kolmogorov and Smirnov's: how far apart two distributions are at most."""
    one, other = sorted(one), sorted(other)
    return max(
        abs(bisect_right(one, x) / len(one) - bisect_right(other, x) / len(other))
        for x in (*one, *other)
    )


def test_time_does_not_tell_who_exists(
    tmp_path: Path, tell: Callable[[object], None]
) -> None:
    """A refusal takes as long for who is not there, or is locked, as for who is."""
    house = House(tmp_path / "passwd")
    right = blf_crypt(b"right", cost=COST)
    house.write(f"ana:{right}\nbob:{right}\nlocked:!\n")
    took: dict[bytes, list[float]] = {b"ana": [], b"nobody": [], b"locked": []}
    for _ in range(TRIES):
        for user, seconds in took.items():  # in turns: what disturbs disturbs all
            began = time.thread_time()
            house.login(user, b"wrong")
            seconds.append(time.thread_time() - began)
    known = took[b"ana"]
    for user in (b"nobody", b"locked"):
        ratio = statistics.median(took[user]) / statistics.median(known)
        apart = distance(took[user], known)
        tell(f"{user.decode()}: {ratio:.3f} of ana's time, distance {apart:.3f}")
        assert abs(ratio - 1) < APART
        if LONG:
            # As if drawn from one distribution, p > 0.01: 1.63 * sqrt(2 / n).
            assert apart < 1.63 * (2 / TRIES) ** 0.5
