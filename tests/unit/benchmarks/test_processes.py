"""What a server's processes cost."""

import os
import subprocess
import sys

from benchmarks.processes import alive, cpu_seconds, family, pss_kib

BURN = "import time\nwhile time.process_time() < 0.2: pass"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}])
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
child.communicate()
"""


def test_the_dead_children_count() -> None:
    """CPU of children that ended is the server's, memory of those that live too."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        child = int(parent.stdout.readline())
        assert family([parent.pid]) == [parent.pid, child]
        # The kernel tells whole ticks of 10 ms, of user and system time each.
        assert cpu_seconds([parent.pid]) >= 0.15
        assert alive(child)
        alone = pss_kib([child])
        assert 0 < alone < pss_kib([parent.pid])
        parent.communicate("\n")
    assert not alive(child)


def test_a_zombie_is_not_alive() -> None:
    """A process that ended is gone, whether or not anybody has asked after it."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not alive(child.pid)
    finally:
        child.wait()
