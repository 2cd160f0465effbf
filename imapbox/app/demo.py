"""`imapbox demo`: the main job, shown.

Two processes share one store and nothing else: one only delivers, one only
serves IMAP. After each delivery the other is asked NOOP, once.
"""

import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import click

from imapbox.app.demo_dialogue import (
    PATIENCE,
    DialogueFailed,
    IMAPClient,
    LMTPClient,
    noop_dialogue,
)
from imapbox.app.demo_mail import MAIL
from imapbox.app.service import SERVES
from imapbox.auth.hashes import blf_crypt
from imapbox.auth.passwd_edit import set_hash
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.model.names import UserName
from imapbox.store.format import prepare_store

USER: Final = UserName("ana@example.org")
_WORDS: Final = ("plum", "otter", "cedar", "lamp", "river", "moth", "relay", "quince")
# A password that lasts as long as the demo needs no costly hash.
_BCRYPT_COST: Final = 5
_POLL: Final = 0.05
_TWISTD: Final = "from twisted.scripts.twistd import run; run()"


def run_demo(*, once: bool, imap_port: int, imap_through: int) -> int:
    """Run the demo, and return how it should end: 0 if all was true.

    Args:
        once: End after the dialogue; else stay until Ctrl-C.
        imap_port: Where to serve IMAP; 0 for a free port.
        imap_through: Where the demo's own client connects, if not there.
    """
    # SIGINT too: a shell's background job is born deaf to it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    with tempfile.TemporaryDirectory(prefix="imapbox-demo-") as directory:
        demo = _Demo(Path(directory), imap_port or _free_port(), _free_port())
        try:
            with demo.servers() as servers:
                true = demo.show(imap_through or demo.imap_port)
                if not once:
                    demo.explain()
                    _stay(servers)
        except (DialogueFailed, OSError) as error:
            click.echo(f"The demo failed: {error}.", err=True)
            demo.show_logs()
            return 1
    return 0 if true else 1


class _Demo:
    """A store in a directory, a user, and the two servers."""

    def __init__(self, directory: Path, imap_port: int, lmtp_port: int) -> None:
        self.imap_port = imap_port
        self._lmtp_port = lmtp_port
        self._directory = directory
        self._store = directory / "store"
        self._store.mkdir(mode=0o700)
        perform(prepare_store(), DiskFileSystem(str(self._store)))
        self._passwd = directory / "passwd"
        words = [secrets.choice(_WORDS), secrets.choice(_WORDS)]
        self._password = "-".join([*words, str(secrets.randbelow(90) + 10)])
        hashed = blf_crypt(self._password.encode(), cost=_BCRYPT_COST)
        set_hash(self._passwd, USER, hashed)

    @contextmanager
    def servers(self) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
        """Start both servers, and end them in the end."""
        servers: list[subprocess.Popen[bytes]] = []
        try:
            for protocol, port in (("imap", self.imap_port), ("lmtp", self._lmtp_port)):
                servers.append(self._start(protocol, port))
            for server, protocol in zip(servers, ("imap", "lmtp"), strict=True):
                _wait_until_it_serves(server, self._log(protocol))
            yield servers
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait()

    def show(self, imap_port: int) -> bool:
        """Hold the dialogue; say whether every NOOP told the truth."""
        click.echo(
            f"  127.0.0.1:{self.imap_port}   serves IMAP, delivers nothing\n"
            f"  127.0.0.1:{self._lmtp_port}   delivers mail, serves nobody\n"
            f"  user {USER}   password {self._password}\n"
        )
        with (
            IMAPClient(imap_port, USER, self._password) as imap,
            LMTPClient(self._lmtp_port) as lmtp,
        ):
            true = noop_dialogue(imap, lmtp, USER, MAIL, click.echo)
        click.echo(f"{len(MAIL)} deliveries, {true} NOOPs that told the truth.\n")
        return true == len(MAIL)

    def explain(self) -> None:
        """Say how to go on by hand."""
        url = f"imap://127.0.0.1:{self.imap_port}/INBOX"
        credentials = shlex.quote(f"{USER}:{self._password}")
        program = shlex.quote(str(Path(sys.argv[0]).absolute()))
        store = shlex.quote(str(self._store))
        click.echo(
            "Read the first message, and ask how many there are:\n"
            f"  curl -s -u {credentials} '{url};MAILINDEX=1'\n"
            f"  curl -s -u {credentials} {url} -X 'EXAMINE INBOX'\n"
            "Deliver one more:\n"
            "  printf 'Subject: hello\\n\\nworld\\n' | "
            f"{program} deliver --store {store} {USER}\n"
            "Ctrl-C ends the demo and removes its store."
        )

    def show_logs(self) -> None:
        """Print what the servers logged."""
        for log in sorted(self._directory.glob("*.log")):
            click.echo(f"{log.name}:\n{log.read_text(errors='replace')}", err=True)

    def _log(self, protocol: str) -> Path:
        return self._directory / f"{protocol}.log"

    def _start(self, protocol: str, port: int) -> "subprocess.Popen[bytes]":
        options = {
            "store": self._store,
            "auth": f"passwd:{self._passwd}",
            protocol: f"tcp:{port}:interface=127.0.0.1",
        }
        return subprocess.Popen(  # noqa: S603 - ourselves
            [
                *(sys.executable, "-c", _TWISTD, "--nodaemon", "--pidfile="),
                *(f"--logfile={self._log(protocol)}", "imapbox"),
                *(f"--{option}={value}" for option, value in options.items()),
            ],
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
        )


def _wait_until_it_serves(server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for a line in its log.

    Raises:
        DialogueFailed: It ended, or takes too long.
    """
    for _ in range(int(PATIENCE / _POLL)):
        if log.exists() and SERVES in log.read_text(errors="replace"):
            return
        try:
            server.wait(timeout=_POLL)
        except subprocess.TimeoutExpired:
            continue
        break
    raise DialogueFailed("a server did not start")


def _stay(servers: "Sequence[subprocess.Popen[bytes]]") -> None:
    """Stay until Ctrl-C.

    Raises:
        DialogueFailed: A server ended on its own.
    """
    try:
        while all(server.poll() is None for server in servers):
            try:
                servers[0].wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
    except KeyboardInterrupt:
        click.echo("")
    else:
        raise DialogueFailed("a server ended")


def _free_port() -> int:
    """Return a port of the loopback interface that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
