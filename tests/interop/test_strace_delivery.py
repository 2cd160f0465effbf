"""What the kernel saw of a delivery is what the simulator is run on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from imapbox.disk.disk_filesystem import DiskFileSystem
from tests.support.disk_calls import DiskCall, Recorder
from tests.support.disk_exercise import exercise
from tests.support.strace import OPTIONS, parse_strace

ROOT = Path(__file__).parents[2]
# What design §5, Commit, orders.
PROTOCOL = {"try_lock", "pwrite", "fdatasync", "unlock"}
_NOTE = ("pwrite", "lock")


def test_the_kernel_sees_each_call_once(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    """Each call to the `FileSystem` is in the trace, in its order, and no other."""
    store, other = tmp_path / "store", tmp_path / "other"
    store.mkdir()
    other.mkdir()
    record = tmp_path / "strace"
    program = [sys.executable, "-m", "tests.support.disk_exercise", store]
    subprocess.run(
        [require_program("strace"), "-f", *OPTIONS, "-o", record, *program],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    recorder = Recorder(DiskFileSystem(str(other)))
    exercise(recorder)
    assert parse_strace(record.read_text(), store) == recorder.calls
    assert DiskCall("try_lock", "users/a/log.1", (False,)) in recorder.calls


def test_interrupted_calls_are_joined() -> None:
    """A call that strace tells in two lines, another thread's between, is one."""
    text = (
        "7 fdatasync(9</s/log.1> <unfinished ...>\n"
        '8 pread64(5</s/head>, ""..., 64, 0) = 64\n'
        "7 <... fdatasync resumed>) = -1 EIO (Input/output error)\n"
        "8 read(3</elsewhere>, 16) = 16\n"
        "8 write(5</s/head>, 1) = 1\n"
    )
    assert parse_strace(text, Path("/s")) == [
        DiskCall("pread", "head", (0, 64, 64)),
        DiskCall("fdatasync", "log.1", error="EIO"),
        DiskCall("write", "head"),
    ]


def test_a_delivery_is_locked_written_synced_and_then_shown(
    traced_delivery: list[DiskCall],
) -> None:
    """One delivery is one write and one sync of the log, then the head, all locked."""
    calls = traced_delivery
    steps = [
        (call.call, call.path.rpartition("/")[2].partition(".")[0])
        for call in calls
        if "/mailboxes/" in call.path and call.call in PROTOCOL
    ]
    # The holder's note and the waiters' slots are hints in the lock file, and
    # what is in doubt is never synced.
    steps = [step for step in steps if step[1] != "doubts" and step != _NOTE]
    assert steps == [
        ("try_lock", "lock"),
        ("pwrite", "log"),
        ("fdatasync", "log"),
        ("pwrite", "head"),
        ("unlock", "lock"),
    ], calls
    syncs = [call for call in calls if call.call in {"fdatasync", "sync_directory"}]
    assert len(syncs) == 1, "nothing else of the store is synced"
