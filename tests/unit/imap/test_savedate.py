"""SAVEDATE: when a message came into the mailbox. RFC 8514."""

import pytest

from imapbox.model.message import InternalDate
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

DAY = 24 * 3600
NOON = 1_700_049_600  # 15-Nov-2023 12:00 UTC


@pytest.fixture
def client() -> Client:
    account = FakeAccount()
    for days in range(3):
        account.inbox.now = NOON + days * DAY
        account.inbox.add(b"a: b\r\n\r\n", date=InternalDate(0, 600))
    return Client(account).login().select()


def test_the_date_is_told_in_utc(client: Client) -> None:
    """FETCH SAVEDATE tells when it was saved, whatever its INTERNALDATE."""
    assert client.say(b"t FETCH 1 (SAVEDATE INTERNALDATE)\r\n") == (
        b'* 1 FETCH (SAVEDATE "15-Nov-2023 12:00:00 +0000" '
        b'INTERNALDATE " 1-Jan-1970 10:00:00 +1000")\r\nt OK Fetched.\r\n'
    )


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (b"SAVEDBEFORE 16-Nov-2023", b" 1"),
        (b"SAVEDON 16-Nov-2023", b" 2"),
        (b"SAVEDSINCE 16-Nov-2023", b" 2 3"),
        (b"NOT SAVEDSINCE 16-Nov-2023", b" 1"),
        (b"SAVEDBEFORE 15-Nov-2023", b""),
        (b"SAVEDATESUPPORTED", b" 1 2 3"),
    ],
)
def test_searches_for_days(client: Client, key: bytes, found: bytes) -> None:
    """SEARCH asks for the day in UTC; SAVEDATESUPPORTED finds all: RFC 8514 §4.3."""
    said = client.say(b"t SEARCH %b\r\n" % key)
    assert said == b"* SEARCH%b\r\nt OK Searched.\r\n" % found
