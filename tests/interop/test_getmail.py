"""getmail: takes mail from a mailbox home, each message once."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support import maildir
from tests.support.mailbox_contents import contents, deliver
from tests.support.real_clients import ended_well

CONFIG = """\
[retriever]
type = SimpleIMAPRetriever
server = 127.0.0.1
port = {port}
username = alice
password = wonderland
mailboxes = ("INBOX",)
timeout = 30

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > $(mktemp {here}/home/new/XXXXXX)")
allow_root_commands = true

[options]
read_all = false
delete = {delete}
delivered_to = false
received = false
"""


def test_mail_comes_home(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """Fetch what is new, each message once by its UID; then all, and delete it."""
    getmail = require_program("getmail")
    version = subprocess.check_output([getmail, "--version"], text=True).split()[1]
    server, home = imapbox_in_one, tmp_path / "home"
    for each in ("cur", "new", "tmp"):
        (home / each).mkdir(parents=True)

    def get(*, delete: bool) -> None:
        config = tmp_path / "getmailrc"
        config.write_text(
            CONFIG.format(
                port=server.imap[1], here=tmp_path, delete=str(delete).lower()
            )
        )
        command = [getmail, f"--getmaildir={tmp_path}", "--rcfile=getmailrc"]
        # getmail 6 now and then misses the end of its own child, which has stored
        # the message by then (baseclasses.py: SIGCHLD before it waits).
        for tries_left in (2, 1, 0):
            try:
                ended_well(command)
            except AssertionError as error:
                if not tries_left or "timed out" not in str(error):
                    raise
            else:
                return

    deliver(server, "alice", "one", "two")
    get(delete=False)
    assert set(maildir.contents(home)) == {"one", "two"}
    for path in home.glob("*/*"):
        path.unlink()
    deliver(server, "alice", "three")
    get(delete=False)
    assert set(maildir.contents(home)) == {"three"}
    deliver(server, "alice", "four")
    get(delete=True)
    assert set(maildir.contents(home)) == {"three", "four"}
    assert contents(server, "alice") == {}
    client_page("getmail6", version)
