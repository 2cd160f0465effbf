"""PHP's imap extension, and with it UW's c-client, on which much webmail rests."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver

DAY = Path(__file__).with_name("php_day.php")


def test_a_day_of_a_web_page(
    imapbox_in_one: Server,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """List, read, search, SORT and THREAD, flag, copy, move, append; mailboxes."""
    php = require_program("php")
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three")
    done = subprocess.run(
        [php, DAY, str(server.imap[1])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)
    version = seen.pop("version")
    assert seen == {
        "messages": 3,
        "overview": ["one", "two", "three"],
        "body": "This is the message two.\r\n",
        "structure": "PLAIN",
        "found": [3],
        "sorted": [2, 3, 1],
        "thread": 9,
        "status": 2,
        "mailboxes": ["Away"],
    }
    assert contents(server, "alice") == {
        "one": {"\\Flagged"},
        "two": {"\\Seen"},
        "four": {"\\Draft"},
    }
    assert contents(server, "alice", "Away").keys() == {"one", "three"}
    client_page("php-imap", version)
