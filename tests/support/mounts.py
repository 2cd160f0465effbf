"""Real file systems, mounted for a test and gone after it. Mounting needs root."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import give_up


@contextmanager
def tmpfs(where: Path) -> Iterator[Callable[[str], None]]:
    """Mount a tmpfs; yields what mounts it anew, as "ro" or "rw"."""
    if os.geteuid() != 0:
        give_up("only root may mount a tmpfs")
    command = ["mount", "-t", "tmpfs", "imapbox-test", str(where)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        give_up("no tmpfs can be mounted here")

    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(where)], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


@contextmanager
def fuse(
    bindfs: str, what: Path, where: Path, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Mount a directory anew through FUSE; yields the process that does it."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        give_up("no FUSE can be mounted here")
    command = [bindfs, "-f", *(f"-o{each}" for each in options), str(what), str(where)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        give_up_at = time.monotonic() + 20
        while not os.path.ismount(where):
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.01)  # noqa: TID251 - a mount has no event
        yield process
    finally:
        subprocess.run(["umount", "-l", str(where)], check=False, capture_output=True)
        process.kill()
        process.wait()
