"""Starts servers on free loopback ports, with stores of their own.

Every server is a context manager that yields a `Server` and, on every way
out, ends what it started and makes sure that it is gone.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.load.connection import wait_until_listening
from benchmarks.processes import alive, family
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.store.format import prepare_store

LOOPBACK: Final = "127.0.0.1"
_GONE_WITHIN: Final = 10.0  # seconds after SIGTERM; what imapbox promises
# Below the range that the kernel takes client ports from, so that no
# connection of ours can sit on a port between its choice and its use.
_PORTS: Final = range(20_000, 32_000)


class StillThere(Exception):
    """A server had not ended 10 s after its SIGTERM, and was killed."""


class EndedEarly(Exception):
    """A server ended before it served. Holds what it wrote."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        name: For tables: "dovecot", "imapbox".
        version: What runs, for the record.
        imap: (host, port).
        lmtp: (host, port).
        lmtps: The same for each process that delivers, the first included.
        lmtp_socket: Path of the UNIX socket that speaks LMTP, if there is one.
        log: What its processes have written.
        passwords: Who may log in; also who gets mail.
        store: Where its mail lies.
        roots: Its first processes, for `benchmarks.processes`; their descendants
            belong to it too. None are known of a server that we didn't start.
    """

    name: str
    version: str
    imap: tuple[str, int]
    lmtp: tuple[str, int]
    passwords: Mapping[str, str]
    log: Path = Path(os.devnull)
    lmtps: Sequence[tuple[str, int]] = ()
    roots: Sequence[int] = ()
    store: Path | None = None
    lmtp_socket: str | None = None


def free_ports(count: int) -> list[int]:
    """Return ``count`` different TCP ports that nobody listens on."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.choice(_PORTS)
            attempt = held.enter_context(socket.socket())
            try:
                attempt.bind((LOOPBACK, port))
            except OSError:
                continue
            ports.append(port)
        return ports


@contextmanager
def short_directory() -> Iterator[Path]:
    """Make a directory that every user can enter and whose path is short.

    Paths of UNIX sockets have at most 107 bytes, and pytest's own temporary
    directories are shut to the users that Dovecot and Postfix become.
    """
    path = Path(tempfile.mkdtemp(prefix="imapbox-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` while the block runs, its output going to ``log``.

    Raises:
        StillThere: SIGTERM was not enough.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else {**os.environ, **env},
            # A Ctrl-C is for us; we end our servers in good order.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    members = family([process.pid])
    give_up_at = time.monotonic() + _GONE_WITHIN
    process.terminate()
    # A master ends before its children do; they belong to the server as well.
    while process.poll() is None or any(map(alive, members)):
        if time.monotonic() > give_up_at:
            for pid in members:
                _kill(pid)
            process.wait()
            raise StillThere(process.args)
        time.sleep(0.01)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _await_greetings(
    addresses: Sequence[tuple[str, int] | str],
    process: subprocess.Popen[bytes],
    log: Path,
) -> None:
    for address in addresses:
        try:
            wait_until_listening(address, hope=lambda: process.poll() is None)
        except TimeoutError as error:
            written = log.read_text(errors="replace")
            raise EndedEarly(process.args, process.poll(), written) from error


_DOVECOT: Final = """\
# The defaults of Debian, but for places, ports, users, and two limits that the
# benchmark's own number of connections would meet.
protocols = imap lmtp
listen = {host}
base_dir = {run}/base
state_dir = {run}/state
log_path = {run}/log
ssl = no
disable_plaintext_auth = no
mail_location = sdbox:~/mail
first_valid_uid = 100
auth_username_format = %Ln
mail_max_userip_connections = 1000
lmtp_save_to_detail_mailbox = yes
recipient_delimiter = +
passdb {{
  driver = passwd-file
  args = {run}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={store}/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
  unix_listener {socket} {{
    mode = 0666
  }}
}}
service imap {{
  process_limit = 2048
}}
"""
# What Debian's package dovecot-fts-xapian brings.
FTS_XAPIAN: Final = Path("/usr/lib/dovecot/modules/lib21_fts_xapian_plugin.so")
# What its README asks for, but that nothing is indexed at delivery.
_FULL_TEXT: Final = """\
mail_plugins = fts fts_xapian
plugin {
  fts = xapian
  fts_xapian = partial=3 full=20
  fts_enforced = yes
}
service indexer-worker {
  vsz_limit = 0
}
"""
# Any user but root, who mayn't have mail, and Dovecot's own. Needs no name.
_MAIL_UID: Final = 5000


@contextmanager
def dovecot(
    store: Path, passwords: Mapping[str, str], *, full_text: bool = False
) -> Iterator[Server]:
    """Run the Dovecot of this machine with its mail (sdbox) under ``store``.

    Needs root. ``store`` must lie where every user may enter.

    Args:
        store: Made if need be.
        passwords: Who may log in.
        full_text: Whether it searches by an index (fts-xapian, a package of its
            own), which it makes when it is first searched.

    Raises:
        EndedEarly: It doesn't serve.
    """
    store.mkdir(parents=True, exist_ok=True)
    os.chown(store, _MAIL_UID, _MAIL_UID)
    imap, lmtp = free_ports(2)
    with short_directory() as run:
        unix = run / "lmtp"
        config = run / "dovecot.conf"
        config.write_text(
            (_FULL_TEXT if full_text else "")
            + _DOVECOT.format(
                host=LOOPBACK,
                run=run,
                store=store,
                imap=imap,
                lmtp=lmtp,
                socket=unix,
                uid=_MAIL_UID,
            )
        )
        _write_passwd(run / "passwd", passwords)
        command = ["dovecot", "-F", "-c", str(config)]
        with running(command, log=run / "output") as process:
            addresses: list[tuple[str, int] | str] = [
                (LOOPBACK, imap),
                (LOOPBACK, lmtp),
                str(unix),
            ]
            _await_greetings(addresses, process, run / "output")
            yield Server(
                name="dovecot",
                version=_dovecot_version(),
                imap=(LOOPBACK, imap),
                lmtp=(LOOPBACK, lmtp),
                log=run / "log",
                lmtps=[(LOOPBACK, lmtp)],
                lmtp_socket=str(unix),
                passwords=passwords,
                store=store,
                roots=(process.pid,),
            )


def _dovecot_version() -> str:
    return subprocess.run(
        ["dovecot", "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()


def _write_passwd(path: Path, passwords: Mapping[str, str]) -> None:
    path.write_text(
        "".join(f"{user}:{{PLAIN}}{word}::::::\n" for user, word in passwords.items())
    )
    path.chmod(0o644)


def made_store(path: Path) -> Path:
    """Make a store, if there is nothing, and return where it is: no server does."""
    path.mkdir(mode=0o700, exist_ok=True)
    if not any(path.iterdir()):
        perform(prepare_store(), DiskFileSystem(str(path)))
    return path


@contextmanager
def imapbox_process(
    store: Path, *arguments: str, log: Path, descriptors: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one ``twistd -n imapbox`` on ``store``, made if need be.

    With no more than so many descriptors, if that matters.
    """
    made_store(store)
    twistd = Path(sys.executable).with_name("twistd")
    # Without a pid file several may run in one directory.
    command = [str(twistd), "-n", "--pidfile=", "imapbox", "--store", str(store)]
    if descriptors is not None:
        command = ["prlimit", f"--nofile={descriptors}:{descriptors}", *command]
    with running([*command, *arguments], log=log) as process:
        yield process


@contextmanager
def imapbox(
    store: Path, passwords: Mapping[str, str], *, deliverers: int = 1
) -> Iterator[Server]:
    """Run imapbox on ``store``.

    Args:
        store: Made if need be.
        log: What its processes have written.
        passwords: Who may log in.
        deliverers: How many processes only deliver, beside one that only
            serves IMAP. With 0, one process does both.

    Raises:
        EndedEarly: It doesn't serve.
    """
    imap, *lmtps = free_ports(1 + max(1, deliverers))
    with short_directory() as run, ExitStack() as stack:
        passwd = run / "passwd"
        _write_passwd(passwd, passwords)
        # The benchmark's own number of connections would meet the limit.
        auth = ["--auth", f"passwd:{passwd}", "--connections-per-user", "60000"]
        unix = run / "lmtp"
        roles = [["--imap", f"tcp:{imap}:interface={LOOPBACK}"]]
        roles += [["--lmtp", f"tcp:{port}:interface={LOOPBACK}"] for port in lmtps]
        roles[1] += ["--lmtp", f"unix:{unix}"]
        if not deliverers:
            roles = [roles[0] + roles[1]]
        log = run / "output"
        started = [
            stack.enter_context(imapbox_process(store, *auth, *role, log=log))
            for role in roles
        ]
        addresses = [(LOOPBACK, port) for port in lmtps]
        _await_greetings([(LOOPBACK, imap)], started[0], log)
        _await_greetings([*addresses, str(unix)], started[-1], log)
        yield Server(
            name="imapbox" if deliverers else "imapbox-one",
            version=f"{version('imapbox')} Twisted {version('Twisted')}",
            imap=(LOOPBACK, imap),
            lmtp=addresses[0],
            log=log,
            lmtps=addresses,
            lmtp_socket=str(unix),
            passwords=passwords,
            store=store,
            roots=tuple(process.pid for process in started),
        )
