"""`imapbox deliver`: one message from standard input, as LMTP would take it.

Ends as sysexits.h has it, so that any MTA knows what to do. Whatever goes
wrong without a reason to give up means "try again".
"""

import re
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import click
from twisted.logger import Logger

from imapbox.app.offline import on_store, reactor
from imapbox.app.refused import Refused
from imapbox.lmtp.delivery import Delivery
from imapbox.lmtp.headers import Client, Trace
from imapbox.model.errors import MailError, MessageTooBig, NoSuchUser
from imapbox.model.quota import Quota
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store

_log = Logger()

STORED: Final = 0
NO_SUCH_USER: Final = 67
UNAVAILABLE: Final = 69
TRY_AGAIN: Final = 75

# How long a delivery may take, in seconds; MTAs wait for much longer.
PATIENCE: Final = 60.0

_BLOCK: Final = 64 * 1024
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")


def run_deliver(
    store: Path, sender: str, user: str, quota: Quota, limit: int
) -> NoReturn:
    """Deliver what comes on standard input, and end the process.

    Args:
        store: The store's directory.
        sender: The envelope's.
        user: Whom to.
        quota: What an account may hold for whom nothing else was set.
        limit: How large the message may be, in octets.
    """

    async def work(opened: Store) -> tuple[int, str]:
        opened.quota = quota
        return await _deliver(opened, sender, user, sys.stdin.buffer, limit)

    try:
        status, text = on_store(store, work)
    except Refused as error:
        status, text = TRY_AGAIN, error.message
    except NoSuchUser as error:
        status, text = NO_SUCH_USER, error.sentence()
    except MailError as error:
        status, text = TRY_AGAIN, error.sentence()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - never bounce
        status, text = TRY_AGAIN, f"Something went wrong: {type(error).__name__}."
    if status != STORED:
        click.echo(f"imapbox deliver: {text}", err=True)
    raise SystemExit(status)


async def _deliver(
    store: Store, sender: str, address: str, message: BinaryIO, limit: int
) -> tuple[int, str]:
    """Deliver, and return how to end, and LMTP's reply."""
    deliveries = Deliveries(store, _knows_nobody)
    recipient = await deliveries.find(address)
    spool = deliveries.new_spool()
    for piece in crlf_pieces(lambda: message.read(_BLOCK)):
        if spool.size + len(piece) > limit:
            spool.discard()
            return UNAVAILABLE, MessageTooBig().sentence()
        await spool.write(piece)
    trace = Trace(
        reverse_path=sender,
        client=Client("localhost", None),
        hostname=socket.gethostname(),
        smtputf8=not sender.isascii() or not address.isascii(),
        transaction=secrets.token_hex(6),
        seconds=time.time(),
    )
    delivery = Delivery(deliveries, reactor, trace, [recipient])
    (reply,) = [await each for each in delivery.begin(spool, PATIENCE)]
    return status_of(reply), reply.decode(errors="replace").strip()


async def _knows_nobody(_: object) -> None:
    """Know of no user but those who have an account."""


def status_of(reply: bytes) -> int:
    """Return how to end where LMTP would have replied ``reply``."""
    if reply.startswith(b"2"):
        return STORED
    if reply.startswith(b"550 5.1.1"):
        return NO_SUCH_USER
    return UNAVAILABLE if reply.startswith(b"5") else TRY_AGAIN


def crlf_pieces(read: Callable[[], bytes]) -> Iterator[bytes]:
    """Return a message in pieces, each line ended by CRLF, also the last.

    Args:
        read: Returns some octets, and none at the end.
    """
    last = b""
    while piece := read():
        # A CR that ends the piece before may belong to this one's LF.
        before = b"\r" if last.endswith(b"\r") else b""
        yield _BARE_LF.sub(b"\r\n", before + piece)[len(before) :]
        last = piece
    if last and not last.endswith(b"\n"):
        yield b"\n" if last.endswith(b"\r") else b"\r\n"
