"""An application of somebody else, with our mailboxes in it."""

import imaplib
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.load.connection import wait_until_listening
from benchmarks.servers import free_ports, running

ROOT = Path(__file__).parents[2]
TWISTD = Path(sys.executable).with_name("twistd")
MESSAGE = b"Subject: hello\r\nFrom: ana@example.org\r\n\r\nworld\r\n"


@contextmanager
def embedded(directory: Path) -> Iterator[tuple[int, int]]:
    """Run the application in a fresh directory; return its ports."""
    imap, web = free_ports(2)
    (directory / "users").write_text("alice:wonderland\n")
    environment = {
        "IMAPBOX_IMAP": f"tcp:{imap}:interface=127.0.0.1",
        "IMAPBOX_WEB": f"tcp:{web}:interface=127.0.0.1",
    }
    with running(
        [
            *("sh", "-c", 'cd "$0" && exec "$@"', str(directory), str(TWISTD)),
            *("-n", "--pidfile=", "-y", str(ROOT / "tac" / "embedded.tac")),
        ],
        log=directory / "embedded.log",
        env=environment,
    ) as process:
        # Both listen in the same turn of its reactor.
        wait_until_listening(("127.0.0.1", imap), hope=lambda: process.poll() is None)
        yield imap, web


def page(port: int, user: str = "alice:wonderland") -> str:
    """Return what a user's page says."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/")
    word = b64encode(user.encode()).decode()
    request.add_header("Authorization", f"Basic {word}")
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - http
        return str(answer.read().decode())


def test_a_page_and_mailboxes_in_one_application(tmp_path: Path) -> None:
    """twistd runs it; imaplib and urllib see the same mail, of the same users."""
    with embedded(tmp_path) as (imap, web):
        assert page(web) == "You have 0 messages.\n"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            page(web, "alice:wrong")
        with imaplib.IMAP4("127.0.0.1", imap, timeout=20) as client:
            with pytest.raises(client.error):
                client.login("alice", "wrong")
            client.login("alice", "wonderland")
            assert client.append("INBOX", r"(\Flagged)", None, MESSAGE)[0] == "OK"
            assert page(web) == "You have 1 messages.\n"
            assert client.select("INBOX") == ("OK", [b"1"])
            assert client.search(None, "SUBJECT", "hello") == ("OK", [b"1"])
            _, ((_, octets), *_) = client.fetch("1", "(FLAGS BODY[])")
            assert octets == MESSAGE
            assert client.create('"Old things"')[0] == "OK"
            assert client.copy("1", '"Old things"')[0] == "OK"
            client.store("1", "+FLAGS", r"(\Deleted)")
            assert client.expunge() == ("OK", [b"1"])
        assert page(web) == "You have 0 messages.\n"
    log = (tmp_path / "embedded.log").read_text()
    assert "Traceback" not in log, log
