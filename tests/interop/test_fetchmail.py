"""fetchmail: takes mail from one mailbox and hands it on by LMTP."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver
from tests.support.real_clients import ended_well

CONFIG = """\
poll 127.0.0.1 service {imap} protocol IMAP auth password
    user alice there with password wonderland is bob here
    {keep} smtphost 127.0.0.1/{lmtp} lmtp smtpname bob sslproto ''
"""


def test_mail_is_handed_on(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """Fetch what was not seen, deliver it to somebody else, keep it or delete it."""
    fetchmail = require_program("fetchmail")
    said = subprocess.check_output([fetchmail, "-V", "-f", "/dev/null"], text=True)
    version = said.partition("release ")[2].partition("+")[0]
    server = imapbox_in_one

    def poll(keep: str) -> None:
        config = tmp_path / "fetchmailrc"
        ports = {"imap": server.imap[1], "lmtp": server.lmtp[1]}
        config.write_text(CONFIG.format(keep=keep, **ports))
        config.chmod(0o600)
        ended_well(
            [fetchmail, "-f", config, "-v", "--nodetach", "--nosyslog"],
            env={"HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)},
        )

    deliver(server, "alice", "one", "two")
    poll("keep")
    assert contents(server, "bob").keys() == {"one", "two"}
    assert contents(server, "alice") == {"one": {"\\Seen"}, "two": {"\\Seen"}}
    deliver(server, "alice", "three")
    poll("nokeep")
    assert contents(server, "bob").keys() == {"one", "two", "three"}
    assert contents(server, "alice").keys() == {"one", "two"}
    client_page("fetchmail", version)
