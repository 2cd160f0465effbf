"""Servers on real mounts that go away or turn read-only under them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.load.connection import wait_until_listening
from benchmarks.load.imap import Refused
from benchmarks.load.lmtp import LmtpClient, NotDelivered, stuffed
from benchmarks.servers import LOOPBACK, free_ports, imapbox_process
from tests.support.checked_clients import CheckedClient, logged_in
from tests.support.mounts import fuse, tmpfs
from tests.support.victim import until_closed

MESSAGE = stuffed(b"Subject: here\r\n\r\nx\r\n")


class Site:
    """A server on a store at ``mount``."""

    def __init__(self, directory: Path, mount: Path) -> None:
        self.log = directory / "log"
        self.imap, self.lmtp = [(LOOPBACK, port) for port in free_ports(2)]
        self._store = mount / "store"
        self._passwd = directory / "passwd"
        self._passwd.write_text("alice:{PLAIN}wonderland\n")

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        with imapbox_process(
            self._store,
            *("--auth", f"passwd:{self._passwd}"),
            *("--imap", f"tcp:{self.imap[1]}:interface={LOOPBACK}"),
            *("--lmtp", f"tcp:{self.lmtp[1]}:interface={LOOPBACK}"),
            log=self.log,
        ) as server:
            wait_until_listening(self.lmtp, hope=lambda: server.poll() is None)
            yield server

    def reader(self) -> CheckedClient:
        return logged_in(self.imap, "alice", "wonderland")


def test_a_file_system_that_goes_away(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    """Cut off from its store a server says BYE and 4xx, ends, and may start anew."""
    bindfs = require_program("bindfs")
    (tmp_path / "mount").mkdir()
    (tmp_path / "under").mkdir()
    site = Site(tmp_path, tmp_path / "mount")
    with ExitStack() as stack:
        mount = stack.enter_context(
            fuse(bindfs, tmp_path / "under", tmp_path / "mount", "direct_io")
        )
        server = stack.enter_context(site.serving())
        with LmtpClient(site.lmtp) as lmtp:
            lmtp.must_deliver(MESSAGE, "alice")
            with site.reader() as idler, site.reader() as reader:
                idler.send(b"i IDLE\r\n")
                assert idler.line().startswith(b"+ ")
                mount.kill()
                mount.wait()
                began = time.monotonic()
                assert is_put_off(lmtp)
                assert b"\r\n* BYE [UNAVAILABLE] " in b"\r\n" + until_closed(idler)
                assert b"* BYE [UNAVAILABLE] " in until_closed(reader)
                assert server.wait(timeout=10) == 1
                assert time.monotonic() - began < 10
        assert "Traceback" not in site.log.read_text()
    with (
        fuse(bindfs, tmp_path / "under", tmp_path / "mount", "direct_io"),
        site.serving(),
        site.reader() as reader,
    ):
        assert reader.exists == 1


def test_fuse_with_a_page_cache(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    """A FUSE mount that keeps pages is found, and a server refuses a store on it."""
    bindfs = require_program("bindfs")
    mount = tmp_path / "mount"
    mount.mkdir()
    (tmp_path / "under").mkdir()
    site = Site(tmp_path, mount)
    with fuse(bindfs, tmp_path / "under", mount, "direct_io"):
        assert check_fs(mount) == (0, f"fit: {mount}\n")
    with fuse(bindfs, tmp_path / "under", mount):
        status, said = check_fs(mount)
        assert status == 1
        assert said.startswith("flaw: it is FUSE and keeps pages, ")
        with pytest.raises(TimeoutError), site.serving():
            raise AssertionError(site.log.read_text())
    assert "not fit for it: it is FUSE and keeps pages, " in site.log.read_text()


@pytest.mark.parametrize(
    ("call", "flaw"),
    [
        ("fdatasync", "files can not be synced"),
        ("fsync", "directories can not be synced"),
    ],
)
def test_a_kernel_that_refuses_syncs(
    tmp_path: Path, require_program: Callable[[str], str], call: str, flaw: str
) -> None:
    """What a file system of the kernel can't do is said in its words."""
    strace = require_program("strace")
    inject = [strace, "-fqqq", "-o", "/dev/null", "-e", f"trace={call}"]
    status, said = check_fs(
        tmp_path, before=[*inject, "-e", f"inject={call}:error=EINVAL"]
    )
    assert status == 1
    assert said == f"flaw: {flaw} (Invalid argument)\nnot fit: {tmp_path}\n"


def check_fs(directory: Path, before: Sequence[str] = ()) -> tuple[int, str]:
    """Run the command; return its status and what it printed."""
    imapbox = Path(sys.executable).with_name("imapbox")
    done = subprocess.run(
        [*before, imapbox, "check", "--fs", directory],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def is_put_off(lmtp: LmtpClient) -> bool:
    """Say whether a message stays with its sender; the server may be ending by now."""
    try:
        replies = lmtp.deliver(MESSAGE, ["alice"])
    except NotDelivered as refused:
        mail, recipients, data = refused.args
        replies = [mail, *recipients, data]
    except ConnectionError:
        return True
    return any(reply.startswith((b"451 4.3.2 ", b"421 4.3.2 ")) for reply in replies)


def test_a_file_system_that_turns_read_only(tmp_path: Path) -> None:
    """On a read-only mount mail is read and none is taken; afterwards it is again."""
    (tmp_path / "mount").mkdir()
    site = Site(tmp_path, tmp_path / "mount")
    with tmpfs(tmp_path / "mount") as remount:
        with site.serving(), LmtpClient(site.lmtp) as lmtp:
            lmtp.must_deliver(MESSAGE, "alice")
            with site.reader() as reader:
                remount("ro")
                read_only(site, lmtp)
                with pytest.raises(Refused, match="UNAVAILABLE"):
                    reader.command(b"STORE 1 +FLAGS (\\Deleted)")
                reader.command(b"NOOP")
        with site.serving(), LmtpClient(site.lmtp) as lmtp:
            read_only(site, lmtp)
            remount("rw")
            lmtp.must_deliver(stuffed(b"Subject: again\r\n\r\nx\r\n"), "alice")
            with site.reader() as reader:
                assert reader.exists == 2
                reader.command(b"STORE 1 +FLAGS (\\Deleted)")
    assert "Traceback" not in site.log.read_text()


def read_only(site: Site, lmtp: LmtpClient) -> None:
    (reply,) = lmtp.deliver(MESSAGE, ["alice"])
    assert reply.startswith(b"451 4.3.2 ")
    large = stuffed(b"Subject: large\r\n\r\n" + b"x" * 70 * 10000 + b"\r\n")
    (reply,) = lmtp.deliver(large, ["alice"])
    assert reply.startswith(b"451 4.3.2 ")
    with CheckedClient(site.imap) as client:
        client.login("alice", "wonderland")
        deadline = time.monotonic() + 5
        while True:
            client.send(b"s SELECT INBOX\r\n")
            while not (line := client.line()).startswith(b"s "):
                pass
            # That it is read-only is noticed within a second.
            if line.startswith(b"s OK [READ-ONLY] "):
                break
            assert time.monotonic() < deadline
        (row,) = client.command(b"FETCH 1 BODY.PEEK[TEXT]")
        assert b"x\r\n" in row
        for command in (
            b"STORE 1 +FLAGS (\\Deleted)",
            b"CREATE new",
            b"DELETE Trash",
            b"COPY 1 Trash",
            b"APPEND INBOX {1}",
        ):
            with pytest.raises(Refused, match=r"READ-ONLY|UNAVAILABLE"):
                client.command(command)
