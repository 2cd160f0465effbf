"""`twistd imapbox` whose hours and days are minutes, and that tells of itself.

``python -m tests.soak.server REPORT GRACE OPTION...``: for so many seconds it
keeps what is gone; the options are those of `twistd imapbox`. On SIGUSR1 it ends
its upkeep and its threads that are idle, collects its garbage, gives back what
memory it can, and writes to REPORT what it still holds.
"""

import ctypes
import gc
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

# Microseconds for which a delivery is remembered: a week. Whoever was killed must
# have come back by then, on a busy machine, too.
LIFETIME: Final = 300 * 1_000_000
# How often it is looked whether a mailbox is to be compacted: 1 h, and 6.
CONSIDERED: Final = 1 / 4  # of the grace
# So many octets must be dead: 16 MiB.
LEAST: Final = 128 * 1024
# So many operations are worth a snapshot: 1,000.
FEWEST: Final = 200
# So large is an account's segment, and so often its BASE, before it is full: 1 MiB,
# four times.
ACCOUNT: Final = 1024, 2
# So many ranges of expunged UIDs are remembered, of a mailbox: 100,000.
RANGES: Final = 500


def shorten(grace: float) -> None:
    """Let happen within minutes what else takes a day, or a week."""
    keys = import_module("imapbox.index.remembered_keys")
    keys.KEY_LIFETIME = LIFETIME  # before anybody imports it
    vanished: Any = import_module("imapbox.index.vanished")
    vanished.Vanished.__init__.__defaults__ = (RANGES,)
    compactions: Any = import_module("imapbox.store.compactions")
    compactions.LEAST = LEAST
    compactions._HOUR = compactions._IN_VAIN = CONSIDERED * grace
    compactions.Policy = partial(compactions.Policy, grace=grace)
    import_module("imapbox.store.snapshots").FEWEST = FEWEST
    shed: Any = import_module("imapbox.index.shed")
    shed.LEAST, shed.GROWN = ACCOUNT


def tell(stores: list[Any], report: Path) -> None:
    """Write down what this process holds, once its upkeep has ended."""
    defer = import_module("twisted.internet.defer")

    async def idle() -> None:
        for store in stores:
            await store.compactor.idle()
            await store.snapshots.idle()
            await _rested(store.drivers)
        while gc.collect():
            pass
        ctypes.CDLL(None).malloc_trim(0)
        kinds = Counter(type(each).__qualname__ for each in gc.get_objects())
        found = {
            "blocks": sys.getallocatedblocks(),
            "objects": kinds.total(),
            "kinds": kinds.most_common(200),
            "arrays": _arrays(stores),
            "malloc": _malloc(),
            "files": _files(),
        }
        new = report.with_suffix(".new")
        new.write_text(json.dumps(found))
        new.replace(report)

    defer.ensureDeferred(idle())


async def _rested(drivers: Any) -> None:
    """Let threads end, as it does each minute: malloc keeps blocks for each of them."""
    reactor = import_module("twisted.internet.reactor")
    drivers._rest()
    while any(
        thread.is_alive()
        for each in (drivers.write, drivers.read, drivers.blocking)
        for thread in each.pool.threads
    ):
        await import_module("twisted.internet.task").deferLater(reactor, 0.01)


def _files() -> list[str]:
    """Return what the descriptors are of.

    Without pathlib, which interns each part of a path: names that are gone again
    leave a place in Python's table of such strings, until it is made twice as large.
    """
    names = []
    for fd in os.listdir("/proc/self/fd"):  # noqa: PTH208 - see above
        with suppress(FileNotFoundError):  # the directory's own
            names.append(os.readlink(f"/proc/self/fd/{fd}"))  # noqa: PTH115 - see above
    return sorted(names)


def _arrays(stores: list[Any]) -> dict[str, int]:
    """Return how many octets the mailboxes hold outside of Python's own memory."""
    octets: Counter[str] = Counter()
    for store in stores:
        for mailbox in store._mailboxes._all.values():
            state = mailbox.state
            octets["mailboxes"] += 1
            for chunk in state.columns._chunks:
                octets["columns"] += sum(each.nbytes for each in chunk.arrays.values())
            octets["graves"] += state.graves._graves._array.nbytes
            octets["vanished"] += state.vanished._ranges._array.nbytes
            octets["keys"] += state.facts.keys.octets
            octets["changes"] += len(state.changes)
            octets["intact"] += len(mailbox._intact)
            octets["roll"] += sum(each.nbytes for each in state.roll._pieces)
        octets["delivery keys"] += store.deliveries._octets
    return dict(octets)


class _Mallinfo(ctypes.Structure):
    """What mallinfo2(3) returns."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("taken", "_ordblks", "_smblks", "_hblks", "mapped"),
            *("_usmblks", "_fsmblks", "used", "free", "_keepcost"),
        )
    )


def _malloc() -> dict[str, int]:
    """Return how much C has taken, what of it is used, and what is free."""
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Mallinfo
    info = libc.mallinfo2()
    return {name: getattr(info, name) for name in ("taken", "mapped", "used", "free")}


def main() -> None:
    """Be a twistd."""
    report, grace, *options = sys.argv[1:]
    shorten(float(grace))
    server: Any = import_module("imapbox.app.server")
    stores: list[Any] = []

    class Told(server.Store):  # type: ignore[misc] # known at run time only
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            stores.append(self)

    server.Store = Told
    reactor = import_module("twisted.internet.reactor")

    def asked(*_: object) -> None:
        reactor.callFromThread(tell, stores, Path(report))

    reactor.callWhenRunning(signal.signal, signal.SIGUSR1, asked)
    sys.argv = ["twistd", "-n", "--pidfile=", "imapbox", *options]
    import_module("twisted.scripts.twistd").run()


if __name__ == "__main__":
    main()
