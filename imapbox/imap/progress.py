"""Telling a client that hears nothing that its command goes on. RFC 9585.

Who hears nothing takes us for dead, sooner or later.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from twisted.internet.interfaces import IDelayedCall

from imapbox.imap.session import Session
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses

# Seconds; RFC 9585 §2 would have it not much more often.
SILENCE: Final = 10.0


class Progress(NamedTuple):
    """How far a command is.

    Attributes:
        doing: What it does, behind "Still".
        done: How much of it is done; None if nobody counts.
        goal: Of how much; None if nobody knows.
    """

    doing: str
    done: int | None = None
    goal: int | None = None


def tell_progress(session: Session, progress: Progress) -> None:
    """Say that the command that is obeyed goes on."""
    code = codes.in_progress(session.tag, progress.done, progress.goal)
    line = responses.untagged(responses.Status.OK, f"Still {progress.doing}.", code)
    session.output.write(line)


@contextmanager
def in_progress(session: Session, doing: str) -> Iterator[None]:
    """Say it now and then, while the store does what it was asked for.

    Meanwhile nothing may be written but whole lines.

    Args:
        session: Who waits for us.
        doing: What we do, behind "Still".
    """
    timer: IDelayedCall

    def tell() -> None:
        nonlocal timer
        tell_progress(session, Progress(doing))
        session.output.flush()
        timer = session.clock.callLater(SILENCE, tell)

    timer = session.clock.callLater(SILENCE, tell)
    try:
        yield
    finally:
        timer.cancel()
