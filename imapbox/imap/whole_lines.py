"""Lines that are told in pieces come to their end, or the session does."""

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.internet.defer import CancelledError

from imapbox.imap.answers import BrokenOff
from imapbox.imap.session import Session


@contextmanager
def in_whole_lines(session: Session) -> Iterator[None]:
    """Break off should something fail in the middle of a line.

    Whatever was said next, the client would read as the end of that line.

    Raises:
        BrokenOff: It did fail there.
    """
    try:
        yield
    except Exception as error:
        is_over = isinstance(error, CancelledError) and session.ended is not None
        if session.output.in_line and not is_over:
            raise BrokenOff("in the middle of a line") from error
        raise
