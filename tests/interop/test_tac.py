"""The example applications in tac/."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import made_store, running
from imapbox.app.service import SERVES
from tests.support.response_checker import ResponseChecker

TAC = Path(__file__).parents[2] / "tac"
TWISTD = Path(sys.executable).with_name("twistd")


@contextmanager
def application(name: str, directory: Path, **sockets: Path) -> Iterator[None]:
    """Run a tac file, its listeners on UNIX sockets."""
    log = directory / f"{name}.log"
    with running(
        # A shell, as for the manual: the application works in its directory.
        [
            *("sh", "-c", 'cd "$0" && exec "$@"', str(directory), str(TWISTD)),
            *("-n", "--pidfile=", "--no_save", "-y", str(TAC / f"{name}.tac")),
        ],
        log=log,
        env={f"IMAPBOX_{key.upper()}": f"unix:{path}" for key, path in sockets.items()},
    ) as process:
        until = time.monotonic() + 20
        while SERVES not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)  # noqa: TID251 - another process's log has no event
        yield


def test_the_applications_share_a_store(open_directory: Path) -> None:
    """The whole server and a deliver-only process work side by side on one store."""
    imap, lmtp, more = (open_directory / name for name in ("imap", "lmtp", "more"))
    made_store(open_directory / "mail")
    (open_directory / "passwd").write_text("alice:{PLAIN}wonderland\n")
    with (
        application("imapbox", open_directory, imap=imap, lmtp=lmtp),
        application("deliver", open_directory, lmtp=more),
        socket.socket(socket.AF_UNIX) as client,
    ):
        for path in (lmtp, more):
            with LmtpClient(str(path)) as deliverer:
                message = b"Subject: %b\r\n\r\n" % path.name.encode()
                deliverer.must_deliver(stuffed(message), "alice")
        client.settimeout(10)
        client.connect(str(imap))
        client.sendall(b"a LOGIN alice wonderland\r\nb SELECT INBOX\r\nc LOGOUT\r\n")
        said = b""
        while data := client.recv(4096):
            said += data
    ResponseChecker().receive(said)
    assert b"* 2 EXISTS\r\n" in said
