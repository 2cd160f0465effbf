"""SIGTERM while the disk is slow or gone: what was begun ends, and so do we."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load.connection import wait_until_listening
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import LOOPBACK, free_ports, made_store, running
from tests.support.checked_clients import CheckedClient, logged_in

MESSAGE = stuffed(b"Subject: late\r\n\r\nx\r\n")
# twistd on a disk whose syncs take as long as a file says.
TWISTD = """\
import os, time
real = os.fdatasync
def fdatasync(fd):
    time.sleep(float(open(os.environ["SYNC_SECONDS"]).read()))
    real(fd)
os.fdatasync = fdatasync
from twisted.scripts.twistd import run
run()
"""


class Site:
    """A server in ``directory``, whose disk can be made slow."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.imap, self.lmtp = [(LOOPBACK, port) for port in free_ports(2)]
        (directory / "passwd").write_text("alice:{PLAIN}wonderland\n")
        self.set_sync_seconds(0)

    def set_sync_seconds(self, seconds: float) -> None:
        new = self.directory / "seconds.new"
        new.write_text(str(seconds))
        new.replace(self.directory / "seconds")

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        store = made_store(self.directory / "store")
        passwd = self.directory / "passwd"
        command = [
            *(sys.executable, "-c", TWISTD, "-n", "--pidfile=", "imapbox"),
            *("--store", str(store), "--auth", f"passwd:{passwd}"),
            *("--imap", f"tcp:{self.imap[1]}:interface={LOOPBACK}"),
            *("--lmtp", f"tcp:{self.lmtp[1]}:interface={LOOPBACK}"),
        ]
        slowness = {"SYNC_SECONDS": str(self.directory / "seconds")}
        log = self.directory / "log"
        with running(command, log=log, env=slowness) as server:
            wait_until_listening(self.lmtp)
            yield server

    def reader(self) -> CheckedClient:
        return logged_in(self.imap, "alice", "wonderland")


def test_a_slow_disk_is_waited_for(tmp_path: Path) -> None:
    """A delivery that is being synced at SIGTERM is acknowledged, and is there."""
    site = Site(tmp_path)
    with site.serving() as server, LmtpClient(site.lmtp) as lmtp:
        lmtp.must_deliver(MESSAGE, "alice")
        with site.reader() as reader:
            site.set_sync_seconds(2)
            lmtp.send_message(MESSAGE, ["alice"])
            began = time.monotonic()
            server.send_signal(signal.SIGTERM)
            assert reader.line().startswith(b"* BYE [UNAVAILABLE] ")
            assert time.monotonic() - began < 1
        assert lmtp.reply().startswith(b"250 ")
        assert lmtp.reply().startswith(b"421 ")
        assert server.wait(timeout=10) == -signal.SIGTERM
    site.set_sync_seconds(0)
    with site.serving(), site.reader() as reader:
        assert reader.exists == 2


def test_a_disk_that_hangs_is_not(tmp_path: Path) -> None:
    """With a sync that never ends we are gone 10 seconds after SIGTERM all the same."""
    site = Site(tmp_path)
    with site.serving() as server, LmtpClient(site.lmtp) as lmtp:
        lmtp.must_deliver(MESSAGE, "alice")
        with site.reader() as reader:
            site.set_sync_seconds(3600)
            reader.start(b"STORE 1 +FLAGS (\\Deleted)")
            lmtp.send_message(MESSAGE, ["alice"])
            began = time.monotonic()
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=10)
            assert time.monotonic() - began < 10
