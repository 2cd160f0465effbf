"""A real delivery makes the calls that the simulated one makes."""

from imapbox.disk.steps import perform
from tests.simulation.mailbox import ACCOUNT, account_on, deliver, new_store
from tests.support.disk_calls import DiskCall, Recorder


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
    traced_delivery: list[DiskCall],
) -> None:
    """Each call of a traced delivery is the simulator's own."""
    # Before all this the name is looked up: is the account's head the one we know?
    looked_up = ("pread", f"{ACCOUNT}/head")
    made = [(call.call, call.path) for call in traced_delivery]
    assert made == [looked_up, *simulated_calls()]
