"""Measures one server that is running, whoever made it.

``python -m benchmarks.measure --imap HOST:PORT --lmtp HOST:PORT --passwd FILE``
prints a JSON object of figures. FILE has lines ``user:{PLAIN}password``. With
``--pid``, given for each of the server's first processes, it also says what
CPU, memory and syncs the figures cost; without, only times.
"""

import argparse
import json
import os
import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import commands, delivery, reading
from benchmarks.load.imap import logged_in
from benchmarks.processes import pss_kib
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.servers import Server

CELLS = ((1, 1), (1, 50), (8, 1), (8, 50))  # connections, users


def measure(server: Server, scale: Scale = FULL) -> dict[str, Any]:
    """Return all figures of ``server``, by names that `benchmarks.table` knows.

    The server must be new: the first user's mailbox is filled.
    """
    os.sync()  # what others left to write shall not be written at our cost
    _prepare(server)
    figures: dict[str, Any] = {}
    if server.roots:
        figures["idle"] = reading.measure_idle_memory(server, connections=scale.idlers)
    for connections, users in CELLS:
        figures[f"deliver {connections}x{users}"] = delivery.measure_rate(
            server, connections=connections, users=users, count=scale.deliveries
        )
    times = delivery.measure_latencies(server, count=scale.latencies)
    figures["exists"] = {
        "median": statistics.median(times),
        "p95": statistics.quantiles(times, n=20, method="inclusive")[-1],
        "all": times,
    }
    for connections in (1, scale.connections):
        name = "noop 1" if connections == 1 else "noop many"
        figures[name] = reading.measure_noop(
            server, connections=connections, seconds=scale.seconds
        )
    _fill(server, scale.mailbox)
    figures["fetch flags"] = reading.measure_fetch_flags(server, seconds=scale.seconds)
    figures.update(commands.measure_commands(server, scale))
    if server.roots:
        for connections in (1, 8):
            figures[f"syncs {connections}x1"] = delivery.measure_syncs(
                server, connections=connections, users=1, count=scale.traced
            )
        figures["end"] = {"pss": pss_kib(server.roots)}
    else:
        for figure in figures.values():
            figure.pop("cpu", None)  # not known
    return figures


def _prepare(server: Server) -> None:
    """Let everyone log in and get mail once, so that all mailboxes are there."""
    for user, password in server.passwords.items():
        logged_in(server.imap, user, password).logout()
    with ExitStack() as stack:
        clients = delivery.connected(stack, server, 1)
        delivery.deliver_many(clients, list(server.passwords), len(server.passwords))


def _fill(server: Server, size: int) -> None:
    """Bring the first user's INBOX to ``size`` messages."""
    user, password = next(iter(server.passwords.items()))
    with ExitStack() as stack:
        clients = delivery.connected(stack, server, 8)
        client = stack.enter_context(logged_in(server.imap, user, password))
        delivery.deliver_many(clients, [user], max(0, size - client.exists))


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="benchmarks.measure", description=__doc__)
    parser.add_argument("--imap", required=True, type=_address, metavar="HOST:PORT")
    parser.add_argument("--lmtp", required=True, type=_address, metavar="HOST:PORT")
    parser.add_argument("--passwd", required=True, type=Path, metavar="FILE")
    parser.add_argument("--pid", action="append", default=[], type=int)
    parser.add_argument("--quick", action="store_true", help="a smoke test")
    options = parser.parse_args()
    server = Server(
        name="server",
        version="unknown",
        imap=options.imap,
        lmtp=options.lmtp,
        passwords=_passwords(options.passwd),
        roots=options.pid,
    )
    print(json.dumps(measure(server, QUICK if options.quick else FULL), indent=1))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _passwords(path: Path) -> dict[str, str]:
    lines = [line.split(":") for line in path.read_text().splitlines()]
    return {line[0]: line[1].removeprefix("{PLAIN}") for line in lines}


if __name__ == "__main__":
    main()
