"""The Date field.

RFC 5322 §3.3 and §4.3, and what is written instead::

    date-time = [day-name [","]] day month year [time [zone]]
              / day-name month day time [zone] year          ; asctime(3)

A zone that is not known is UTC. A year of two digits is one of 1950 to 2049.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

# What is behind is not looked at; a date has 31 octets.
_MAX_LENGTH: Final = 200
_COMMENT = re.compile(rb"\([^()]*\)?")
_TIME = rb"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?"
_ZONE = rb"([+-][0-9]{4}\b|[A-Za-z]+)"
_DATE = re.compile(
    rb"[ \t]*(?:[A-Za-z]+[ \t]*[,.]?[ \t]*)?([0-9]{1,2})[ \t.-]*([A-Za-z]{3})[A-Za-z]*"
    rb"[ \t.,-]*([0-9]{2,4})\b(?:[ \t,]+" + _TIME + rb"[ \t]*" + _ZONE + rb"?)?"
)
_ASCTIME = re.compile(
    rb"[ \t]*[A-Za-z]{3,}[ \t]*,?[ \t]+([A-Za-z]{3})[A-Za-z]*[ \t]+([0-9]{1,2})[ \t,]+"
    + _TIME
    + rb"[ \t]+(?:"
    + _ZONE
    + rb"[ \t]+)?([0-9]{4})\b"
)
_MONTHS: Final = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
_ZONES: Final[Mapping[bytes, int]] = {
    zone: 60 * hours
    for names, hours in ((b"edt", -4), (b"est cdt", -5), (b"cst mdt", -6))
    for zone in names.split()
} | {b"mst": -420, b"pdt": -420, b"pst": -480}
_EPOCH: Final = date(1970, 1, 1).toordinal()
_CENTURY_TURN: Final = 50
_SHORT_YEARS: Final = 3


class SentDate(NamedTuple):
    """When a message says it was sent.

    Attributes:
        seconds: Since 1970 UTC; perhaps before.
        zone: Minutes that its clock was ahead of UTC.
    """

    seconds: int
    zone: int

    @property
    def local_date(self) -> date:
        """The date in its own zone, which is what SENTON compares.

        RFC 9051 §6.4.4, "disregarding time and timezone".
        """
        return date.fromordinal(_EPOCH + (self.seconds + 60 * self.zone) // 86400)


def parse_date(value: bytes) -> SentDate | None:
    """Return the date that a Date field means; None if it is none."""
    text = value[:_MAX_LENGTH].replace(b"\r", b"").replace(b"\n", b"")
    text = _COMMENT.sub(b" ", text)
    if match := _DATE.match(text):
        day, month, year, hour, minute, second, zone = match.groups()
    elif match := _ASCTIME.match(text):
        month, day, hour, minute, second, zone, year = match.groups()
    else:
        return None
    try:
        number = _MONTHS.index(month.lower()) + 1
        days = date(_year(year), number, int(day)).toordinal() - _EPOCH
    except ValueError:
        return None
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 60:  # noqa: PLR2004 - a clock's
        return None
    ahead = _zone(zone or b"")
    clock = 3600 * hours + 60 * minutes + seconds
    return SentDate(86400 * days + min(clock, 86399) - 60 * ahead, ahead)


def _year(text: bytes) -> int:
    """Return the year that is meant. RFC 5322 §4.3."""
    year = int(text)
    if len(text) > _SHORT_YEARS:
        return year
    return 2000 + year if year < _CENTURY_TURN else 1900 + year


def _zone(text: bytes) -> int:
    if text[:1] in {b"+", b"-"}:
        minutes = 60 * int(text[1:3]) + int(text[3:])
        return -minutes if text.startswith(b"-") else minutes
    return _ZONES.get(text.lower(), 0)
