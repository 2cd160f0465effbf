"""Only CRLF "." CRLF ends a message (CVE-2023-51764 and its family)."""

import pytest

from tests.support.lmtp_store import Conversation, codes, cut

SMUGGLED = (
    b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<alice@example.test>\r\n"
    b"DATA\r\nFrom: boss\r\n\r\nPay.\r\n"
)
ENDINGS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_message(ending: bytes) -> None:
    """None of the six false endings lets a second message in."""
    stream = b"Subject: x\r\n\r\nhi" + ending + SMUGGLED + b".\r\n"
    start = len(b"Subject: x\r\n\r\nhi")
    ways = [[], list(range(len(stream)))]
    ways += [[place] for place in range(start, start + len(ending) + 1)]
    for places in ways:
        conversation = Conversation()
        conversation.begin()
        answers = [
            answer
            for piece in cut(stream, places)
            for answer in conversation.send(piece)
        ]
        assert codes(answers) == ["250"]
        ((_, header, octets),) = conversation.deliveries.stored
        assert header.startswith(b"Return-Path: <bob@example.org>\r\n")
        # Verbatim, but for the dots that a client stuffs.
        assert octets == (stream[:-3]).replace(b"\r\n.", b"\r\n")


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
def test_commands_end_with_crlf_only(ending: bytes) -> None:
    """A command with a bare CR or LF in it is one bad line, not two commands."""
    conversation = Conversation()
    conversation.send(b"LHLO c\r\n")
    answers = conversation.send(b"MAIL FROM:<a@b>" + ending + b"RSET\r\n")
    assert codes(answers)[0] == "500"
    assert len(answers) == 1 + ending.endswith(b"\r\n")
