"""Dates as they are written: ``" 1-Feb-2026 12:00:00 +0100"``, ``1-Feb-2026``.

RFC 9051 §9::

    date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year
                     SP time SP zone DQUOTE
    date-day-fixed = (SP DIGIT) / 2DIGIT
    time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
    zone           = ("+" / "-") 4DIGIT
    date           = date-text / DQUOTE date-text DQUOTE
    date-text      = 1*2DIGIT "-" date-month "-" date-year
"""

import re
from datetime import UTC, date, datetime, timedelta
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
_DATE = re.compile(
    rb'(?P<quote>"?)(?P<day>[0-9]{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>[0-9]{4})'
    rb"(?P=quote)"
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
        when = InternalDate((moment - _EPOCH) // timedelta(seconds=1), zone)
        when.local()  # raises where the zone is a day or more
    except (KeyError, ValueError, OverflowError) as error:
        raise BadSyntax("date-time", text) from error
    return when


def read_date_time(lexer: Lexer) -> InternalDate:
    """Take a date-time out of a command.

    Raises:
        BadSyntax: There is none.
    """
    return parse_date_time(lexer.match(_DATE_TIME, "date-time"))


def read_date(lexer: Lexer) -> date:
    """Take a day out of a command.

    Raises:
        BadSyntax: There is none, or the month does not have it.
    """
    text = lexer.match(_DATE, "date")
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadSyntax("date", text)
    try:
        month = _NUMBER_OF_MONTH[match["month"].lower()]
        return date(int(match["year"]), month, int(match["day"]))
    except (KeyError, ValueError) as error:
        raise BadSyntax("date", text) from error


def render_date_time(when: InternalDate) -> bytes:
    """Return ``when`` as a ``date-time``, quotes included."""
    local = when.local()
    east = abs(when.zone)
    return (
        f'"{local.day:2d}-{MONTHS[local.month - 1]}-{local.year:04d} '
        f"{local.hour:02d}:{local.minute:02d}:{local.second:02d} "
        f'{"-" if when.zone < 0 else "+"}{east // 60:02d}{east % 60:02d}"'
    ).encode()
