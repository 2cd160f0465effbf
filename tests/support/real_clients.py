"""Running a real client, and what it says."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.terminal import in_terminal

# For mutt and those that come from it.
MUTT = """\
set folder = "imap://127.0.0.1:{port}/"
set spoolfile = "+INBOX"
set imap_user = alice
set imap_pass = wonderland
set ssl_starttls = no
set ssl_force_tls = no
set header_cache = "{here}/cache"
set sort = mailbox-order
set delete = yes
set move = no
set quit = yes
set wait_key = no
unset mark_old
"""


def ended_well(
    command: Sequence[str | Path],
    *,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a client to its end, which is a good one; return all that it wrote."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def sit(mutt: str, config: Path, keys: str) -> None:
    """Type keys into a mutt, or what comes from it, until it ends well.

    Args:
        mutt: The program.
        config: Its file; its directory is home.
        keys: And functions, as in its manual.
    """
    command = [mutt, "-n", "-F", str(config), "-e", f'push "{keys}"']
    env = {"HOME": str(config.parent)}
    status, screen = in_terminal(command, env=env, patience=30)
    assert status == 0, screen.decode("utf-8", "replace")
