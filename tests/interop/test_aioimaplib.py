"""aioimaplib: an asyncio program that waits for mail."""

import asyncio
from collections.abc import Callable
from importlib.metadata import version

from aioimaplib import IMAP4

from benchmarks.servers import Server
from tests.support.mailbox_contents import contents, deliver


def test_a_program_waits_for_mail(
    imapbox_in_one: Server, client_page: Callable[[str, str], None]
) -> None:
    """IDLE until mail comes, fetch it by its UID, flag it and move it away."""
    server = imapbox_in_one
    asyncio.run(_wait(server))
    assert contents(server, "alice") == {}
    assert contents(server, "alice", "Done") == {"one": {"\\Seen", "\\Flagged"}}
    client_page("aioimaplib", version("aioimaplib"))


async def _wait(server: Server) -> None:
    client = IMAP4(*server.imap, timeout=30)
    await client.wait_hello_from_server()
    assert (await client.login("alice", "wonderland")).result == "OK"
    assert (await client.create("Done")).result == "OK"
    assert client.has_capability("IDLE")
    assert (await client.select("INBOX")).result == "OK"
    idling = await client.idle_start(timeout=60)
    await asyncio.to_thread(deliver, server, "alice", "one")
    pushed = await client.wait_server_push(timeout=30)
    assert b"1 EXISTS" in pushed
    client.idle_done()
    assert (await asyncio.wait_for(idling, 30)).result == "OK"
    result, lines = await client.uid_search("UNSEEN")
    assert (result, lines[0]) == ("OK", b"1")
    _, lines = await client.uid("fetch", "1", "(BODY[])")
    assert b"This is the message one." in lines[1]
    assert (await client.uid("store", "1", "+FLAGS", "(\\Flagged)")).result == "OK"
    assert client.has_capability("MOVE")
    assert (await client.uid("move", "1", "Done")).result == "OK"
    assert (await client.logout()).result == "OK"
