"""Checking that snapshots say what the log says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.chunk import FIELDS
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Position
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.read import LogBroken, follow
from imapbox.index.snapshot import snapshot_names
from imapbox.index.snapshot_reader import MailboxSnapshots
from imapbox.index.vanished import Vanished


@dataclass(slots=True)
class OddSnapshots:
    """Names of the snapshots with which something is the matter.

    Attributes:
        unused: Nobody takes them: torn, or not of this log.
        spoilt: Whoever takes one finds out later that it is not what was written. A
            power loss may leave such a one, too.
        wrong: They are used, and say something else than the log.
    """

    unused: list[str] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def odd_snapshots(
    directory: str, names: Sequence[str], end: Position, truth: MailboxState
) -> Steps[OddSnapshots]:
    """Look at the snapshots of a mailbox.

    Args:
        directory: Of the mailbox's log.
        names: What is in it.
        end: Up to where ``truth`` is true.
        truth: What the log says there.
    """
    odd = OddSnapshots()
    is_newest = True
    for each in snapshot_names(list(names)):
        state = yield from _load(directory, each.name, odd)
        if state is None or not is_newest:
            continue  # only the newest one is ever used
        try:
            yield from follow(directory, state.position, end, state.apply)
        except (LogBroken, DamagedOperations):
            odd.unused.append(each.name)
            continue
        is_newest = False
        now = int((yield from steps.now()) * 1_000_000)
        if not _agree(state, truth, now):
            odd.wrong.append(each.name)
    return odd


def _load(directory: str, name: str, odd: OddSnapshots) -> Steps[MailboxState | None]:
    """Return what a snapshot says, all of it checked; or note why not."""
    state = yield from MailboxSnapshots(checked=True).load(directory, name)
    if state is not None:
        return state
    is_taken = (yield from MailboxSnapshots().load(directory, name)) is not None
    if is_taken:  # perhaps it was finished between these two
        state = yield from MailboxSnapshots(checked=True).load(directory, name)
    if state is None and (yield from steps.exists(f"{directory}/{name}")):
        (odd.spoilt if is_taken else odd.unused).append(name)
    return state


def _agree(some: MailboxState, truth: MailboxState, now: int) -> bool:
    if some.counts != truth.counts or some.roll.now.tolist() != truth.roll.now.tolist():
        return False
    # Of delivery keys that are too old, the log may know more.
    if some.facts.base(some.counts, now) != truth.facts.base(truth.counts, now):
        return False
    if not _remember_the_same(some.vanished, truth.vanished):
        return False
    mine, theirs = (state.columns.alive_rows() for state in (some, truth))
    return not len(mine) or (
        all(
            (some.columns[name][mine] == truth.columns[name][theirs]).all()
            for name in FIELDS
        )
        and some.columns.keywords(mine) == truth.columns.keywords(theirs)
    )


def _remember_the_same(some: Vanished, truth: Vanished) -> bool:
    """Say whether both know of the same expunges, as far back as both know any."""
    floor = np.uint64(max(some.floor, truth.floor))
    mine, theirs = (each.now[each.now["modseq"] > floor] for each in (some, truth))
    return np.array_equal(mine, theirs)
