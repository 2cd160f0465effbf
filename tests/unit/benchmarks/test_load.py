"""The clients that load a server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.load.imap import ImapClient, Refused
from benchmarks.load.lmtp import LmtpClient, stuffed
from benchmarks.load.messages import corpus


@contextmanager
def scripted(*answers: bytes) -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """A server that greets with the first answer, and answers whatever comes."""
    received: list[bytes] = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            for answer in answers:
                peer.sendall(answer)
                received.append(peer.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname(), received
        thread.join(10)
    assert not thread.is_alive()


def test_dots_are_stuffed() -> None:
    """A line that begins with a dot gets another, and the message its end."""
    assert stuffed(b".\r\na.\r\n.b") == b"..\r\na.\r\n..b\r\n.\r\n"


def test_the_corpus_never_changes() -> None:
    """All runs on all machines deliver the same messages."""
    messages = corpus()
    assert messages == corpus()
    assert len(set(messages)) == len(messages)
    for message in messages:
        assert b"\n" not in message.replace(b"\r\n", b"")
        assert max(map(len, message.split(b"\r\n"))) <= 998


def test_each_recipient_has_an_answer() -> None:
    """Refused at RCPT or after the data: the replies come in the order asked."""
    with (
        scripted(
            b"220 hello\r\n",
            b"250-here\r\n250 PIPELINING\r\n",
            b"250 ok\r\n250 ok\r\n550 who\r\n250 ok\r\n354 go\r\n",
            b"250 stored\r\n451-later\r\n451 please\r\n",
        ) as (address, received),
        LmtpClient(address, patience=10) as client,
    ):
        replies = client.deliver(b"hi\r\n", ["a", "b", "c"], sender="")
    assert replies == [
        b"250 stored\r\n",
        b"550 who\r\n",
        b"451-later\r\n451 please\r\n",
    ]
    assert received[2] == b"hi\r\n.\r\n"
    commands = b"MAIL FROM:<>\r\nRCPT TO:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n"
    assert received[1] == commands


def test_a_literal_is_no_line() -> None:
    """What looks like an EXISTS or an answer inside a literal is neither."""
    lies = b"* 9 EXISTS\r\nt1 OK\r\n"
    with (
        scripted(
            b"* OK hello\r\n",
            b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\n* 2 EXISTS\r\nt1 NO x\r\n"
            % (len(lies), lies),
        ) as (address, _),
        ImapClient(address, patience=10) as client,
    ):
        with pytest.raises(Refused):
            client.command(b"FETCH 1 BODY[]")
        assert client.exists == 2
