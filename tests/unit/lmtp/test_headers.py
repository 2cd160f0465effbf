"""The lines before a message, and the loops they show."""

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.lmtp.headers import Client, Trace, delivered_to, normalized
from tests.support.lmtp_store import Conversation, codes, statuses


def trace(name: str = "client.example", host: str | None = None) -> Trace:
    return Trace(
        reverse_path="bob@example.org",
        client=Client(name, host),
        hostname="mx.example.test",
        smtputf8=False,
        transaction="5eed",
        seconds=1234567890.5,
    )


def test_lines() -> None:
    """Return-Path, Delivered-To and Received come first, in this order."""
    header = trace(host="192.0.2.1").header("alice@example.test")
    lines = header.decode().split("\r\n")
    assert lines[:5] == [
        "Return-Path: <bob@example.org>",
        "Delivered-To: alice@example.test",
        "Received: from client.example ([192.0.2.1])",
        "\tby mx.example.test with LMTP id 5eed",
        lines[4],
    ]
    assert lines[4].startswith("\tfor <alice@example.test>; ")
    assert lines[5:] == [""]
    date = email.message_from_bytes(header, policy=email.policy.default)
    when = email.utils.parsedate_to_datetime(date["Received"].rpartition(";")[2])
    assert when.timestamp() == 1234567890


@pytest.mark.parametrize(
    ("host", "literal"),
    [("::1", " ([IPv6:::1])"), ("192.0.2.1", " ([192.0.2.1])"), (None, "")],
)
def test_address_of_the_client(host: str | None, literal: str) -> None:
    """The client's address is a literal, and absent on a UNIX socket."""
    header = trace(host=host).header("alice").decode()
    assert f"from client.example{literal}\r\n" in header


def test_utf8() -> None:
    """Where SMTPUTF8 was said, Received says so too. RFC 6531 §4.3."""
    conversation = Conversation()
    sender = "jürgen@müller.example"
    conversation.send(
        f"LHLO c\r\nMAIL FROM:<{sender}> SMTPUTF8\r\nRCPT TO:<ürsel>\r\n"
        "DATA\r\nx\r\n.\r\n".encode()
    )
    ((_, header, _),) = conversation.deliveries.stored
    text = header.decode()
    assert f"Return-Path: <{sender}>\r\nDelivered-To: ürsel\r\n" in text
    assert " with UTF8LMTP id " in text


@given(st.text(), st.text())
def test_a_name_can_not_inject(name: str, host: str) -> None:
    """Whatever the client calls itself, our header is four header lines long."""
    header = trace(name, host).header("alice@example.test")
    assert header.count(b"\r\n") == header.count(b"\n") == header.count(b"\r") == 5
    assert header.isascii()
    assert all(32 <= octet < 127 or octet in b"\r\n\t" for octet in header)


@pytest.mark.parametrize(
    "start",
    [
        b"Delivered-To: alice@example.test\r\n\r\nbody",
        b"Subject: x\r\ndelivered-to:alice@example.test\r\nFrom: y\r\n\r\n",
        b"Delivered-To: Alice@EXAMPLE.test \r\n\r\n",
        b"Delivered-To:\r\n alice@example.test\r\n\r\n",
        b"Delivered-To : alice@example.test",
        b"Delivered-To: bob\r\nDelivered-To: alice@example.test\r\n",
        b"X: y\nDelivered-To: alice@example.test\n\nbody",
    ],
)
def test_loops_are_seen(start: bytes) -> None:
    """A Delivered-To of this recipient is found anywhere in the header."""
    assert normalized("alice@example.test") in delivered_to(start)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\nDelivered-To: alice@example.test\r\n",
        b"Subject: x\r\n\r\nDelivered-To: alice@example.test\r\n",
        b"X: y\n\nDelivered-To: alice@example.test\r\n\r\n",
        b"X-Delivered-To: alice@example.test\r\n\r\n",
        b"X: y\r\n Delivered-To: alice@example.test\r\n\r\n",
        b"Delivered-To: malice@example.test\r\n\r\n",
        b"Delivered-To: alice@example.test, bob\r\n\r\n",
    ],
)
def test_what_is_no_loop(start: bytes) -> None:
    """Bodies, other fields and other addresses are no loops."""
    assert normalized("alice@example.test") not in delivered_to(start)


def test_a_loop_is_refused_for_its_recipient_only() -> None:
    """Who has had the message before is refused; the others get it."""
    conversation = Conversation()
    conversation.begin("alice@example.test", "carol@example.test")
    content = b"Delivered-To: ALICE@example.test\r\n\r\nhi\r\n"
    answers = conversation.send(content + b".\r\n")
    assert statuses(answers) == ["554 5.4.6", "250 2.0.0"]
    assert [who for who, _, _ in conversation.deliveries.stored] == [
        "carol@example.test"
    ]


def test_our_own_lines_make_a_loop() -> None:
    """A message that comes back with the lines we gave it is a loop."""
    conversation = Conversation()
    conversation.begin()
    conversation.send(b"Subject: x\r\n\r\nhi\r\n.\r\n")
    ((_, header, octets),) = conversation.deliveries.stored
    conversation.begin()
    assert codes(conversation.send(header + octets + b".\r\n")) == ["554"]
