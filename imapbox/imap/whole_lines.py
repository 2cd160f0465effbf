"""Lines that are told in pieces come to their end, or the session does."""

from twisted.internet.defer import CancelledError

from imapbox.imap.answers import BrokenOff
from imapbox.imap.session import Session


class InWholeLines:
    """Raises `BrokenOff` should what it is around fail in the middle of a line.

    Whatever was said next, the client would read as the end of that line.

    Args:
        session: Whose lines these are.
    """

    __slots__ = ("_session",)  # every command makes one

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: object
    ) -> None:
        """Look where it failed, if it did."""
        del kind, traceback
        session = self._session
        if not isinstance(error, Exception) or not session.output.in_line:
            return
        if not (isinstance(error, CancelledError) and session.ended is not None):
            raise BrokenOff("in the middle of a line") from error
