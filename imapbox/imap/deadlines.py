"""How long a client may take; what is late is dropped.

Only time in which we wait for the client counts. One timer for each
connection, set again when it fires and not with each command.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.interfaces import IDelayedCall

from imapbox.imap.input import Input
from imapbox.imap.settings import Patience


class Deadlines:
    """Watches one connection."""

    def __init__(
        self,
        clock: Any,
        patience: Patience,
        source: Input,
        late: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._input = source
        self._late = late
        self._login_by: float | None = None
        self._since = 0.0
        self._timer: IDelayedCall | None = None
        self.logged_out()

    def heard(self) -> None:
        """Note that octets came. They only count after login."""
        if self._login_by is None:
            self._since = self._clock.seconds()

    def answered(self) -> None:
        """Note that a whole command came and was answered."""
        self._since = self._clock.seconds()

    def logged_in(self) -> None:
        """From now on the client may think."""
        self._login_by = None
        self.answered()

    def logged_out(self) -> None:
        """From now on the client has only so much time to log in."""
        self._login_by = self._clock.seconds() + self._patience.login
        self._since = self._clock.seconds()
        self.stop()
        self._arm()

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Meanwhile, octets must come at a rate."""
        window = self._patience.literal_window
        least = self._patience.literal_rate * window
        timer: IDelayedCall

        def check(before: int) -> None:
            nonlocal timer
            received = self._input.received
            # Where octets wait for us, it isn't the client that is slow.
            if self._input.waiting and received - before < least:
                self._late("the message came too slowly")
            else:
                timer = self._clock.callLater(window, check, received)

        timer = self._clock.callLater(window, check, self._input.received)
        try:
            yield
        finally:
            if timer.active():
                timer.cancel()

    def stop(self) -> None:
        """Watch no longer."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _due(self) -> float:
        if self._login_by is None:
            return self._since + self._patience.idle
        return min(self._login_by, self._since + self._patience.command_before_login)

    def _arm(self) -> None:
        left = max(self._due() - self._clock.seconds(), 0.0)
        self._timer = self._clock.callLater(left, self._check)

    def _check(self) -> None:
        if self._clock.seconds() < self._due():
            self._arm()
        elif not self._input.waiting:
            self._timer = self._clock.callLater(1.0, self._check)
        elif self._login_by is None:
            self._late("nothing came for too long")
        else:
            self._late("the login took too long")
