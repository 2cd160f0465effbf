"""What a real server may, once it serves: no more than its user, and for good."""

import pwd
import re
import shutil
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.load.connection import wait_until_listening
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import LOOPBACK, free_ports, made_store, running
from tests.support.certificates import make_pem
from tests.support.checked_clients import CheckedIMAP4

TWISTD = str(Path(sys.executable).with_name("twistd"))
USER, GROUP = "nobody", "nogroup"
# All that change who a process is.
IDENTITY = "setuid,setgid,setgroups,setreuid,setregid,setresuid,setresgid"


@contextmanager
def serving(
    directory: Path, *begin: str, options: tuple[str, ...] = ()
) -> Iterator[int]:
    """Run a server that has a message and a client, and whose store is `USER`'s.

    Args:
        directory: Where its files are; every user may enter.
        begin: What runs twistd.
        options: Of twistd.
    """
    store, runtime = directory / "store", directory / "runtime"
    made_store(store)
    runtime.mkdir()
    for path in (store, *store.iterdir(), runtime):
        shutil.chown(path, USER, GROUP)
    (directory / "passwd").write_text("alice:{PLAIN}wonderland\n")
    imap, lmtp = free_ports(2)
    command = [
        *(*begin, TWISTD, "-n", "--pidfile=", *options, "imapbox"),
        *("--store", str(store), "--runtime", str(runtime)),
        *("--auth", f"passwd:{directory / 'passwd'}"),
        *("--imap", f"tcp:{imap}:interface={LOOPBACK}"),
        *("--lmtp", f"tcp:{lmtp}:interface={LOOPBACK}"),
        *("--certificate", str(directory / "server.pem")),
    ]
    context = ssl.create_default_context(cafile=str(directory / "root.pem"))
    context.check_hostname = False  # it says localhost, we say 127.0.0.1
    log = directory / "log"
    # numpy makes threads before twistd is anybody; they run nothing.
    env = {"OPENBLAS_NUM_THREADS": "1"}
    with running(command, log=log, env=env) as process:
        for port in (imap, lmtp):
            wait_until_listening((LOOPBACK, port), hope=lambda: process.poll() is None)
        with LmtpClient((LOOPBACK, lmtp)) as deliverer:
            deliverer.must_deliver(stuffed(b"Subject: hello\r\n\r\nworld\r\n"), "alice")
        for _ in range(2):
            with CheckedIMAP4(LOOPBACK, imap, timeout=10) as client:
                client.starttls(context)
                client.login("alice", "wonderland")
                assert client.select() == ("OK", [b"1"])
        yield process.pid


def complaints(directory: Path) -> list[str]:
    """Return what a server's log complains of, without the time."""
    lines = (directory / "log").read_text().splitlines()
    return [
        line.partition("] ")[2]
        for line in lines
        if not re.search(r"#info\]|\[-\]", line)
    ]


def check_that_it_may_little(pid: int) -> None:
    """Look at every thread of a process as the kernel knows it."""
    user = pwd.getpwnam(USER)
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    assert len(threads) > 2
    for thread in threads:
        lines = (thread / "status").read_text().splitlines()
        status = {
            name: value.split() for name, _, value in (x.partition(":") for x in lines)
        }
        assert status["Uid"] == [str(user.pw_uid)] * 4
        assert status["Gid"] == [str(user.pw_gid)] * 4
        assert "0" not in status["Groups"]
        assert int(*status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == ["1"]
    # proc(5): its user's, if the process could leave a core; else root's.
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0


@pytest.fixture
def directory(open_directory: Path, require_root: Callable[[], None]) -> Path:
    require_root()
    make_pem(open_directory).chmod(0o644)
    return open_directory


def test_root_is_given_up_for_good(
    directory: Path, require_program: Callable[[str], str]
) -> None:
    """Started by root, it gives up its groups first, root last, and serves then.

    What only root may read was read before; that it may not again is said once.
    """
    pem = directory / "server.pem"
    pem.chmod(0o600)
    record = directory / "strace"
    # -D: twistd stays our child, and strace is its.
    strace = (require_program("strace"), "-D", "-f", "-qq", "-o", str(record))
    options = ("--uid", USER, "--gid", GROUP)
    with serving(directory, *strace, f"--trace={IDENTITY}", options=options) as pid:
        check_that_it_may_little(pid)
    user = pwd.getpwnam(USER)
    assert re.findall(r"^\d+ +(.*\S) += 0$", record.read_text(), re.MULTILINE) == [
        f"setgid({user.pw_gid})",
        f"setgroups(1, [{user.pw_gid}])",
        f"setuid({user.pw_uid})",
    ]
    (line,) = complaints(directory)
    assert line.startswith("kept the certificate that it had: ")
    assert line.endswith(f"{pem}: it can not be read: Permission denied")


def test_nothing_is_left_to_a_server_that_never_was_root(
    directory: Path, require_program: Callable[[str], str]
) -> None:
    """Started by its user, it leaves no core, and what it starts gains nothing."""
    become = (require_program("setpriv"), f"--reuid={USER}", f"--regid={GROUP}")
    with serving(directory, *become, "--clear-groups") as pid:
        check_that_it_may_little(pid)
    assert complaints(directory) == []
