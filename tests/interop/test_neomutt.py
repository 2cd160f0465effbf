"""neomutt: its own CONDSTORE and QRESYNC, in a terminal that nobody looks at."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver, other_client, store
from tests.support.overhearing import overhearing
from tests.support.real_clients import MUTT, sit

CONFIG = """\
set imap_condstore = yes
set imap_qresync = yes
"""
_RESYNC = re.compile(
    r"^C: \S+ UID FETCH 1:4 \(FLAGS\) \(CHANGEDSINCE \d+ VANISHED\)", re.MULTILINE
)


def test_a_day_away(
    imapbox_in_one: Server,
    tmp_path: Path,
    require_program: Callable[[str], str],
    client_page: Callable[[str, str], None],
) -> None:
    """Keep a cache, learn by QRESYNC what happened meanwhile, flag and delete."""
    neomutt = require_program("neomutt")
    version = subprocess.check_output([neomutt, "-v"], text=True).split()[1]
    server = imapbox_in_one
    deliver(server, "alice", "one", "two", "three", "four")
    with overhearing(server.imap) as heard:
        config = tmp_path / "neomuttrc"
        config.write_text((MUTT + CONFIG).format(port=heard.address[1], here=tmp_path))
        sit(neomutt, config, "<quit>")
        with other_client(server, "alice") as client:
            store(client, "two", "\\Deleted")
            client.expunge()
            store(client, "one", "\\Flagged")
        deliver(server, "alice", "five")
        # Of one, three, four, five.
        sit(
            neomutt,
            config,
            "<jump>2<enter><delete-message><jump>4<enter><flag-message><quit>",
        )
        said = heard.transcript()
    assert "ENABLE QRESYNC" in said
    assert _RESYNC.search(said), said
    assert "S: * VANISHED (EARLIER) 2" in said
    assert contents(server, "alice") == {
        "one": {"\\Flagged"},
        "four": set(),
        "five": {"\\Flagged"},
    }
    client_page("neomutt", version)
