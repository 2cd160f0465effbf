"""mutt, in a terminal that nobody looks at, told by its own macros what to do."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver, mailboxes
from tests.support.real_clients import MUTT, sit

CONFIG = """\
set imap_idle = yes
set message_cachedir = "{here}/bodies"
set record = "+Sent"
set postponed = "+Drafts"
set sendmail = "/bin/true"
set realname = Alice
set from = alice@example.org
set confirmappend = no
set confirmcreate = no
set pager_stop = yes
set editor = "sh -c 'echo An answer. >> $0'"
set autoedit = yes
set edit_headers = no
set abort_unmodified = no
set include = no
set fast_reply = yes
unset mail_check_recent
"""
# Keys and functions, as in mutt's manual; one line is one sitting.
SITTINGS = (
    # Search on the server, read, flag, delete, write it back.
    (
        "<search>=b 'message three'<enter><flag-message><first-entry>"
        "<display-message><exit><jump>2<enter><delete-message><sync-mailbox><quit>"
    ),
    # Copy, move, change the mailbox, make and remove one.
    (
        "<first-entry><copy-message>+Kept<enter><jump>2<enter><save-message>+Archive<enter>"
        "<sync-mailbox><change-folder>+Kept<enter><clear-flag>!<set-flag>*<sync-mailbox>"
        "<change-folder>+INBOX<enter><quit>"
    ),
    # Answer: the answer is kept in Sent, the question is marked.
    "<first-entry><reply><send-message><sync-mailbox><quit>",
)


def test_a_day_in_mutt(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """Search, read, flag, delete, copy, save elsewhere, and answer."""
    mutt = require_program("mutt")
    version = subprocess.check_output([mutt, "-v"], text=True).split()[1]
    client_page("mutt", version)
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three", "four")
    config = tmp_path / "muttrc"
    config.write_text((MUTT + CONFIG).format(port=server.imap[1], here=tmp_path))
    sit(mutt, config, SITTINGS[0])
    assert contents(server, "alice") == {
        "one": {"\\Seen"},
        "three": {"\\Flagged"},
        "four": set(),
    }
    sit(mutt, config, SITTINGS[1])
    assert contents(server, "alice").keys() == {"one", "four"}
    assert "\\Flagged" in contents(server, "alice", "Archive")["three"]
    assert contents(server, "alice", "Kept").keys() == {"one"}
    sit(mutt, config, SITTINGS[2])
    assert "\\Answered" in contents(server, "alice")["one"]
    assert set(contents(server, "alice", "Sent")) == {"Re: one"}
    assert "Kept" in mailboxes(server, "alice")
