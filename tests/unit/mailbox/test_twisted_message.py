"""Messages behind twisted.mail's IMessage: octets as they were sent."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.mail.imap4 import (
    MailboxException,
    _formatHeaders,
    getBodyStructure,
    getEnvelope,
)

from imapbox.disk.blocking import result_of
from imapbox.mailbox.twisted_headers import HeaderFields, read_header
from imapbox.mailbox.twisted_message import TwistedMessage, message_date
from imapbox.model.message import InternalDate
from tests.support.fake_mail import FakeAccount
from tests.support.twisted_mail import fetched, opened

NAMES = st.text(string.ascii_letters + string.digits + "-", min_size=1)
# Neither line ends nor what Python takes for some.
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
VALUES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
FOLDED = st.lists(VALUES, min_size=1, max_size=3).map("\r\n\t".join)
MIXED = (
    b"Subject: =?utf-8?q?caf=C3=A9?=\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=limit;\r\n\r\n"
    b"--limit\r\nContent-Type: text/plain; charset=utf-8;; =\r\n"
    b'Content-Disposition: attachment; filename="a b.txt"; size=3\r\n\r\none\r\n'
    b"--limit\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inner\r\nFrom: x@y.z\r\n\r\ntwo\r\n"
    b"--limit--\r\n"
)


def message_of(octets: bytes) -> TwistedMessage:
    account = FakeAccount()
    account.inbox.add(octets)
    return fetched(opened(account))[0]


@given(st.lists(st.tuples(NAMES, FOLDED), min_size=1))
def test_a_header_comes_back_as_it_was_sent(fields) -> None:
    """Order, spelling, folding and equal fields survive the stock server's dict."""
    header = "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    told = HeaderFields(read_header(header.encode()))
    assert _formatHeaders(told) == header.encode()


@given(st.binary() | st.text(":a \t\r\n\0").map(str.encode))
def test_any_header_can_be_told(octets) -> None:
    """Whatever a header holds, the stock server can write and look it up."""
    told = HeaderFields(read_header(octets))
    assert _formatHeaders(told).endswith(b"\r\n\r\n" if told else b"\r\n")
    for name, value in dict.items(told):
        assert (name + value).isascii()
        assert not {"\r", "\n", "\0"} & set(name + value)


@given(st.binary() | st.text("ab:-\r\n \tC", max_size=300).map(str.encode))
def test_any_message_has_a_structure(octets) -> None:
    """No message, whatever is in it, raises what would end the connection."""
    message = message_of(b"Content-Type: multipart/mixed; boundary=a\r\n" + octets)
    getBodyStructure(message, extended=True)
    getBodyStructure(message)
    getEnvelope(message)
    assert message.open().read().endswith(octets)


@pytest.mark.parametrize("cut", range(len(MIXED)))
def test_header_and_body_are_the_message(cut: int) -> None:
    """What getHeaders does not have is in getBodyFile, wherever a message is cut."""
    message = message_of(MIXED[:cut])
    body = message.getBodyFile().read()
    assert message.getSize() == cut
    header, empty_line, text = MIXED[:cut].partition(b"\r\n\r\n")
    assert body == (text if empty_line else b"")
    assert message._header == header + empty_line


def test_an_empty_line_is_found_wherever_it_lies() -> None:
    """A header longer than what is read at once ends where it should."""
    for size in range(16 * 1024 - 12, 16 * 1024 + 2):
        message = message_of(b"A: " + b"x" * size + b"\r\n\r\nbody")
        assert message.getBodyFile().read() == b"body"


def test_parts() -> None:
    """A multipart's parts have bodies, sizes and headers of their own."""
    message = message_of(MIXED)
    assert message.isMultipart()
    one, two = message.getSubPart(0), message.getSubPart(1)
    assert one.getBodyFile().read() == b"one"
    assert one.getSize() == 3
    assert list(one.getBodyFile()) == [b"one"]
    assert not two.isMultipart()
    inner = two.getSubPart(0)
    assert inner.getHeaders(False, "subject") == {"subject": "inner"}
    assert inner.getBodyFile().read() == b"two"
    for missing in (2, -1):
        with pytest.raises(IndexError):
            message.getSubPart(missing)


def test_a_body_file_can_be_read_in_any_way() -> None:
    """Body files seek, tell, and read in pieces and by lines."""
    file = message_of(b"a: b\r\n\r\nfirst\r\nsecond\r\n").getBodyFile()
    assert file.readline() == b"first\r\n"
    assert file.tell() == 7
    assert file.seek(0, 2) == 15
    assert file.read() == b""
    assert file.seek(-4, 1) == 11
    assert file.read(2) == b"nd"


def test_names_are_bytes_for_octets_and_text_for_structure() -> None:
    """FETCH asks for fields in bytes, the stock server's structure in text."""
    message = message_of(MIXED)
    part = message.getSubPart(0)
    sent = part.getHeaders(False, b"CONTENT-TYPE", b"X")
    assert sent == {"content-type": "text/plain; charset=utf-8;; ="}
    understood = part.getHeaders(False, "content-type", "content-transfer-encoding")
    assert understood["content-type"] == 'text/plain; charset="utf-8"'
    assert understood["content-transfer-encoding"] == "7BIT"
    left = message.getHeaders(True, b"CONTENT-TYPE", b"MIME-VERSION")
    assert list(left) == ["subject"]


def test_structure() -> None:
    """The stock server's BODYSTRUCTURE has types, parameters and dispositions."""
    one, two, subtype, *_ = getBodyStructure(message_of(MIXED), extended=True)
    assert one[:3] == ["text", "plain", ["charset", "utf-8"]]
    assert one[9] == ["attachment", ["filename", "a b.txt", "size", "3"]]
    assert two[:2] == ["message", "rfc822"]
    assert subtype == "mixed"


def test_what_is_gone_is_refused() -> None:
    """The octets of a message that others expunged are never another's."""
    account = FakeAccount()
    account.inbox.add(b"a: one\r\n\r\n")
    account.inbox.add(b"a: two\r\n\r\n")
    mailbox = opened(account)
    one, two = fetched(mailbox)
    del account.inbox.messages[1]
    result_of(mailbox.sync())
    assert two.getHeaders(False, "a") == {"a": "two"}
    with pytest.raises(MailboxException):
        one.open().read()
    with pytest.raises(MailboxException):
        result_of(one.load())
    mailbox.close()
    with pytest.raises(MailboxException):
        two.open().read()


def test_a_message_that_was_loaded_is_read_no_more() -> None:
    """After load, nothing that is asked keeps the reactor waiting."""
    account = FakeAccount()
    octets = MIXED + b"x" * 3_000_000
    account.inbox.add(octets)
    mailbox = opened(account)
    (message,) = fetched(mailbox)
    result_of(message.load())
    mailbox._selected.read_now = None
    assert message.open().read() == octets
    assert message.getSubPart(1).getSubPart(0).getSize() == 3


@pytest.mark.parametrize(
    ("text", "date"),
    [
        (b"17-Jul-1996 02:44:25 -0700", InternalDate(837596665, -420)),
        ('"17-Jul-1996 02:44:25 -0700"', InternalDate(837596665, -420)),
        ("Wed, 17 Jul 1996 02:44:25 -0700", InternalDate(837596665, -420)),
        ("17 Jul 1996 09:44:25 -0000", InternalDate(837596665, 0)),
    ],
)
def test_dates(text: str | bytes, date: InternalDate) -> None:
    """A date may be written as IMAP does, or as getInternalDate does."""
    assert message_date(text) == date


@pytest.mark.parametrize(
    "text", ["", "yesterday", b"\xff", "99 Jul 1996", "17 Jul 99999 09:44:25 +0000"]
)
def test_what_is_no_date(text: str | bytes) -> None:
    """Anything else is refused."""
    with pytest.raises(MailboxException):
        message_date(text)
