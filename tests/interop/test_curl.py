"""curl: a shell script's way to a mailbox."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.servers import Server
from tests.support.curl import curl_imap
from tests.support.mailbox_contents import contents, deliver, message


def test_a_day_in_the_shell(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """List, read, put, search, mark, copy, move and expunge, a command each."""
    require_program("curl")
    version = subprocess.check_output(["curl", "--version"], text=True).split()[1]
    client_page("curl", version)
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three")

    def curl(path: str, *arguments: str) -> bytes:
        return curl_imap(server.imap, "alice", "wonderland", path, *arguments)

    names = re.findall(rb'\* LIST \([^)]*\) "/" (\S+)\r\n', curl(""))
    assert {b"INBOX", b"Sent", b"Trash"} <= set(names)
    assert curl("INBOX;UID=2") == message_as_delivered(server, curl)
    assert curl("INBOX;UID=2;SECTION=HEADER.FIELDS%20(Subject)") == (
        b"Subject: two\r\n\r\n"
    )
    assert curl("INBOX;MAILINDEX=3;SECTION=TEXT").endswith(b"message three.\r\n")
    assert curl("INBOX?SUBJECT%20three") == b"* SEARCH 3\r\n"
    assert curl("INBOX?NOT%20TEXT%20one%20UNSEEN") == b"* SEARCH\r\n"

    upload = tmp_path / "four.eml"
    upload.write_bytes(message("four"))
    curl("INBOX", "-T", str(upload))
    curl("INBOX", "-X", "STORE 1 +FLAGS.SILENT (\\Flagged)")
    curl("INBOX", "-X", "CREATE Kept")
    curl("INBOX", "-X", "COPY 4 Kept")
    curl("INBOX", "-X", "UID MOVE 3 Kept")
    curl("INBOX", "-X", "STORE 2 +FLAGS.SILENT (\\Deleted)")
    assert curl("INBOX", "-X", "EXPUNGE") == b"* 2 EXPUNGE\r\n"
    assert b"(MESSAGES 2" in curl("", "-X", "STATUS Kept (MESSAGES UIDNEXT)")
    assert set(contents(server, "alice", "Kept")) == {"three", "four"}
    assert contents(server, "alice") == {
        "one": {"\\Flagged"},
        "four": {"\\Seen"},
    }
    with pytest.raises(subprocess.CalledProcessError):
        curl("Nowhere;UID=1")


def message_as_delivered(server: Server, curl: Callable[..., bytes]) -> bytes:
    """What another way of asking gives: the whole by its two halves."""
    assert server.name.startswith("imapbox")
    header = curl("INBOX;UID=2;SECTION=HEADER")
    return header + curl("INBOX;UID=2;SECTION=TEXT")
