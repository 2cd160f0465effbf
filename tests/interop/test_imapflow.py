"""imapflow, of npm: what webmail and bots in JavaScript use."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver, mailboxes
from tests.support.missing import give_up

MODULES = Path(__file__).parents[2] / ".fetched/node/node_modules"
SCRIPT = Path(__file__).with_name("imapflow_day.cjs")


def test_a_day_in_node(
    imapbox_in_one: Server,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """imapflow reads, searches, marks, copies, moves, deletes, and hears of mail."""
    node = require_program("node")
    if not (MODULES / "imapflow").exists():
        give_up("no imapflow: npm install --prefix .fetched/node imapflow")
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three")
    host, port = server.imap
    done = subprocess.run(
        [node, SCRIPT, host, str(port)],
        capture_output=True,
        check=False,
        env={**os.environ, "NODE_PATH": str(MODULES)},
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    client_page("imapflow", f"{seen['version']}")
    assert ["Sent", "\\Sent"] in seen["mailboxes"]
    assert seen["status"] == {"path": "INBOX", "messages": 3, "unseen": 3}
    assert seen["subjects"] == ["one", "two", "three"]
    assert seen["from"] == "post@example.org"
    assert seen["types"] == 3 * ["text/plain"]
    assert seen["downloaded"].endswith("This is the message two.\r\n")
    assert seen["found"] == [3]
    assert seen["copied"]["uidMap"] == [[1, 1], [2, 2]]
    assert seen["moved"]["uidMap"] == [[3, 1]]
    assert seen["appended"]["uid"] == 4
    assert seen["left"] == ["one", "four"]
    assert seen["told"] == 3
    assert contents(server, "alice") == {
        "one": {"\\Flagged"},
        "four": {"\\Seen"},
        "five": set(),
    }
    assert set(contents(server, "alice", "Archive")) == {"three"}
    assert "Kept" not in mailboxes(server, "alice")
