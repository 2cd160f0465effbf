"""Work in pieces, as many in one turn of the reactor as go without waiting."""

from collections.abc import Iterator

from twisted.internet.defer import Deferred


def run_through(work: Iterator[object]) -> Deferred[None]:
    """Do all pieces; wait only for those that are Deferreds.

    The stock server's scheduler takes a turn of the reactor for each piece,
    and so several for each message of a FETCH.
    """
    return Deferred.fromCoroutine(_run_through(work))


async def _run_through(work: Iterator[object]) -> None:
    for piece in work:
        if isinstance(piece, Deferred):
            await piece
