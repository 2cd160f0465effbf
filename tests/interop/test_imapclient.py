"""imapclient's own live tests, which a person runs against a server of theirs."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from imapclient import IMAPClient, livetest
from imapclient.response_types import Address, Envelope

from benchmarks.servers import Server

CONFIG = """\
[DEFAULT]
host = {host}
port = {port}
username = alice
password = wonderland
ssl = False
timeout = 30
"""


# What fails, and why it may.
ALLOWED = Counter(
    {
        # Of the two, the one without UIDs: imaplib of Python 3.11 knows no MOVE.
        "test_move": 1,
        # It wants NO to a SUBSCRIBE of what isn't there. RFC 9051 §6.3.7: "A server
        # MAY validate the mailbox argument".
        "test_subscriptions": 1,
        # It compares an Envelope as a sequence, which it isn't: a fault of imapclient
        # 4.1, with any server. `test_an_envelope_is_read` compares it as what it is.
        "test_fetch": 2,
        # It looks for its own user's name where there is none, with any server that
        # has ACL: tests/interop/test_imaplib.py sets and gets rights.
        "test_getacl": 2,
    }
)
# They fail where a server answers within a millisecond, which ours may.
CHANCE = {"test_small_connection_timeout_fail", "test_small_read_timeout_fail"}
OUTCOME = re.compile(
    r"^(test_\w+) \(.*\)(?:\n.*)?? \.\.\. (ok|FAIL|ERROR|skipped.*)$", re.MULTILINE
)


def test_an_envelope_is_read(imapbox_in_one: Server) -> None:
    """imapclient reads an ENVELOPE as its live test wants it."""
    message = livetest.MULTIPART_MESSAGE
    host, port = imapbox_in_one.imap
    with IMAPClient(host, port, ssl=False, timeout=30) as client:
        client.normalise_times = False
        client.login("alice", "wonderland")
        client.select_folder("INBOX")
        client.append("INBOX", message)
        ((_, items),) = client.fetch([1], ("ENVELOPE", "RFC822", "BODY")).items()
    bob = (Address(b"Bob Smith", None, b"bob", b"smith.com"),)
    assert items[b"RFC822"] == message.encode()
    assert items[b"BODY"].is_multipart
    assert items[b"ENVELOPE"] == Envelope(
        datetime(2010, 3, 16, 16, 45, 32, tzinfo=UTC),
        b"A multipart message",
        bob,
        bob,
        bob,
        (
            Address(b"Some One", None, b"some", b"one.com"),
            Address(None, None, b"foo", b"foo.com"),
        ),
        None,
        None,
        None,
        None,
    )


def test_its_own_live_tests(
    imapbox_in_one: Server,
    tmp_path: Path,
    tell: Callable[[object], None],
    client_page: Callable[[str, str], None],
) -> None:
    """The live tests of imapclient pass, but for those that fail with any server."""
    host, port = imapbox_in_one.imap
    config = tmp_path / "live.ini"
    config.write_text(CONFIG.format(host=host, port=port))
    done = subprocess.run(
        [sys.executable, "-m", "imapclient.livetest", config, "-v"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    outcomes = [pair for pair in OUTCOME.findall(said) if pair[0] not in CHANCE]
    counts = Counter(outcome.partition(" ")[0] for _, outcome in outcomes)
    tell(dict(counts))
    client_page("imapclient", version("imapclient"))
    failed = Counter(name for name, outcome in outcomes if outcome in {"FAIL", "ERROR"})
    assert failed == ALLOWED, said
    assert counts["ok"] >= 45
    reasons = {outcome for _, outcome in outcomes if outcome.startswith("skipped")}
    offered = ("SORT", "THREAD", "CONDSTORE", "ACL", "XLIST", "labels", "Gmail", "UID")
    assert all(any(each in reason for each in offered) for reason in reasons), reasons
