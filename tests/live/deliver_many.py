"""Delivers messages to bob, one after the other, as a process of its own.

``python tests/live/deliver_many.py ROOT NAME COUNT`` ends with 0 when all of
them were acknowledged.
"""

import os
import sys

from twisted.internet import reactor  # noqa: TID251 - this is a program
from twisted.internet.defer import ensureDeferred

from imapbox.disk.spool import MemoryContent
from imapbox.model.names import UserName
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store


async def deliver(root: str, name: str, count: int) -> None:
    """Deliver, and stop the reactor."""
    store = Store(root, reactor)
    await store.start()

    async def knows(_: UserName) -> bool | None:
        return True

    deliveries = Deliveries(store, knows)
    recipient = await deliveries.find("bob")
    for number in range(count):
        body = f"{name} {number}".encode()
        await deliveries.deliver(recipient, b"", MemoryContent(body))
    await store.stop()
    reactor.stop()


def fail(failure: object) -> None:
    """End at once, with a traceback."""
    print(failure, file=sys.stderr)  # noqa: T201 - this is a program
    os._exit(1)


if __name__ == "__main__":
    root, name, count = sys.argv[1:]
    reactor.callWhenRunning(
        lambda: ensureDeferred(deliver(root, name, int(count))).addErrback(fail)
    )
    reactor.run()
