"""Lines that are told in pieces."""

import pytest

from imapbox.imap.output import Output
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

KEPT_UP = b"a SEARCH RETURN (UPDATE) UNSEEN\r\n"


def account_of_one() -> FakeAccount:
    account = FakeAccount()
    account.inbox.add(b"Subject: x\r\n\r\nbody")
    return account


def break_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is told fail as soon as half a line was told."""

    async def room(output: Output) -> None:
        said = b"".join(output._pieces)
        if said and not said.endswith(b"\r\n"):
            raise RuntimeError

    monkeypatch.setattr(Output, "room", room)
    monkeypatch.setattr("imapbox.imap.fetch_rows.SLICE", 8)


@pytest.mark.parametrize(
    "command",
    [
        b"SEARCH ALL",
        b"SORT (SIZE) UTF-8 ALL",
        b"THREAD ORDEREDSUBJECT UTF-8 ALL",
        b"UID SEARCH RETURN (PARTIAL 1:2) ALL",
        b"ESEARCH IN (inboxes) RETURN (COUNT ALL) ALL",
        b"FETCH 1 ENVELOPE",
        b"STORE 1 +FLAGS.SILENT (\\Seen)",
    ],
)
def test_what_fails_in_the_middle_of_a_line_is_broken_off(
    monkeypatch: pytest.MonkeyPatch, command: bytes
) -> None:
    """No answer is ever read as the end of a line that could not be completed."""
    client = Client(account_of_one()).login().select()
    client.say(KEPT_UP)
    break_lines(monkeypatch)
    said = client.say(b"t %b\r\n" % command)
    assert said.startswith(b"* ")
    assert b"\r\n" not in said
    assert client.closed


def test_so_is_what_is_told_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is what a client is told while it says nothing."""
    account = account_of_one()
    client = Client(account).login().select()
    client.say(KEPT_UP + b"n NOTIFY SET (selected (MessageNew MessageExpunge))\r\n")
    break_lines(monkeypatch)
    account.inbox.add(b"Subject: y\r\n\r\nbody")
    assert client.turn().endswith(b'* ESEARCH (TAG "a") ADDTO (0 2')
    assert client.closed
