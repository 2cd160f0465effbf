"""mbsync (isync) keeps a Maildir and a mailbox alike, whoever changes which."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.servers import Server
from tests.support import maildir
from tests.support.mailbox_contents import (
    contents,
    deliver,
    mailboxes,
    message,
    other_client,
    store,
)
from tests.support.real_clients import ended_well

CONFIG = """\
IMAPAccount server
Host {host}
Port {port}
User alice
Pass wonderland
SSLType None
AuthMechs {mechanism}

IMAPStore far
Account server

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
"""


@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN"])
def test_two_sides_are_kept_alike(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
    mechanism: str,
) -> None:
    """New mail, flags, expunges and mailboxes of both sides come to the other."""
    mbsync = require_program("mbsync")
    server, mail = imapbox_in_one, tmp_path / "mail"
    mail.mkdir()
    host, port = server.imap
    config = tmp_path / "mbsyncrc"
    config.write_text(
        CONFIG.format(host=host, port=port, mail=mail, mechanism=mechanism)
    )

    def sync() -> str:
        return ended_well([mbsync, "-V", "-c", config, "all"])

    version = subprocess.check_output([mbsync, "--version"], text=True).split()[1]
    client_page("mbsync", version)
    inbox = mail / "INBOX"
    deliver(server, "alice", "one", "two", "three", "four", "five")
    sync()
    assert maildir.contents(inbox) == contents(server, "alice")
    assert set(maildir.contents(inbox)) == {"one", "two", "three", "four", "five"}

    maildir.mark(inbox, "one", "FS")
    maildir.mark(inbox, "two", "ST")
    maildir.add(inbox, "six", message("six"), "S")
    maildir.add(mail / "Near", "seven", message("seven"), "S")
    with other_client(server, "alice") as client:
        store(client, "three", "\\Deleted")
        client.expunge()
        store(client, "four", "\\Answered")
        client.create("Far")
        client.append("Far", "(\\Flagged)", None, message("eight"))
    deliver(server, "alice", "nine")
    sync()
    expected = {
        "one": {"\\Seen", "\\Flagged"},
        "four": {"\\Answered"},
        "five": set(),
        "six": {"\\Seen"},
        "nine": set(),
    }
    assert contents(server, "alice") == expected
    assert maildir.contents(inbox) == expected
    assert contents(server, "alice", "Near") == {"seven": {"\\Seen"}}
    assert maildir.contents(mail / "Far") == {"eight": {"\\Flagged"}}

    # The other way round, and both at once on one message.
    maildir.mark(inbox, "nine", "T")
    maildir.mark(inbox, "five", "S")
    with other_client(server, "alice") as client:
        store(client, "six", "\\Deleted")
        store(client, "five", "\\Flagged")
        client.expunge()
    sync()
    expected = {
        "one": {"\\Seen", "\\Flagged"},
        "four": {"\\Answered"},
        "five": {"\\Seen", "\\Flagged"},
    }
    assert contents(server, "alice") == expected
    assert maildir.contents(inbox) == expected
    sync()
    assert contents(server, "alice") == expected
    names = {path.name for path in mail.iterdir() if (path / "cur").exists()}
    assert names == mailboxes(server, "alice")
