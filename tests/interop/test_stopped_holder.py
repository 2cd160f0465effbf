"""A process that stops while it holds a mailbox's lock, seen from outside."""

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.load.imap import ImapClient, Refused, logged_in
from benchmarks.load.lmtp import LmtpClient
from benchmarks.servers import Server
from tests.support.inbox import inbox_of
from tests.support.users import PASSWORDS

ROOT = Path(__file__).parents[2]
KEEPER = ROOT / "tests" / "live" / "keep_lock.py"
USER = "alice"
PATIENCE = 60
MESSAGE = b"Subject: hello\r\n\r\nHello.\r\n"


def refusal(client: ImapClient, command: bytes) -> bytes:
    """Return the tagged answer to a command that is refused."""
    with pytest.raises(Refused) as refused:
        client.command(command)
    return refused.value.args[0]


def test_a_stopped_holder_costs_writers_their_patience_only(
    start_imapbox: Callable[..., AbstractContextManager[Server]],
) -> None:
    """Deliveries get 451 and STORE NO [INUSE], NOOP goes on, `imapbox locks` tells."""
    with start_imapbox() as server, ThreadPoolExecutor(2) as pool:
        with LmtpClient(server.lmtp, patience=PATIENCE) as lmtp:
            assert lmtp.deliver(MESSAGE, [USER])[0].startswith(b"250 ")
        (user,) = server.store.glob("users/*/*")
        lock = inbox_of(user) / "lock"
        keeper = subprocess.Popen(
            [sys.executable, KEEPER, server.store, lock.relative_to(server.store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
        )
        try:
            assert keeper.stdout.readline() == b"held\n"
            keeper.send_signal(signal.SIGSTOP)
            lmtp = LmtpClient(server.lmtp, patience=PATIENCE)
            writer = ImapClient(server.imap, patience=PATIENCE)
            writer.login(USER, PASSWORDS[USER])
            writer.select()
            reader = logged_in(server.imap, USER, PASSWORDS[USER])
            delivering = pool.submit(lmtp.deliver, MESSAGE, [USER])
            storing = pool.submit(refusal, writer, rb"STORE 1 +FLAGS (\Flagged)")
            noops = 0
            while wait([delivering, storing], timeout=0.05).not_done:
                assert reader.noop() == 1
                noops += 1
            assert noops > 100
            assert delivering.result()[0].startswith(b"451 4.2.0")
            assert b"NO [INUSE]" in storing.result()
            imapbox = Path(sys.executable).with_name("imapbox")
            said = subprocess.run(
                [imapbox, "locks", "--store", server.store],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            assert USER in said
            assert "INBOX" in said
            assert str(keeper.pid) in said
        finally:
            keeper.kill()
            keeper.communicate()
        assert lmtp.deliver(MESSAGE, [USER])[0].startswith(b"250 ")
        assert reader.noop() == 2
        for client in (lmtp, writer, reader):
            client.close()
