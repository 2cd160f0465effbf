"""XFORWARD: who may say which message comes, and for how long that holds."""

from ipaddress import ip_network

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.logger import LogEvent, formatEvent

from imapbox.lmtp.factory import LMTPFactory
from imapbox.lmtp.trust import LOOPBACK, is_trusted
from tests.support.lmtp_store import CONTENT, LOCAL, Conversation, codes, statuses

OFFERED = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
DELIVER = (
    b"MAIL FROM:<bob@example.org>\r\nRCPT TO:<alice>\r\nDATA\r\n" + CONTENT + b".\r\n"
)


def greeted(peer: object = LOCAL) -> Conversation:
    conversation = Conversation(peer=peer)
    conversation.send(b"LHLO client.example\r\n")
    return conversation


def idents(conversation: Conversation) -> list[str | None]:
    return [each.ident for each in conversation.deliveries.identities]


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        (None, True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("fe80::1%eth0", False),
        ("10.1.2.3", False),
        ("128.0.0.1", False),
        ("a name", False),
    ],
)
def test_whom_we_believe(host: str | None, trusted: bool) -> None:
    """Whoever comes by a UNIX socket or from this machine, and nobody else."""
    assert is_trusted(host, LOOPBACK) is trusted
    assert is_trusted(host, [ip_network("10.0.0.0/8")]) is (
        host is None or host == "10.1.2.3"
    )


@pytest.mark.parametrize(
    "peer", [LOCAL, IPv6Address("TCP", "::1", 1), UNIXAddress(b"/run/lmtp")]
)
def test_it_is_offered_to_whom_we_believe(peer: object) -> None:
    """LHLO offers XFORWARD to local clients."""
    conversation = Conversation(peer=peer)
    assert f"250 {OFFERED}" in conversation.send(b"LHLO c\r\n")
    assert statuses(conversation.send(b"XFORWARD IDENT=1\r\n")) == ["250 2.0.0"]


def test_others_are_not_believed() -> None:
    """From elsewhere it is refused, and the message has no ident."""
    conversation = Conversation(peer=IPv4Address("TCP", "192.0.2.1", 25))
    assert OFFERED not in " ".join(conversation.send(b"LHLO c\r\n"))
    assert statuses(conversation.send(b"XFORWARD IDENT=1\r\n")) == ["550 5.7.0"]
    conversation.send(DELIVER)
    assert idents(conversation) == [None]


def test_a_site_says_whom_it_believes() -> None:
    """The factory is told of other networks."""
    conversation = Conversation(peer=IPv4Address("TCP", "10.0.0.7", 25))
    conversation.factory = LMTPFactory(
        conversation.deliveries,
        conversation.clock,
        hostname="mx.example.test",
        xforward_from=[ip_network("10.0.0.0/24")],
    )
    conversation.connect()
    assert f"250 {OFFERED}" in conversation.send(b"LHLO c\r\n")


def test_as_postfix_says_it() -> None:
    """The ident of the second of two commands is the message's."""
    conversation = greeted()
    conversation.send(
        b"XFORWARD NAME=localhost ADDR=127.0.0.1 PORT=39566\r\n"
        b"XFORWARD PROTO=ESMTP HELO=[127.0.0.1] IDENT=4NB6rZ2xG2z1 SOURCE=LOCAL\r\n"
    )
    conversation.send(DELIVER)
    (identity,) = conversation.deliveries.identities
    assert identity == ("bob@example.org", "4NB6rZ2xG2z1")


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (b"", "1"),
        (b"NOOP\r\n", "1"),
        (b"XFORWARD HELO=x\r\n", "1"),
        (b"XFORWARD IDENT=2\r\n", "2"),
        (b"XFORWARD IDENT=[UNAVAILABLE]\r\n", None),
        (b"XFORWARD IDENT=\r\n", "1"),
        (b"MAIL FROM:<> SIZE=99999999999\r\n", "1"),
        (b"RSET\r\n", None),
        (b"LHLO again\r\n", None),
        (DELIVER, None),
        (b"MAIL FROM:<>\r\nRSET\r\n", None),
        (b"MAIL FROM:<>\r\nRCPT TO:<a>\r\nBDAT 2 LAST\r\nhi", None),
    ],
)
def test_it_holds_for_one_message(between: bytes, expected: str | None) -> None:
    """What was said lasts to the end of the next message, RSET or LHLO."""
    conversation = greeted()
    conversation.send(b"XFORWARD IDENT=1\r\n")
    conversation.send(between)
    conversation.send(DELIVER)
    assert idents(conversation)[-1] == expected


def test_not_within_a_message() -> None:
    """Between MAIL and the message's end it is 503, and changes nothing."""
    conversation = greeted()
    conversation.send(b"XFORWARD IDENT=1\r\nMAIL FROM:<>\r\n")
    assert codes(conversation.send(b"XFORWARD IDENT=2\r\n")) == ["503"]
    conversation.send(b"RCPT TO:<alice>\r\n")
    assert codes(conversation.send(b"XFORWARD IDENT=2\r\n")) == ["503"]
    conversation.send(b"BDAT 2\r\nhi")
    assert codes(conversation.send(b"XFORWARD IDENT=2\r\n")) == ["503"]
    conversation.send(b"BDAT 0 LAST\r\n")
    assert idents(conversation) == ["1"]


def test_what_can_not_be_read_is_501() -> None:
    """A malformed attribute is refused, and counts as a mistake."""
    conversation = greeted()
    assert statuses(conversation.send(b"XFORWARD IDENT=+0\r\n")) == ["501 5.5.4"]
    assert statuses(conversation.send(b"XFORWARD FOO=1\r\n")) == ["501 5.5.4"]
    answers = codes(conversation.send(b"XFORWARD\r\n" * 18))
    assert answers == ["501"] * 18 + ["421"]


def test_the_log_says_the_ident(events: list[LogEvent]) -> None:
    """The line of a delivery names the queue id, so that both logs can be matched."""
    conversation = greeted()
    conversation.send(b"XFORWARD IDENT=4NB6rZ\r\n" + DELIVER)
    assert str(formatEvent(events[-1])).endswith("ident=4NB6rZ")
