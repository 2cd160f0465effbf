"""How many connections there may be, and who has to go where there are too many.

Connections from one address and of one user are counted over all processes
(`locks.seats`). Strangers are those who have not logged in: where there are
too many of them, the one who has been here longest makes room, so that nobody
can keep users out by connecting and saying nothing. Nor can anybody guess on many
connections at once: wrong passwords count against the address they came
from, and so do those whose answer was not waited for.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from imapbox.imap.peers import Peer, counted_as
from imapbox.imap.settings import Connections
from imapbox.locks.seats import Seats

_log = Logger()

TOO_MANY_IN_ALL: Final = "Too many connections; please try again later."
TOO_MANY_OF_ADDRESS: Final = "Too many connections from your address."
TOO_MANY_STRANGERS: Final = "Too many connections; please log in at once."

# So many may be told why they are turned away; more are cut off at once, since
# a client that doesn't read its last words keeps them for a while.
_TOLD: Final = 100


class Guest(Protocol):
    """A connection, as far as its place goes."""

    def turn_out(self, reason: str) -> None:
        """End: say good bye to the client."""
        ...

    def abort(self) -> None:
        """End now, without a word."""
        ...


class Guess:
    """A login that is tried: it counts while it is, and then for a while."""

    def __init__(self, crowd: "Crowd", give_back: Callable[[], None]) -> None:
        self._crowd = crowd
        self._give_back = give_back
        self._is_forgiven = False

    def forgive(self) -> None:
        """Let it count no more once it ends: it was no wrong password."""
        self._is_forgiven = True

    def end(self) -> None:
        """Let it count against its address for a while, unless it is forgiven."""
        if self._is_forgiven:
            self._give_back()
        else:
            self._crowd.keep(self._give_back)


def _nothing() -> None:
    """Give nothing back."""


class Place:
    """What a connection takes; nothing of it is left when it leaves."""

    def __init__(self, crowd: "Crowd", guest: Guest) -> None:
        self._crowd = crowd
        self._guest = guest
        self._address: str | None = None
        self._leave_address: Callable[[], None] = _nothing
        self._leave_user: Callable[[], None] = _nothing
        self.turned_out = False

    def come_from(self, peer: Peer) -> None:
        """Take a seat of the client's address, or turn the client out."""
        limits = self._crowd.limits
        self._address = counted_as(peer, limits.many_from)
        if self._address is None:
            return
        seat = self._crowd.take_seat("address", self._address, limits.of_address)
        if seat is None:
            self.turn_out(TOO_MANY_OF_ADDRESS)
        else:
            self._leave_address = seat

    def guess(self) -> Guess | None:
        """Begin to try a password; None if too many from there were wrong."""
        if self._address is None:
            return Guess(self._crowd, _nothing)
        most = self._crowd.limits.failed_of_address
        seat = self._crowd.take_seat("guess", self._address, most)
        return None if seat is None else Guess(self._crowd, seat)

    def log_in(self, user: str) -> bool:
        """Take one of the user's seats; say whether there was one."""
        seat = self._crowd.take_seat("user", user, self._crowd.limits.of_user)
        if seat is None:
            return False
        self._leave_user = seat
        self._crowd.strangers.pop(self, None)
        return True

    def log_out(self) -> None:
        """Give the user's seat back, and be a stranger again."""
        leave, self._leave_user = self._leave_user, _nothing
        leave()
        if not self.turned_out:
            self._crowd.welcome(self)

    def turn_out(self, reason: str) -> None:
        """Let the client go: with a word, unless too many are on their way out."""
        if self.turned_out:
            return
        self.turned_out = True
        self._crowd.strangers.pop(self, None)
        self._crowd.leaving += 1
        if self._crowd.leaving > _TOLD:
            self._guest.abort()
        else:
            self._guest.turn_out(reason)

    def leave(self) -> None:
        """Give everything back."""
        self._crowd.strangers.pop(self, None)
        self._crowd.count -= 1
        self._crowd.leaving -= self.turned_out
        seats = self._leave_address, self._leave_user
        self._leave_address = self._leave_user = _nothing
        for leave in seats:
            leave()


class Crowd:
    """All connections of a process.

    Attributes:
        seats: Of addresses and users.
        limits: How many there may be.
        count: How many there are.
        strangers: Those who have not logged in, the oldest first.
        leaving: How many were turned out and are not gone yet.
    """

    def __init__(self, seats: Seats, limits: Connections, clock: Any) -> None:
        self._clock = clock
        self._kept: dict[Callable[[], None], IDelayedCall] = {}
        self.seats = seats
        self.limits = limits
        self.count = 0
        self.strangers: dict[Place, None] = {}
        self.leaving = 0

    def take_seat(self, kind: str, name: str, most: int) -> Callable[[], None] | None:
        """Return what gives a seat back, or None if there is none."""
        try:
            seat = self.seats.take(f"{kind} {name}", most)
        except OSError as error:
            # Counting is not worth refusing anybody.
            _log.error("can not count connections: {error}", error=error)
            return _nothing
        return seat

    def keep(self, give_back: Callable[[], None]) -> None:
        """Call ``give_back`` when a wrong guess counts no more."""

        def end() -> None:
            del self._kept[give_back]
            give_back()

        seconds = self.limits.failed_seconds
        if give_back is not _nothing:
            self._kept[give_back] = self._clock.callLater(seconds, end)

    def close(self) -> None:
        """Forget who guessed wrong."""
        kept, self._kept = self._kept, {}
        for give_back, timer in kept.items():
            timer.cancel()
            give_back()

    def enter(self, guest: Guest, peer: Peer) -> Place:
        """Give a new connection its place, or turn it out, or an older one."""
        place = Place(self, guest)
        self.count += 1
        if self.count > self.limits.of_process:
            place.turn_out(TOO_MANY_IN_ALL)
            return place
        place.come_from(peer)
        if not place.turned_out:
            self.welcome(place)
        return place

    def welcome(self, place: Place) -> None:
        """Take in a stranger; the oldest makes room if there is none."""
        if len(self.strangers) >= self.limits.of_strangers:
            oldest = next(iter(self.strangers))
            oldest.turn_out(TOO_MANY_STRANGERS)
        self.strangers[place] = None
