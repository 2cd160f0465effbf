"""Internal dates as they are written: ``" 1-Feb-2026 12:00:00 +0100"``.

RFC 9051 §9::

    date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year
                     SP time SP zone DQUOTE
    date-day-fixed = (SP DIGIT) / 2DIGIT
    time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
    zone           = ("+" / "-") 4DIGIT
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from imapbox.model.message import InternalDate
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.lexer import Lexer

# English whatever the locale, which strftime would ask.
MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_NUMBER_OF_MONTH: Final = {
    month.lower().encode(): number for number, month in enumerate(MONTHS, start=1)
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_TIME = re.compile(
    rb'"(?P<day> [0-9]|[0-9]{2})-(?P<month>[A-Za-z]{3})-(?P<year>[0-9]{4})'
    rb" (?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    rb' (?P<sign>[+-])(?P<east>[0-9]{2})(?P<minutes>[0-5][0-9])"'
)


def parse_date_time(text: bytes) -> InternalDate:
    """Read a whole ``date-time``, quotes included.

    Raises:
        BadSyntax: It is not one, or there is no such day or time or zone.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise BadSyntax("date-time", text)
    zone = int(match["east"]) * 60 + int(match["minutes"])
    if match["sign"] == b"-":
        zone = -zone
    try:
        clock = datetime(
            int(match["year"]),
            _NUMBER_OF_MONTH[match["month"].lower()],
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            int(match["second"]),
            tzinfo=UTC,
        )
        moment = clock - timedelta(minutes=zone)
        date = InternalDate((moment - _EPOCH) // timedelta(seconds=1), zone)
        date.local()  # raises where the zone is a day or more
    except (KeyError, ValueError, OverflowError) as error:
        raise BadSyntax("date-time", text) from error
    return date


def read_date_time(lexer: Lexer) -> InternalDate:
    """Take a date-time out of a command.

    Raises:
        BadSyntax: There is none.
    """
    return parse_date_time(lexer.match(_DATE_TIME, "date-time"))


def render_date_time(date: InternalDate) -> bytes:
    """Return ``date`` as a ``date-time``, quotes included."""
    local = date.local()
    east = abs(date.zone)
    return (
        f'"{local.day:2d}-{MONTHS[local.month - 1]}-{local.year:04d} '
        f"{local.hour:02d}:{local.minute:02d}:{local.second:02d} "
        f'{"-" if date.zone < 0 else "+"}{east // 60:02d}{east % 60:02d}"'
    ).encode()
