"""The example of docs/embedding.md, with the clients of Twisted and of Python."""

import imaplib
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.threads import deferToThread
from twisted.mail import imap4

from tests.support.waiting import reactor, until

PAGE = Path(__file__).parents[3] / "docs" / "embedding.md"
NOTE = b"Subject: note\r\n\r\nremember the milk\r\n"


def example() -> str:
    """Return the program of the page, on a port that is free."""
    section = PAGE.read_text().split("## Your mailboxes, our server")[1]
    program = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    assert "listenTCP(1143," in program
    return str(program.replace("listenTCP(1143,", "listenTCP(0,"))


@pytest.fixture
def port() -> Iterator[Any]:
    names: dict[str, Any] = {}
    exec(example(), names)  # noqa: S102 - the page's own
    yield names["port"]
    names["port"].stopListening()


async def test_twisted(port: Any) -> None:
    """Twisted's client stores, reads, searches, flags, copies and removes a note."""
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    client: Any = await connectProtocol(endpoint, imap4.IMAP4Client())
    greeted: Deferred[None] = Deferred()
    client.serverGreeting = lambda _: greeted.callback(None)
    await greeted
    await client.login(b"ana", b"secret")
    assert {b"IDLE", b"SORT"} <= (await client.getCapabilities(useCache=False)).keys()
    assert (await client.namespace())[0] == [["", "/"]]
    await client.create("lists")
    assert sorted(each[2] for each in await client.list("", "*")) == ["INBOX", "LISTS"]
    await client.append("INBOX", BytesIO(NOTE), ("\\Flagged",))
    assert (await client.select("INBOX"))["EXISTS"] == 1
    assert await client.search(imap4.Query(body="milk")) == [1]
    fetched = await client.fetchSpecific("1", peek=True)
    assert fetched[1][0][-1] == NOTE.decode()
    assert (await client.fetchFlags("1"))[1]["FLAGS"] == ["\\Flagged"]
    await client.copy("1", "lists", uid=False)
    assert (await client.status("lists", "MESSAGES"))["MESSAGES"] == 1
    await client.addFlags("1", ["\\Deleted"], uid=True)
    assert await client.expunge() == [1]
    await client.logout()
    await until(lambda: not client.transport.connected)


async def test_imaplib(port: Any) -> None:
    """So does Python's; and NOOP tells it what another session stored."""

    def day() -> None:
        client = imaplib.IMAP4("127.0.0.1", port.getHost().port)
        other = imaplib.IMAP4("127.0.0.1", port.getHost().port)
        client.login("ana", "secret")
        other.login("ana", "secret")
        assert client.select()[1] == [b"0"]
        assert other.append("INBOX", None, None, NOTE)[0] == "OK"
        client.noop()
        assert client.response("EXISTS")[1][-1] == b"1"
        assert client.uid("fetch", "1", "(BODY.PEEK[TEXT])")[1][0][1] == NOTE[-19:]
        assert client.sort("(SUBJECT)", "UTF-8", "ALL")[1] == [b"1"]
        assert client.uid("store", "1", "+FLAGS", "\\Deleted Later")[0] == "OK"
        assert client.search(None, "KEYWORD", "later")[1] == [b"1"]
        other.select()
        assert other.expunge()[1] == [b"1"]
        client.noop()
        assert client.response("EXPUNGE")[1][-1] == b"1"
        client.logout()
        other.logout()

    await deferToThread(day)
