"""Internal dates are read and written in their own zone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.message import InternalDate
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.dates import parse_date_time, render_date_time

# The years 1001 to 9998, so that every zone has them.
DATES = st.builds(
    InternalDate,
    st.integers(-30_000_000_000, 250_000_000_000),
    st.integers(-1439, 1439),
)


@given(DATES)
def test_dates_come_back(date) -> None:
    """Every date survives the wire, zone included."""
    assert parse_date_time(render_date_time(date)) == date


@pytest.mark.parametrize(
    ("text", "date"),
    [
        (b'" 1-Feb-2026 12:00:00 +0100"', InternalDate(1769943600, 60)),
        (b'" 1-Jan-1970 00:00:00 +0000"', InternalDate(0, 0)),
        (b'"31-Dec-1969 23:59:59 +0000"', InternalDate(-1, 0)),
        (b'"29-Feb-2024 23:59:59 -0730"', InternalDate(1709278199, -450)),
    ],
)
def test_examples(text, date) -> None:
    """Dates are written with a day of two places and an English month."""
    assert parse_date_time(text) == date
    assert render_date_time(date) == text


def test_month_in_any_case() -> None:
    """The month is read in any case, the day with a zero too."""
    assert parse_date_time(b'"01-fEB-2026 12:00:00 +0100"') == InternalDate(
        1769943600, 60
    )


@pytest.mark.parametrize(
    "text",
    [
        b'"1-Feb-2026 12:00:00 +0100"',
        b'" 0-Feb-2026 12:00:00 +0100"',
        b'"30-Feb-2026 12:00:00 +0100"',
        b'" 1-Foo-2026 12:00:00 +0100"',
        b'" 1-Feb-0000 12:00:00 +0100"',
        b'" 1-Jan-0001 00:00:00 +0100"',
        b'"31-Dec-9999 23:59:59 -0100"',
        b'" 1-Feb-2026 24:00:00 +0100"',
        b'" 1-Feb-2026 12:60:00 +0100"',
        b'" 1-Feb-2026 12:00:60 +0100"',
        b'" 1-Feb-2026 12:00:00 +0160"',
        b'" 1-Feb-2026 12:00:00 +2400"',
        b'" 1-Feb-2026 12:00:00 GMT"',
        b'" 1-Feb-26 12:00:00 +0100"',
        b" 1-Feb-2026 12:00:00 +0100",
        b'" 1-Feb-2026 12:00:00 +0100" ',
        '" ٣-Feb-2026 12:00:00 +0100"'.encode(),
        b"",
    ],
)
def test_what_is_no_date(text) -> None:
    """A day, time or zone that there is not is bad syntax."""
    with pytest.raises(BadSyntax):
        parse_date_time(text)
