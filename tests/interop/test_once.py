"""A real Postfix whose connection is lost between the store and the reply."""

import imaplib
import re
import smtplib
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from benchmarks.servers import Server
from tests.support.cutter import Cutter
from tests.support.postfix import DOMAIN, Postfix
from tests.support.users import PASSWORDS

StartPostfix = Callable[..., AbstractContextManager[Postfix]]
BOTH = [f"{user}@{DOMAIN}" for user in list(PASSWORDS)[:2]]
UNSURE = "message may be sent more than once"
AT_ONCE = {
    # One lost connection is no reason to leave the others waiting.
    "lmtp_destination_concurrency_failed_cohort_limit": "0",
    "default_destination_concurrency_limit": "10",
}


def send(mta: Postfix, count: int) -> None:
    """Hand over different messages, every tenth of them to two."""
    with smtplib.SMTP(*mta.smtp, timeout=30) as smtp:
        for number in range(count):
            message = f"Message-ID: <{number}@x.example>\r\n\r\n{number}\r\n"
            to = BOTH if number % 10 == 0 else BOTH[:1]
            assert smtp.sendmail("sender@x.example", to, message) == {}


def await_empty(mta: Postfix) -> None:
    """Wait until Postfix has handed over all it has.

    Now and then it overlooks what has just come back to its queue `incoming`.
    """
    give_up_at = time.monotonic() + 60
    flush_at = time.monotonic() + 5
    while mta.queue():
        assert time.monotonic() < give_up_at, (mta.queue(), mta.log())
        if time.monotonic() > flush_at:
            mta.flush()
            flush_at += 5


def numbers_in(server: Server, user: str) -> Counter[int]:
    """Return how often each message is in an INBOX."""
    with imaplib.IMAP4(*server.imap, timeout=30) as client:
        client.login(user, PASSWORDS[user])
        client.select("INBOX", readonly=True)
        _, found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    return Counter(int(n) for n in re.findall(rb"<(\d+)@", repr(found).encode()))


@pytest.mark.parametrize("xforward", ["yes", "no"])
def test_a_lost_reply_makes_no_second_copy(
    xforward: str,
    imapbox_server: Server,
    start_postfix: StartPostfix,
    tell: Callable[[object], None],
    effort: int,
) -> None:
    """Each of a hundred messages whose reply was lost is in the mailbox once."""
    count = 100 if xforward == "yes" or effort > 1 else 20
    with Cutter(imapbox_server.lmtp) as cutter:
        host, port = cutter.address
        transport = f"lmtp:inet:{host}:{port}"
        with start_postfix(
            transport, lmtp_send_xforward_command=xforward, **AT_ONCE
        ) as mta:
            began = time.monotonic()
            send(mta, count)
            await_empty(mta)
            tell(f"{count} lost replies, {time.monotonic() - began:.1f} s")
            log = mta.log()
    assert len(cutter.cuts) == count
    assert log.count(UNSURE) >= count
    assert all(reply.startswith(b"250 2.0.0 ") for reply in cutter.replies)
    named = [b"IDENT=" in said for said in cutter.said]
    assert all(named) if xforward == "yes" else not any(named)
    alice, bob = (address.partition("@")[0] for address in BOTH)
    assert numbers_in(imapbox_server, alice) == Counter(range(count))
    assert numbers_in(imapbox_server, bob) == Counter(range(0, count, 10))
