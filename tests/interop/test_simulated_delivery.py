"""A real delivery makes the calls that the simulated one makes."""

from typing import Any

from imapbox.disk.steps import perform
from imapbox.index.delivery_keys import DeliveryKeys
from imapbox.index.doubts import remove_doubts
from tests.simulation.mailbox import ACCOUNT, account_on, new_store
from tests.simulation.once import deliver_once, sent
from tests.support.disk_calls import DiskCall, Recorder


def simulated_calls(named: bool) -> list[tuple[str, str]]:
    """Return the calls of a second delivery by the same process."""
    disk = new_store()
    account = account_on(disk, 1)
    recorder: Any = Recorder(disk.process(1))
    keys = DeliveryKeys()
    first, second = (sent(n, b"%d" % n, in_doubt=not named) for n in (1, 2))
    perform(deliver_once(account, keys, first), recorder)
    recorder.calls.clear()
    if not named:
        # MAIL shows that the client has read the first reply.
        perform(remove_doubts(account.directory, {first.key}), recorder)
    # The name is looked up: is the account's head the one we know, and is it the
    # account's still? fstat is known as what is asked of it most, the size.
    head = f"{ACCOUNT}/head"
    recorder.calls += [DiskCall("pread", head), DiskCall("size", head)]
    perform(deliver_once(account, keys, second), recorder)
    return [(call.call, call.path) for call in recorder.calls]


def test_a_real_delivery_makes_the_simulated_calls(
    traced_delivery: list[DiskCall],
    named: bool,
) -> None:
    """Each call of a traced delivery is the simulator's own."""
    made = [(call.call, call.path) for call in traced_delivery]
    assert made == simulated_calls(named)
