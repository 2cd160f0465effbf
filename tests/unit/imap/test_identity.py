"""ID: RFC 2971."""

import pytest
from twisted.logger import capturedLogs, formatEvent

import imapbox
from tests.support.imap_client import Client

VERSION = imapbox.__version__.encode()


@pytest.mark.parametrize(
    "said",
    [b"NIL", b"nil", b"()", b'("name" "probe")', b'("os" NIL "x" {3+}\r\n"\r\n)'],
)
def test_the_version_is_for_users(said: bytes) -> None:
    """Before login imapbox tells its name, afterwards its version, too."""
    client = Client()
    client.heard()
    command = b"t ID " + said + b"\r\n"
    done = b"t OK Nice to meet you.\r\n"
    assert client.say(command) == b'* ID ("name" "imapbox")\r\n' + done
    client.login()
    assert client.say(command) == (
        b'* ID ("name" "imapbox" "version" "%b")\r\n' % VERSION + done
    )


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"NILS",
        b"name",
        b'("name")',
        b"(name probe)",
        b'("name" "probe" "version")',
        b'("name" ("probe"))',
        b'("' + b"n" * 31 + b'" "x")',
        b'("name" "' + b"x" * 1025 + b'")',
        b"(" + b" ".join([b'"name" "x"'] * 31) + b")",
    ],
)
def test_what_is_no_id(said: bytes) -> None:
    """What is not fields and values, or too much of them, is BAD."""
    client = Client().login()
    assert client.say(b"t ID " + said + b"\r\n").startswith(b"t BAD ")


def test_what_a_client_says_is_logged_once() -> None:
    """What a client says that it is becomes one short harmless line, once."""
    client = Client().login()
    evil = b"x\r\nlogin of root {log_system} " + b"y" * 900
    fields = b'"name" {%d+}\r\n%b' % (len(evil), evil) + b' "k" "v"' * 20
    with capturedLogs() as events:
        for _ in range(3):
            client.say(b"t ID (" + fields + b")\r\n")
    (line,) = [formatEvent(event) for event in events]
    assert line.startswith("client of ana from 127.0.0.1: b'name': b'x\\r\\nlogin of")
    assert line.isprintable()
    assert len(line) < 1000
