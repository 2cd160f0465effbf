"""Measures of commands on whole mailboxes: what a client's day is made of.

Each answers wall time (the median) and CPU, both in ms, and the first time
apart, as ``first``: servers that keep what they have read are slower then.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.load.imap import ImapClient, Refused, logged_in
from benchmarks.load.messages import corpus
from benchmarks.repetition import (
    LEAST,
    Figures,
    Stopwatch,
    checked,
    inbox,
    repeated,
)
from benchmarks.scale import Scale
from benchmarks.servers import Server

_LARGE: Final = "large"
_SCRATCH: Final = "scratch"
# In a subject of the corpus; in a text of it; in none.
_SUBJECT: Final = b"invoice"
_TEXT: Final = b"meeting invoice"
# What changes of a mailbox while a client is away, in messages.
_FLAGGED: Final = 80
_GONE: Final = 20
_UIDVALIDITY: Final = re.compile(rb"\[UIDVALIDITY (\d+)\]")
_HIGHESTMODSEQ: Final = re.compile(rb"\[HIGHESTMODSEQ (\d+)\]")


def measure_commands(server: Server, scale: Scale) -> dict[str, Figures]:
    """Return the figures of all commands, by the names that the table knows.

    The first user's INBOX holds ``scale.mailbox`` messages; it gets a few more.
    """
    return {
        "login": _measure_login(server, seconds=scale.seconds),
        **_measure_reading(server, seconds=scale.seconds),
        **_measure_flags(server, seconds=scale.seconds),
        "list status": _measure_list_status(
            server, count=scale.mailboxes, seconds=scale.seconds
        ),
        "append": _measure_append(server, seconds=scale.seconds),
        **_measure_copies(server),
        "select": _measure_select(server, size=scale.large, seconds=scale.seconds),
        "resync": _measure_resync(server, seconds=scale.seconds),
    }


def _measure_login(server: Server, *, seconds: float) -> Figures:
    """Log in and out, one connection after the other."""
    user, password = list(server.passwords.items())[-1]

    def log_in_and_out() -> None:
        client = ImapClient(server.imap)
        client.login(user, password)
        client.logout()

    return repeated(server, itertools.repeat(log_in_and_out), seconds)


def _measure_reading(server: Server, *, seconds: float) -> dict[str, Figures]:
    with inbox(server) as client:
        count = client.exists
        found = {}
        for name, items in (
            ("fetch envelope", b"ENVELOPE"),
            ("fetch bodystructure", b"BODYSTRUCTURE"),
            ("fetch header", b"BODY.PEEK[HEADER.FIELDS (Subject From Date)]"),
            ("download", b"BODY.PEEK[]"),
        ):
            fetch = checked(client, b"FETCH 1:* (%b)" % items, b" FETCH (", count)
            found[name] = repeated(server, itertools.repeat(fetch), seconds)
        for name, key in (
            ("search unseen", b"UNSEEN"),
            ("search subject", b"SUBJECT " + _SUBJECT),
            ("search text", b'TEXT "%b"' % _TEXT),
        ):
            search = checked(client, b"SEARCH " + key, b"* SEARCH", 1)
            found[name] = repeated(server, itertools.repeat(search), seconds)
        for name, command, part in (
            ("sort subject", b"SORT (SUBJECT) UTF-8 ALL", b"* SORT"),
            ("sort date", b"SORT (REVERSE DATE) UTF-8 ALL", b"* SORT"),
            ("thread", b"THREAD REFERENCES UTF-8 ALL", b"* THREAD"),
        ):
            ask = checked(client, command, part, 1)
            found[name] = repeated(server, itertools.repeat(ask), seconds)
    return found


def _measure_flags(server: Server, *, seconds: float) -> dict[str, Figures]:
    with inbox(server) as client:

        def store(numbers: bytes) -> Iterator[Callable[[], object]]:
            for sign in itertools.cycle((b"+", b"-")):
                command = b"STORE %b %bFLAGS.SILENT (\\Flagged)" % (numbers, sign)
                yield lambda command=command: client.command(command)

        return {
            "store all": repeated(server, store(b"1:*"), seconds),
            "store one": repeated(server, store(b"1"), seconds),
        }


def _measure_list_status(server: Server, *, count: int, seconds: float) -> Figures:
    """LIST of so many mailboxes, each with its counts; none of them is open."""
    user, password = list(server.passwords.items())[-1]
    asked = b'LIST "" many/* RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))'
    with logged_in(server.imap, user, password) as client:
        for number in range(count):
            client.command(b"CREATE many/%d" % number)
        ask = checked(client, asked, b"* STATUS ", count)
        return repeated(server, itertools.repeat(ask), seconds)


def _measure_append(server: Server, *, seconds: float) -> Figures:
    user, password = list(server.passwords.items())[-1]
    messages = itertools.cycle(corpus())
    with logged_in(server.imap, user, password) as client:

        def append() -> None:
            message = next(messages)
            tag = client.start(b"APPEND INBOX {%d}" % len(message))
            if not client.response().startswith(b"+"):
                raise Refused("no continuation")
            client.send(message + b"\r\n")
            client.finish(tag)

        return repeated(server, itertools.repeat(append), seconds)


def _measure_copies(server: Server) -> dict[str, Figures]:
    """COPY 1:* to an empty mailbox, and EXPUNGE of all that is in it."""
    copies, expunges = Stopwatch(server), Stopwatch(server)
    with inbox(server) as client:
        count = client.exists
        for _ in range(LEAST):
            client.command(f"CREATE {_SCRATCH}".encode())
            with copies.lap():
                client.command(f"COPY 1:* {_SCRATCH}".encode())
            if client.select(_SCRATCH) != count:
                raise Refused("not all were copied")
            client.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
            with expunges.lap():
                client.bulk(b"EXPUNGE")
            client.select()
            client.command(f"DELETE {_SCRATCH}".encode())
    return {"copy": copies.figures(), "expunge": expunges.figures()}


def _measure_select(server: Server, *, size: int, seconds: float) -> Figures:
    """SELECT a mailbox of at least ``size`` messages, from one of none."""
    with inbox(server) as client:
        client.command(f"CREATE {_LARGE}".encode())
        for _ in range(-(-size // client.exists)):
            client.command(f"COPY 1:* {_LARGE}".encode())
        client.command(b"CREATE empty")

        def select() -> None:
            if client.select(_LARGE) < size:
                raise Refused("not all are there")

        def leave() -> None:
            client.select("empty")

        stopwatch = Stopwatch(server)
        while not stopwatch.enough(seconds):
            leave()
            with stopwatch.lap():
                select()
    return stopwatch.figures()


def _measure_resync(server: Server, *, seconds: float) -> Figures:
    """SELECT with QRESYNC of the large mailbox, after changes of 100 messages.

    Of these 80 have another flag, and 20 are gone. They are all over the mailbox.
    """
    stopwatch = Stopwatch(server)
    large = _LARGE.encode()
    with inbox(server) as other, inbox(server) as client:
        client.command(b"ENABLE QRESYNC")
        other.select(_LARGE)
        other.command(b"STORE 1:* -FLAGS.SILENT (\\Flagged)")
        # Each time there are fewer.
        while not stopwatch.enough(seconds) and other.exists > 2 * (_FLAGGED + _GONE):
            known = _known(client.command(b"SELECT " + large))
            client.command(b"SELECT empty")
            flagged = _change(other)
            with stopwatch.lap():
                told = client.command(b"SELECT %b (QRESYNC (%d %d))" % (large, *known))
            if sum(b" FETCH (" in line for line in told) != _FLAGGED:
                raise Refused("not all flags were told")
            if not any(line.startswith(b"* VANISHED (EARLIER) ") for line in told):
                raise Refused("nothing vanished")
            other.command(b"STORE %b -FLAGS.SILENT (\\Flagged)" % flagged)
    return stopwatch.figures()


def _change(client: ImapClient) -> bytes:
    """Flag 80 messages of a mailbox, and remove 20 behind them; return the 80."""
    step = client.exists // (_FLAGGED + _GONE)
    numbers = [b"%d" % (number * step + 1) for number in range(_FLAGGED + _GONE)]
    flagged, gone = (
        b",".join(some) for some in (numbers[:_FLAGGED], numbers[_FLAGGED:])
    )
    client.command(b"STORE %b +FLAGS.SILENT (\\Flagged)" % flagged)
    client.command(b"STORE %b +FLAGS.SILENT (\\Deleted)" % gone)
    client.command(b"EXPUNGE")
    client.exists -= _GONE
    return flagged


def _known(told: list[bytes]) -> tuple[int, int]:
    """Return UIDVALIDITY and HIGHESTMODSEQ, as SELECT tells them."""
    text = b"".join(told)
    validity, modseq = _UIDVALIDITY.search(text), _HIGHESTMODSEQ.search(text)
    if validity is None or modseq is None:
        raise Refused("no HIGHESTMODSEQ")
    return int(validity[1]), int(modseq[1])
