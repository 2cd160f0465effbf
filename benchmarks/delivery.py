"""Measures of delivery: rate, CPU, the way to an idle client, syncs."""

import itertools
import random
import select
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from benchmarks.load.connection import PATIENCE
from benchmarks.load.imap import ImapClient, logged_in
from benchmarks.load.lmtp import LmtpClient, NotDelivered, stuffed
from benchmarks.load.messages import corpus
from benchmarks.processes import cpu_seconds
from benchmarks.servers import Server
from benchmarks.syncs import syncs_during

WIRE: Final = tuple(map(stuffed, corpus()))


def deliver_many(
    clients: Sequence[LmtpClient], users: Sequence[str], count: int
) -> None:
    """Deliver ``count`` messages over ``clients`` at once, to ``users`` in turn."""
    # next() of a count is one step of the interpreter: no number comes twice.
    numbers = itertools.count()

    def work(client: LmtpClient) -> None:
        while (number := next(numbers)) < count:
            client.must_deliver(WIRE[number % len(WIRE)], users[number % len(users)])

    with ThreadPoolExecutor(len(clients)) as pool:
        for _ in pool.map(work, clients):
            pass


def connected(stack: ExitStack, server: Server, count: int) -> list[LmtpClient]:
    """Return ``count`` LMTP clients, each of which has delivered once.

    What a server does once for each connection is no cost of a message.
    """
    clients = [stack.enter_context(LmtpClient(server.lmtp)) for _ in range(count)]
    first = next(iter(server.passwords))
    for client in clients:
        client.must_deliver(WIRE[0], first)
    return clients


def measure_rate(
    server: Server, *, connections: int, users: int, count: int
) -> dict[str, float]:
    """Return deliveries a second, and CPU in ms for each."""
    recipients = list(server.passwords)[:users]
    with ExitStack() as stack:
        clients = connected(stack, server, connections)
        cpu = cpu_seconds(server.roots)
        start = time.perf_counter()
        deliver_many(clients, recipients, count)
        seconds = time.perf_counter() - start
        cpu = cpu_seconds(server.roots) - cpu
    return {"rate": count / seconds, "cpu": cpu / count * 1e3}


def measure_latencies(server: Server, *, count: int) -> list[float]:
    """Return the times from a delivery's 250 to an idle client's EXISTS, in ms.

    One that comes before the 250 is a negative time.
    """
    chance = random.Random(1)
    user, password = list(server.passwords.items())[-1]
    times = []
    with (
        LmtpClient(server.lmtp) as lmtp,
        logged_in(server.imap, user, password) as imap,
    ):
        lmtp.must_deliver(WIRE[0], user)
        imap.noop()
        tag = imap.idle()
        for number in range(count):
            if lmtp.send_message(WIRE[number % len(WIRE)], [user]) != [None]:
                raise NotDelivered(user)
            times.append(_from_250_to_exists(lmtp, imap) * 1e3)
            # So that no timer of the server's beats in step with us.
            time.sleep(chance.uniform(0, 0.02))
        imap.done(tag)
    return times


def _from_250_to_exists(lmtp: LmtpClient, imap: ImapClient) -> float:
    """Wait for both and return the seconds between them.

    One thread looks at both sockets, so that no scheduler of ours decides.
    """
    expected = imap.exists + 1
    delivered = told = None
    while delivered is None or told is None:
        ready, _, _ = select.select([lmtp, imap], [], [], PATIENCE)
        now = time.perf_counter()
        if not ready:
            raise TimeoutError("no 250 or no EXISTS", delivered, told)
        if lmtp in ready:
            delivered = now
            if not (reply := lmtp.reply()).startswith(b"250"):
                raise NotDelivered(reply)
        if imap in ready:
            imap.fill()
            while (line := imap.line_if_whole()) is not None:
                imap.take_in(line)
            if imap.exists >= expected and told is None:
                told = now
    return told - delivered


def measure_syncs(
    server: Server, *, connections: int, users: int, count: int
) -> dict[str, float]:
    """Return how often the server syncs for one delivery, by system call."""
    recipients = list(server.passwords)[:users]
    with ExitStack() as stack:
        clients = connected(stack, server, connections)
        counted = syncs_during(
            lambda: deliver_many(clients, recipients, count), server.roots
        )
    by_call = {call: number / count for call, number in sorted(counted.items())}
    return {"all": counted.total() / count, **by_call}
