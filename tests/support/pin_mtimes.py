"""Makes every file under a directory always as old as it was: the founding bug's
clock, whose tick never ends.

``python -m tests.support.pin_mtimes DIRECTORY`` prints a line when it has begun,
and goes on until it is ended.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

_THEN: Final = (10**18, 10**18)  # atime, mtime in nanoseconds
_PAUSE: Final = 0.0005  # seconds; the deliverers shall have the processors
_BETWEEN_LOOKS: Final = 50  # rounds until new files are looked for


def pin_forever(directory: Path) -> None:
    """Set the times of everything under ``directory`` again and again."""
    while True:
        paths = [directory, *directory.rglob("*")]
        for _ in range(_BETWEEN_LOOKS):
            for path in paths:
                try:
                    os.utime(path, ns=_THEN)
                except FileNotFoundError:
                    continue
            time.sleep(_PAUSE)  # noqa: TID251 - a process of its own


if __name__ == "__main__":
    sys.stdout.write("pinning\n")
    sys.stdout.flush()
    pin_forever(Path(sys.argv[1]))
