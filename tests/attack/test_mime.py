"""What one message can cost whoever delivers or fetches it: rows 8 and 9."""

from typing import Final

import pytest

from benchmarks.load.imap import ImapClient
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.processes import cpu_seconds
from benchmarks.servers import Server
from tests.support.victim import MIB, growth

MIXED: Final = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%b\r\n\r\n"
)
NESTED: Final = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
    for n in range(2000)
)
ADDRESSES: Final = b",\r\n ".join(b"a%d@example.org" % n for n in range(100_000))
MESSAGES: Final = {
    "2000 multiparts deep": b"MIME-Version: 1.0\r\n" + NESTED,
    "2000 messages deep": b"MIME-Version: 1.0\r\n"
    + b"Content-Type: message/rfc822\r\n\r\n" * 2000,
    "20,000 parts": MIXED % b"b" + b"--b\r\n\r\nx\r\n" * 20_000,
    "100,000 lines": b"To: a@example.org\r\n" * 100_000 + b"\r\n",
    "100,000 addresses": b"To: " + ADDRESSES + b"\r\n\r\n",
    "3000 parentheses": b"From: " + b"(" * 3000 + b"\r\n\r\n",
    "10,000 pieces": b"Content-Type: text/plain;\r\n "
    + b";\r\n ".join(b"name*%d=x" % n for n in range(10_000))
    + b"\r\n\r\n",
    "20,000 words": b"Subject: " + b"=?utf-8?q?a?=\r\n " * 20_000 + b"\r\n\r\n",
}
ITEMS: Final = (
    b"(ENVELOPE BODYSTRUCTURE BODY)",
    b"(BODY.PEEK[1] BINARY.PEEK[1.1.1.1.1.1.1.1] BINARY.SIZE[1] BODY.PEEK[9999])",
    b"(BODY.PEEK[1.MIME] BODY.PEEK[HEADER.FIELDS (To)])",
)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_a_message_may_be(victim: Server, name: str) -> None:
    """Rows 8, 9: a second of work to deliver it, one to fetch it, and 64 MiB."""
    with (
        LmtpClient(victim.lmtp) as lmtp,
        # What it hears is too long to be held to the grammar.
        ImapClient(victim.imap) as client,
        growth(victim) as memory,
    ):
        before = cpu_seconds(victim.roots)
        lmtp.must_deliver(stuffed(MESSAGES[name]), "alice")
        delivered = cpu_seconds(victim.roots)
        client.login("alice", victim.passwords["alice"])
        client.select()
        for items in ITEMS:
            (row,) = client.command(b"FETCH %d %b" % (client.exists, items))
            assert row.endswith(b")\r\n")
        fetched = cpu_seconds(victim.roots)
    assert delivered - before < 3
    assert fetched - delivered < 3
    assert memory.peak < 64 * MIB
