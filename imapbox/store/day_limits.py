"""How much the clients of an account may add in a day, whatever they remove again.

What is expunged or deleted stays on the disk for a grace time, and no quota counts
it. So each process counts what clients bring to an account that has a quota, and
the mailboxes that they make: nobody fills the disk by adding and removing over and
over. A day begins with the first that is counted. Deliveries are not counted: how
much comes to an account is for the sender's servers and ours to say.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from imapbox.model.errors import TooMuchInADay
from imapbox.model.names import UserName
from imapbox.model.quota import Quota

DAY: Final = 24 * 3600.0
# So much of the quota, but not less than this: a draft may be saved every minute.
TIMES_THE_QUOTA: Final = 4
LEAST_OCTETS: Final = 1024 * 1024 * 1024
# Where only the number of messages is limited, each stands for so many octets.
OCTETS_OF_A_MESSAGE: Final = 1024 * 1024
MOST_MAILBOXES_MADE: Final = 10_000
_REMEMBERED: Final = 16_384


@dataclass(slots=True)
class _Day:
    """What was added to an account since its day began."""

    began: float
    octets: int = 0
    mailboxes: int = 0


class DayLimits:
    """What clients of one process added to accounts, each in its day."""

    def __init__(self) -> None:
        self._days: OrderedDict[UserName, _Day] = OrderedDict()

    def count_octets(
        self, user: UserName, octets: int, quota: Quota, now: float
    ) -> None:
        """Count messages that are to be added.

        Args:
            user: Whose account it is.
            octets: Of them.
            quota: What the account may hold.
            now: Seconds, of a clock that never goes back.

        Raises:
            TooMuchInADay: That is too much; it is not counted.
        """
        most = _most(quota)
        if most is None:
            return
        day = self._day(user, now)
        if day.octets + octets > most:
            raise TooMuchInADay
        day.octets += octets

    def check_mailbox(self, user: UserName, now: float) -> None:
        """See that another mailbox may be made.

        Raises:
            TooMuchInADay: Too many were.
        """
        if self._day(user, now).mailboxes >= MOST_MAILBOXES_MADE:
            raise TooMuchInADay

    def count_mailbox(self, user: UserName, now: float) -> None:
        """Count a mailbox that was made."""
        self._day(user, now).mailboxes += 1

    def _day(self, user: UserName, now: float) -> _Day:
        day = self._days.get(user)
        if day is None or now - day.began >= DAY:
            self._days.pop(user, None)
            day = self._days[user] = _Day(now)
            if len(self._days) > _REMEMBERED:
                self._days.popitem(last=False)
        return day


def _most(quota: Quota) -> int | None:
    """Return how many octets may be added in a day; None: any number."""
    if quota.octets is not None:
        held = quota.octets
    elif quota.messages is not None:
        held = quota.messages * OCTETS_OF_A_MESSAGE
    else:
        return None
    return max(LEAST_OCTETS, TIMES_THE_QUOTA * held)
