"""What lies in a mailbox, and what is done to it from another side."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.servers import Server
from tests.support.checked_clients import CheckedIMAP4

_SUBJECT = re.compile(rb"Subject: ([^\r\n]*)", re.IGNORECASE)
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")


def deliver(server: Server, user: str, *subjects: str) -> None:
    """Deliver a small message for each subject."""
    with LmtpClient(server.lmtp) as lmtp:
        for subject in subjects:
            lmtp.must_deliver(stuffed(message(subject)), user)


def message(subject: str) -> bytes:
    """Return a message with this subject, and a body that says so."""
    return (
        f"From: Post <post@example.org>\r\nTo: alice@example.org\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}@example.org>\r\n"
        f"Date: Tue, 14 Nov 2023 23:13:20 +0100\r\nSubject: {subject}\r\n\r\n"
        f"This is the message {subject}.\r\n"
    ).encode()


@contextmanager
def other_client(
    server: Server, user: str, mailbox: str = "INBOX"
) -> Iterator[CheckedIMAP4]:
    """Another client, with a mailbox open."""
    with CheckedIMAP4(*server.imap, timeout=30) as client:
        client.login(user, server.passwords[user])
        client.select(mailbox)
        yield client


def store(client: CheckedIMAP4, subject: str, flags: str, how: str = "+FLAGS") -> None:
    """Change the flags of the message that has this subject, found by SEARCH."""
    _, (found,) = client.search(None, f'SUBJECT "{subject}"')
    (number,) = found.split()
    status, _ = client.store(number.decode(), how, f"({flags})")
    assert status == "OK"


def contents(server: Server, user: str, mailbox: str = "INBOX") -> dict[str, set[str]]:
    """Return the flags of each message, by its subject; \\Recent doesn't count."""
    with other_client(server, user, mailbox) as client:
        # By UID, since of an empty mailbox nobody may ask for message 1.
        items = "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        _, answer = client.uid("FETCH", "1:*", items)
    found = {}
    for each in answer:
        if isinstance(each, tuple):
            flags, subject = _FLAGS.search(each[0]), _SUBJECT.search(each[1])
            assert flags and subject, each
            words = set(flags[1].decode().split())
            found[subject[1].decode()] = words - {"\\Recent"}
    return found


def mailboxes(server: Server, user: str) -> set[str]:
    """Return the names of all mailboxes that can be selected."""
    with other_client(server, user) as client:
        _, answer = client.list()
    lines = [each for each in answer if isinstance(each, bytes)]
    names = (line.rpartition(b'"/" ')[2].strip(b'"').decode() for line in lines)
    return {
        name
        for name, line in zip(names, lines, strict=True)
        if b"\\Noselect" not in line and b"\\NonExistent" not in line
    }
