"""Seats: so many at once, over all processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from imapbox.locks.seats import FILES, NotOurs, Seats

SITS = """\
import sys
from pathlib import Path
from imapbox.locks.seats import Seats
seats = Seats()
seats.share(Path(sys.argv[1]), "store")
print(*(int(seats.take("ana", 5) is not None) for _ in range(3)), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[[], Seats]]:
    """What makes another process's seats: another open file is one to the kernel."""
    made: list[Seats] = []

    def make(whose: str = "store") -> Seats:
        seats = Seats()
        seats.share(tmp_path / "seats", whose)
        made.append(seats)
        return seats

    yield make
    for seats in made:
        seats.close()


def test_a_process_counts_by_itself() -> None:
    """Without a directory there are so many seats in each process."""
    seats = Seats()
    taken = [seats.take("ana", 2) for _ in range(3)]
    assert [seat is not None for seat in taken] == [True, True, False]
    taken[0]()
    assert seats.take("ana", 2) is not None


def test_processes_count_together(process: Callable[..., Seats]) -> None:
    """What one process gives back another can take, and no more than there are."""
    one, other = process(), process()
    mine = [one.take("ana", 5) for _ in range(3)]
    assert [other.take("ana", 5) is not None for _ in range(3)] == [True, True, False]
    mine[0]()
    assert other.take("ana", 5) is not None
    assert one.take("ana", 5) is None


def test_names_and_stores_are_apart(process: Callable[..., Seats]) -> None:
    """One name's seats, and one store's, are not another's."""
    one, other = process(), process("other store")
    assert one.take("ana", 1) is not None
    assert one.take("bob", 1) is not None
    assert other.take("ana", 1) is not None
    assert one.take("ana", 1) is None


def test_the_end_of_a_process_gives_its_seats_back(
    process: Callable[..., Seats], tmp_path: Path
) -> None:
    """A process that is killed leaves nothing that counts."""
    seats = process()
    other = subprocess.Popen(
        [sys.executable, "-c", SITS, str(tmp_path / "seats")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout.readline() == b"1 1 1\n"
        taken = [seats.take("ana", 5) is not None for _ in range(3)]
        assert taken == [True, True, False]
    finally:
        other.kill()
        other.communicate()
    assert [seats.take("ana", 5) is not None for _ in range(4)] == [True] * 3 + [False]


def test_nothing_gathers(process: Callable[..., Seats], tmp_path: Path) -> None:
    """However many names there were, there are the same empty files."""
    seats = process()
    for number in range(1000):
        seats.take(f"user{number}", 3)()
    sizes = [path.stat().st_size for path in (tmp_path / "seats").iterdir()]
    assert sizes == [0] * FILES
    assert seats._taken == {}


def test_a_directory_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    """Where others could hold our seats, they are not counted there."""
    (tmp_path / "seats").mkdir(mode=0o755)
    with pytest.raises(NotOurs):
        Seats().share(tmp_path / "seats", "store")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        Seats().share(tmp_path / "link", "store")
    if os.geteuid() == 0:
        (tmp_path / "theirs").mkdir(mode=0o700)
        os.chown(tmp_path / "theirs", 65534, 65534)
        with pytest.raises(NotOurs):
            Seats().share(tmp_path / "theirs", "store")


LIMIT = {"ana": 3, "bob": 5}


class ManyProcesses(RuleBasedStateMachine):
    """Processes that take, give back and end, in any order."""

    @initialize(count=st.integers(1, 3))
    def begin(self, count: int) -> None:
        import tempfile  # noqa: PLC0415 - one for each example

        self.directory = tempfile.TemporaryDirectory()
        self.processes = [self._start() for _ in range(count)]
        self.held = [[] for _ in range(count)]

    def _start(self) -> Seats:
        seats = Seats()
        seats.share(Path(self.directory.name) / "seats", "store")
        return seats

    def _count(self, name: str) -> int:
        return sum(name == each for held in self.held for each, _ in held)

    @rule(which=st.integers(0, 2), name=st.sampled_from(sorted(LIMIT)))
    def take(self, which: int, name: str) -> None:
        which %= len(self.processes)
        free = self._count(name) < LIMIT[name]
        seat = self.processes[which].take(name, LIMIT[name])
        assert (seat is not None) == free
        if seat is not None:
            self.held[which].append((name, seat))

    @precondition(lambda self: any(self.held))
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from([each for each in self.held if each]))
        held.pop(data.draw(st.integers(0, len(held) - 1)))[1]()

    @rule(which=st.integers(0, 2))
    def end(self, which: int) -> None:
        which %= len(self.processes)
        self.processes[which].close()
        self.held[which].clear()
        self.processes[which] = self._start()

    @invariant()
    def never_more_than_there_are(self) -> None:
        for name, most in LIMIT.items():
            assert self._count(name) <= most

    def teardown(self) -> None:
        for seats in self.processes:
            seats.close()
        self.directory.cleanup()


TestManyProcesses = ManyProcesses.TestCase
TestManyProcesses.settings = settings(max_examples=30, stateful_step_count=30)
