"""Postfix hands mail over, imaplib and curl read it."""

import imaplib
import re
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from benchmarks.servers import Server
from tests.support.curl import curl_imap
from tests.support.postfix import DOMAIN, Postfix
from tests.support.users import PASSWORDS

StartPostfix = Callable[[str], AbstractContextManager[Postfix]]
MESSAGE = (
    b"From: Sender <sender@example.org>\r\n"
    b"To: everyone:;\r\n"
    b"Date: Tue, 24 Nov 2026 08:00:00 +0000\r\n"
    b"Subject: several at once\r\n"
    b"Message-ID: <several@example.org>\r\n"
    b"\r\n"
    b"A line.\r\n"
    b".A line that begins with a dot.\r\n"
    b"Bytes beyond ASCII: \xe2\x82\xac.\r\n"
)
EVERYONE = [f"{user}@{DOMAIN}" for user in PASSWORDS]


@pytest.fixture(
    params=[
        "imapbox tcp",
        "imapbox unix",
        "dovecot tcp",
    ]
)
def setting(request: pytest.FixtureRequest) -> list[str]:
    """Which server, by which transport. Dovecot tells our faults from the tests'."""
    return request.param.split()


@pytest.fixture
def server(request: pytest.FixtureRequest, setting: list[str]) -> Server:
    return request.getfixturevalue(f"{setting[0]}_server")


@pytest.fixture
def mta(
    server: Server, setting: list[str], start_postfix: StartPostfix
) -> Iterator[Postfix]:
    transports = {
        "tcp": f"lmtp:inet:{server.lmtp[0]}:{server.lmtp[1]}",
        "unix": f"lmtp:unix:{server.lmtp_socket}",
    }
    with start_postfix(transports[setting[1]]) as running:
        yield running


@contextmanager
def inbox(server: Server, user: str) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(*server.imap, timeout=30) as client:
        client.login(user, PASSWORDS[user])
        client.select("INBOX")
        yield client


def await_messages(client: imaplib.IMAP4, count: int, mta: Postfix) -> None:
    """Say NOOP until there are ``count`` messages. Postfix's 250 isn't theirs."""
    give_up_at = time.monotonic() + 30
    exists = [None]
    while exists[-1] != b"%d" % count:
        assert time.monotonic() < give_up_at, (exists, mta.queue(), mta.log())
        client.noop()
        exists = client.response("EXISTS")[1] or exists


def body_of(client: imaplib.IMAP4, number: int) -> bytes:
    _, ((_, octets), *_) = client.fetch(str(number), "(BODY.PEEK[])")
    return octets


def test_several_recipients_at_once(server: Server, mta: Postfix) -> None:
    """One message handed over for everybody is in each INBOX, to the octet."""
    with smtplib.SMTP(*mta.smtp, timeout=30) as smtp:
        assert smtp.sendmail("sender@example.org", EVERYONE, MESSAGE) == {}
    for user in PASSWORDS:
        with inbox(server, user) as client:
            await_messages(client, 1, mta)
            octets = body_of(client, 1)
        assert octets.endswith(MESSAGE), user
        assert b"Return-Path: <sender@example.org>\r\n" in octets
        delivered_to = re.search(
            rb"^Delivered-To: <?%s\b" % user.encode(), octets, re.MULTILINE
        )
        # Dovecot leaves it out where there are several recipients.
        assert delivered_to or server.name == "dovecot"
        read = curl_imap(server.imap, user, PASSWORDS[user], "INBOX;UID=1")
        assert read.endswith(MESSAGE), user
    # One transaction for all: what was received once is spooled once.
    assert mta.log().count("status=sent") == len(PASSWORDS)
    assert mta.queue() == []


def test_sendmail_and_idle_session(server: Server, mta: Postfix) -> None:
    """Mail that sendmail(1) hands over is reported by an open session's NOOP."""
    with inbox(server, "alice") as client:
        for number in range(1, 4):
            text = b"Subject: number %d\n\nHello.\n" % number
            mta.sendmail(text, [EVERYONE[0]])
            await_messages(client, number, mta)
            assert b"\r\nSubject: number %d\r\n" % number in body_of(client, number)


def test_unknown_recipient_comes_back(server: Server, mta: Postfix) -> None:
    """Of two recipients the one we don't know is bounced, the other one served."""
    # The bounce goes to the sender, who has an INBOX here.
    with smtplib.SMTP(*mta.smtp, timeout=30) as smtp:
        smtp.sendmail(EVERYONE[0], [EVERYONE[1], f"nobody@{DOMAIN}"], MESSAGE)
    with inbox(server, "bob") as client:
        await_messages(client, 1, mta)
        assert body_of(client, 1).endswith(MESSAGE)
    with inbox(server, "alice") as client:
        await_messages(client, 1, mta)
        bounce = body_of(client, 1)
    assert b"Return-Path: <>\r\n" in bounce
    assert b"Status: 5.1.1\r\n" in bounce
