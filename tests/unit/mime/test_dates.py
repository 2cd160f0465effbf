"""Dates are read as they were meant, or not at all."""

import email.utils
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mime.dates import parse_date


def stamp(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("value", "utc", "zone"),
    [
        # RFC 5322 §A.1.1, §A.5, §A.6.2
        ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21 15:55:06", -360),
        (("Thu,\n      13\n        Feb\n          1969\n      23:32\n"
          "               -0330 (Newfoundland Time)"), "1969-02-14 03:02:00", -210),
        ("21 Nov 97 09:55:06 GMT", "1997-11-21 09:55:06", 0),
        # as they come
        ("Tue, 4 Jan 2000 1:02:03 +0100", "2000-01-04 00:02:03", 60),
        ("4 Jan 2000 01:02:03", "2000-01-04 01:02:03", 0),
        ("Tue, 04-Jan-2000 01:02:03 EST", "2000-01-04 06:02:03", -300),
        ("Tue 4 January 00 01:02 PDT", "2000-01-04 08:02:00", -420),
        ("Tuesday, 4 Jan 100 01:02 Z", "2000-01-04 01:02:00", 0),
        ("Tue Jan  4 01:02:03 2000", "2000-01-04 01:02:03", 0),
        ("Tue Jan  4 01:02:03 EST 2000", "2000-01-04 06:02:03", -300),
        ("Tue, 4 Jan 2000", "2000-01-04 00:00:00", 0),
        ("Tue, 4 Jan 2000 23:59:60 +0000", "2000-01-04 23:59:59", 0),
        ("Tue, 4 Jan 2000 01.02.03 +0000", "2000-01-04 01:02:03", 0),
        ("4 Jan 50 00:00", "1950-01-04 00:00:00", 0),
        ("4 Jan 49 00:00", "2049-01-04 00:00:00", 0),
    ],
)  # fmt: skip
def test_examples(value: str, utc: str, zone: int) -> None:
    """A date has its moment and its zone."""
    assert parse_date(value.encode()) == (stamp(utc), zone)


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "31 Feb 2000 00:00", "4 Foo 2000 00:00", "4 Jan 2000 24:00",
     "4 Jan 2000 00:60", "0 Jan 2000", "4 Jan 0000 00:00", "4 Jan 20000 00:00"],
)  # fmt: skip
def test_what_is_no_date(value: str) -> None:
    """A date that can't be has no value."""
    assert parse_date(value.encode()) is None


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)),  # noqa: DTZ001 - the zone comes next
    st.integers(-12 * 60, 14 * 60),
)
def test_as_others_write_it(moment: datetime, minutes: int) -> None:
    """What the standard library writes is read again, its own date included."""
    there = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    sent = parse_date(email.utils.format_datetime(there).encode())
    assert sent == (int(there.timestamp()), minutes)
    assert sent is not None
    assert sent.local_date == there.date()


@given(st.binary() | st.text("0123456789 JanFeb:,+-()").map(str.encode))
def test_anything_is_read(value: bytes) -> None:
    """Any value is a date or none, and a date is one that can be told."""
    sent = parse_date(value)
    if sent is not None:
        assert 1 <= sent.local_date.year <= 9999
