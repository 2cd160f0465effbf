"""Measures of reading: NOOP, FETCH, and what an idle client costs."""

import itertools
import selectors
import statistics
import time
from contextlib import ExitStack

from benchmarks.load.imap import ImapClient, Refused, logged_in
from benchmarks.processes import cpu_seconds, pss_kib
from benchmarks.servers import Server

_SETTLE = 1.0  # seconds until the last login process has gone
_LEAST = 3  # repetitions, however long one takes


def _clients(stack: ExitStack, server: Server, count: int) -> list[ImapClient]:
    """Return ``count`` clients in the INBOXes of all users but the first."""
    users = list(server.passwords.items())
    accounts = itertools.islice(itertools.cycle(users[1:] or users), count)
    return [
        stack.enter_context(logged_in(server.imap, user, password))
        for user, password in accounts
    ]


def measure_noop(
    server: Server, *, connections: int, seconds: float
) -> dict[str, float]:
    """Return NOOPs a second, and CPU in µs for each.

    Every client says its next NOOP when the one before is answered.
    """
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for client in _clients(stack, server, connections):
            selector.register(client, selectors.EVENT_READ, client)
        cpu = cpu_seconds(server.roots)
        start = time.perf_counter()
        said = answered = 0
        for key in selector.get_map().values():
            key.data.send(b"n NOOP\r\n")
            said += 1
        while answered < said:
            more = time.perf_counter() - start < seconds
            for key, _ in selector.select():
                client = key.data
                client.fill()
                while (line := client.line_if_whole()) is not None:
                    if not line.startswith(b"n "):
                        continue
                    if not line.startswith(b"n OK"):
                        raise Refused(line)
                    answered += 1
                    if more:
                        client.send(b"n NOOP\r\n")
                        said += 1
        took = time.perf_counter() - start
        cpu = cpu_seconds(server.roots) - cpu
    return {"rate": answered / took, "cpu": cpu / answered * 1e6}


def measure_fetch_flags(server: Server, *, seconds: float) -> dict[str, float]:
    """Return wall time (median) and CPU of ``FETCH 1:* FLAGS``, both in ms.

    The first user's INBOX is fetched again and again by one client.
    """
    user, password = next(iter(server.passwords.items()))
    with logged_in(server.imap, user, password) as client:
        count = client.exists
        client.bulk(b"FETCH 1:* (FLAGS)")
        times: list[float] = []
        cpu = cpu_seconds(server.roots)
        while len(times) < _LEAST or sum(times) < seconds:
            start = time.perf_counter()
            answer = client.bulk(b"FETCH 1:* (FLAGS)")
            times.append(time.perf_counter() - start)
            if (told := answer.count(b" FETCH (")) != count:
                raise Refused(told, count)
        cpu = cpu_seconds(server.roots) - cpu
    return {
        "wall": statistics.median(times) * 1e3,
        "cpu": cpu / len(times) * 1e3,
        "messages": count,
    }


def measure_idle_memory(server: Server, *, connections: int) -> dict[str, float]:
    """Return PSS in KiB: at rest, with idle clients, and for each of them.

    To be called before anything that leaves processes behind, which would end
    one by one while the clients come.
    """
    time.sleep(_SETTLE)
    rest = pss_kib(server.roots)
    with ExitStack() as stack:
        for client in _clients(stack, server, connections):
            client.idle()
        time.sleep(_SETTLE)
        busy = pss_kib(server.roots)
    return {"rest": rest, "busy": busy, "each": (busy - rest) / connections}
