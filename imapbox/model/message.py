"""A message as the index knows it, without its octets.

See Also:
    RFC 9051 §2.3.3 (internal date), RFC 8474 §4.2 (EMAILID).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone


@dataclass(frozen=True, slots=True)
class InternalDate:
    """When a message arrived, and in which zone that was said.

    Attributes:
        seconds: Since 1970-01-01T00:00Z.
        zone: Minutes east of UTC.
    """

    seconds: int
    zone: int = 0

    def local(self) -> datetime:
        """Return the date in its own zone."""
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=self.seconds)
        return moment.astimezone(timezone(timedelta(minutes=self.zone)))
