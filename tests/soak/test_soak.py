"""Four processes, three of which are killed now and then, for a long time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import imapbox.index.mailbox_state
from imapbox.index.checked_log import Severity
from tests.kills.books import faults
from tests.soak.leftovers import cuts, leftovers, shed
from tests.soak.server import LIFETIME
from tests.soak.servers import servers
from tests.soak.soak import PASSWORDS, USERS, Round, Soak


@dataclass(frozen=True)
class Length:
    """How long it takes.

    Attributes:
        rounds: How many.
        round: Each.
        grace: For how many seconds what is gone stays.
        warm_up: After so many seconds the fourth process holds what it will.
    """

    rounds: int
    round: Round
    grace: float
    warm_up: float


SHORT = Length(2, Round(1_400, 150, 1, 0.0), 5.0, 0.0)
# What its threads keep of free blocks fills slowly (docs/performance.md): it begins
# to be measured when 15 minutes have gone by, and then for 30 at least. What the
# mailboxes hold comes and goes by more than that within 25 minutes, hence so many.
LONG = Length(100, Round(28_000, 2_800, 2, 60.0), 60.0, 900.0)
MOST = 1.0  # MiB an hour
# Of each account a head, and of each mailbox that is there, or was just made, a
# head and a snapshot; and the head of the register of who shares what.
MAIL = len(USERS) * (1 + 2 * (6 + 1)) + 1


@pytest.mark.slow
def test_four_processes_for_a_long_time(
    tmp_path: Path,
    effort: int,
    seed: int,
    tell: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is killed, sessions agree; no memory is lost, and no file is left."""
    length = LONG if effort >= 20 else SHORT
    store = tmp_path / "store"
    began = time.monotonic()
    with servers(tmp_path, store, PASSWORDS, length.grace) as four:
        soak = Soak(four, store, seed)
        soak.begin()
        for _ in range(length.rounds):
            soak.round(length.round)
            tell(soak.figures.last())
            if length is LONG:
                soak.clean(length.grace)
        first, *rest = map(soak.look, four)
        assert all(seen == first for seen in rest)
        ends = [Path(f"/proc/{server.pid}") for server in four]
    took = time.monotonic() - began
    assert not any(end.exists() for end in ends), "a process is left"
    for line in (
        *soak.summary(took),
        *(soak.figures.slopes() if length is LONG else ()),
    ):
        tell(line)
    fixed, mail = soak.figures.descriptors(length.warm_up)
    assert len(fixed) == 1, "descriptors are left"
    assert max(mail) <= MAIL
    soak.clean(0)
    # Who checks must think as they did of how long a delivery is remembered.
    monkeypatch.setattr(imapbox.index.mailbox_state, "KEY_LIFETIME", LIFETIME)
    wrong = faults(store, deep=True)
    assert not any(each.severity is not Severity.NOTE for each in wrong), wrong
    assert list(leftovers(store)) == []
    assert shed(store)
    assert cuts(store) <= soak.kills
    if length is LONG:
        assert took - length.warm_up > 1800
        assert soak.figures.slope(length.warm_up) < MOST
