"""A real delivery makes the calls that the simulated one makes."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server
from benchmarks.tracing import traced
from imapbox.disk.steps import perform
from tests.simulation.mailbox import ACCOUNT, account_on, deliver, new_store
from tests.support.disk_calls import Recorder
from tests.support.strace import OPTIONS, parse_strace


def simulated_calls() -> list[tuple[str, str]]:
    """Return the calls of a second delivery by the same process."""
    disk = new_store()
    account = account_on(disk, 1)
    recorder = Recorder(disk.process(1))
    for number in range(2):
        recorder.calls.clear()
        perform(deliver(account, b"%d" % number), recorder)  # type: ignore[arg-type]  # by its methods
    return [(call.call, call.path) for call in recorder.calls]


def test_a_real_delivery_makes_the_simulated_calls(
    start_imapbox: Callable[..., AbstractContextManager[Server]],
    require_program: Callable[[str], str],
) -> None:
    """Each call of a traced delivery is the simulator's own."""
    require_program("strace")
    wire = stuffed(b"Subject: traced\r\n\r\nHello.\r\n")
    with start_imapbox() as server, LmtpClient(server.lmtp) as client:
        client.must_deliver(wire, "alice")  # what a mailbox costs once
        text = traced(
            lambda: client.must_deliver(wire, "alice"), server.roots[1:], *OPTIONS
        )
        calls = parse_strace(text, server.store)
    # Before all this the name is looked up: is the account's head the one we know?
    looked_up = ("pread", f"{ACCOUNT}/head")
    made = [(call.call, call.path) for call in calls]
    assert made == [looked_up, *simulated_calls()]
