"""offlineimap3 keeps a Maildir and a mailbox alike, as mbsync does."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support import maildir
from tests.support.mailbox_contents import (
    contents,
    deliver,
    message,
    other_client,
    store,
)
from tests.support.real_clients import ended_well

CONFIG = """\
[general]
accounts = home
metadata = {here}/metadata
ui = basic
socktimeout = 30

[Account home]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {here}/mail

[Repository far]
type = IMAP
remotehost = {host}
remoteport = {port}
remoteuser = alice
remotepass = wonderland
ssl = no
starttls = no
auth_mechanisms = PLAIN
expunge = yes
maxconnections = 2
"""


def test_a_day_offline(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """New mail, flags, expunges and mailboxes of both sides come to the other."""
    offlineimap = require_program("offlineimap")
    server, inbox = imapbox_in_one, tmp_path / "mail/INBOX"
    host, port = server.imap
    config = tmp_path / "offlineimaprc"
    config.write_text(CONFIG.format(here=tmp_path, host=host, port=port))

    def sync() -> None:
        said = ended_well([offlineimap, "-o", "-c", config], timeout=90)
        assert "ERROR" not in said, said

    version = subprocess.run(
        [offlineimap, "--version"], capture_output=True, check=True
    )
    client_page("offlineimap", version.stdout.decode().strip())
    deliver(server, "alice", "one", "two", "three", "four")
    sync()
    assert maildir.contents(inbox) == contents(server, "alice")
    assert set(maildir.contents(inbox)) == {"one", "two", "three", "four"}

    maildir.mark(inbox, "one", "FS")
    maildir.remove(inbox, "two")
    maildir.add(inbox, "five", message("five"), "S")
    maildir.add(tmp_path / "mail/Near", "six", message("six"), "RS")
    with other_client(server, "alice") as client:
        store(client, "three", "\\Deleted")
        client.expunge()
        store(client, "four", "\\Answered")
        client.create("Far")
        client.append("Far", "(\\Flagged)", None, message("seven"))
    deliver(server, "alice", "eight")
    sync()
    expected = {
        "one": {"\\Seen", "\\Flagged"},
        "four": {"\\Answered"},
        "five": {"\\Seen"},
        "eight": set(),
    }
    assert contents(server, "alice") == expected
    assert maildir.contents(inbox) == expected
    assert contents(server, "alice", "Near") == {"six": {"\\Seen", "\\Answered"}}
    assert maildir.contents(tmp_path / "mail/Far") == {"seven": {"\\Flagged"}}
    sync()
    assert contents(server, "alice") == expected
