"""A real Postfix of one's own, on loopback, gone when its block ends."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.load.connection import wait_until_listening
from benchmarks.servers import LOOPBACK, free_ports, running, short_directory

DOMAIN: Final = "imapbox.example"
_MAIN_CF: Final = """\
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
maillog_file = {base}/maillog
maillog_file_prefixes = {base}
inet_interfaces = {host}
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
local_recipient_maps =
default_transport = error:this Postfix sends nothing outside
relay_transport = error:this Postfix sends nothing outside
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:all
virtual_transport = {transport}
# What is deferred is tried again soon, so that a test can see it.
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
{more}
"""
_MASTER_CF: Final = """\
{host}:{port} inet n - n - - smtpd
pickup    unix  n - n 1 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
showq     unix  n - n - - showq
postlog   unix-dgram n - n - 1 postlogd
"""
_QUEUES: Final = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold"),
    *("incoming", "saved", "trace"),
)
_MODES: Final = {"": 0o755, "public": 0o2710, "maildrop": 0o1730}


@dataclass(frozen=True, slots=True)
class Postfix:
    """A Postfix that runs.

    Attributes:
        smtp: (host, port) that takes mail for `DOMAIN`.
        base: Its configuration, queue and log (``maillog``).
    """

    smtp: tuple[str, int]
    base: Path

    def sendmail(
        self,
        message: bytes,
        recipients: Sequence[str],
        sender: str = "sender@x.example",
    ) -> None:
        """Hand over ``message`` as a local program does, by sendmail(1).

        Args:
            message: Its lines end in a bare LF, as UNIX has it.
            recipients: Whole addresses.
            sender: Of the envelope.
        """
        subprocess.run(
            ["sendmail", "-C", str(self.base), "-i", "-f", sender, "--", *recipients],
            input=message,
            check=True,
            timeout=30,
        )

    def queue(self) -> list[dict[str, object]]:
        """Return what postqueue(1) knows of each message not yet handed over."""
        listed = subprocess.run(
            ["postqueue", "-c", str(self.base), "-j"],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return [json.loads(line) for line in listed.stdout.splitlines()]

    def flush(self) -> None:
        """Have it look at its queue, what it was not told of included."""
        subprocess.run(
            ["postqueue", "-c", str(self.base), "-f"], check=True, timeout=30
        )

    def log(self) -> str:
        """Return what it has logged so far."""
        return (self.base / "maillog").read_text(errors="replace")


def _make_queue(base: Path) -> None:
    """Do what ``postfix check`` does, which takes seconds over it."""
    for name in ("", *_QUEUES, "private", "public", "maildrop"):
        path = base / "queue" / name
        path.mkdir()
        path.chmod(_MODES.get(name, 0o700))
        if name:
            shutil.chown(path, "postfix", "postdrop" if name in _MODES else "root")
    (base / "queue" / "pid").mkdir()
    (base / "data").mkdir()
    shutil.chown(base / "data", "postfix")


@contextmanager
def postfix(transport: str, **more: str) -> Iterator[Postfix]:
    """Run a Postfix that hands all mail for `DOMAIN` to ``transport``.

    Needs root.

    Args:
        transport: ``lmtp:inet:127.0.0.1:PORT`` or ``lmtp:unix:/absolute/path``.
        more: What else stands in main.cf.

    Raises:
        TimeoutError: It doesn't greet.
        StillThere: It didn't end when told to.
    """
    with short_directory() as base:
        (port,) = free_ports(1)
        values = {"base": base, "host": LOOPBACK, "port": port, "domain": DOMAIN}
        main = base / "main.cf"
        lines = "\n".join(f"{name} = {value}" for name, value in more.items())
        main.write_text(_MAIN_CF.format(transport=transport, more=lines, **values))
        # Postfix waits until a file this young has surely been written whole.
        os.utime(main, (0, 0))
        (base / "master.cf").write_text(_MASTER_CF.format(**values))
        _make_queue(base)
        command = ["/usr/lib/postfix/sbin/master", "-c", str(base), "-d"]
        with running(command, log=base / "output"):
            wait_until_listening((LOOPBACK, port))
            yield Postfix(smtp=(LOOPBACK, port), base=base)
