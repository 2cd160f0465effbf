"""Undo brings back each message once, whoever is there, whatever crashes."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from imapbox.index import undo
from tests.simulation import undoing

Tell: TypeAlias = Callable[[object], None]


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few messages come back at a time, so that there are several frames."""
    monkeypatch.setattr(undo, "MESSAGES_AT_ONCE", 2)


def test_every_crash_is_survived(effort: int, tell: Tell) -> None:
    """Killed and powered off at every call; done again, each message is back once."""
    report = undoing.crashes(min(1.0, 0.1 * effort))
    tell(report)
    assert report.images > 300


def test_every_error_is_survived(tell: Tell) -> None:
    """A disk that fails or is full meanwhile costs no message, and none is twice."""
    report = undoing.errors()
    tell(report)
    assert report.faults > 10


@pytest.mark.parametrize(
    "name",
    ["beside_a_delivery", "two_at_once", "beside_a_compaction", "beside_a_deletion"],
)
def test_whoever_is_there_loses_nothing(name: str, effort: int, tell: Tell) -> None:
    """Beside a delivery, an undo or a compaction all come back once; not to a ghost."""
    report = getattr(undoing, name)(1 if effort == 1 else 2)
    tell(report)
    assert report.schedules


def test_all_at_once(seed: int, effort: int, tell: Tell) -> None:
    """Two undos, a compaction and a deliverer in random schedules."""
    report = undoing.at_random(30 * effort, seed)
    tell(f"seed {seed}: {report}")
    assert report.schedules == 30 * effort
