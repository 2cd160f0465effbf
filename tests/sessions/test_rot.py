"""A message whose octets are no longer what was stored, and who asks for it."""

from pathlib import Path

from tests.support.stage import Stage

HEADER = b"Subject: s\r\n" + b"X: rotten\r\n" * 6000


async def test_a_rotten_header_ends_no_session(stage: Stage, tmp_path: Path) -> None:
    """Of a message that is not what was stored nothing is told; of others all is."""
    writer = await stage.client("A1")
    for message in (HEADER + b"\r\nbody\r\n", b"Subject: other\r\n\r\nx\r\n"):
        said = await writer.command(
            b"APPEND INBOX {%d+}\r\n%b" % (len(message), message)
        )
        assert said[-1].startswith(b"OK")
    (log,) = (
        path
        for path in (tmp_path / "store").glob("users/*/bob/mailboxes/*/log.1")
        if HEADER in path.read_bytes()
    )
    log.write_bytes(log.read_bytes().replace(b"X: rotten", b"X: r0tten", 1))
    reader = await stage.client("B1")
    await reader.command(b"SELECT INBOX")
    told, end = await reader.command(b"FETCH 1:2 BODY.PEEK[HEADER.FIELDS (Subject)]")
    assert told.startswith(b"* 2 FETCH ")
    assert end.startswith(b"NO [CORRUPTION] ")
    for command in (b"COPY 1:2 Drafts", b"MOVE 1 Drafts"):
        (end,) = await reader.command(command)
        assert end.startswith(b"NO [CORRUPTION] ")
    assert (await reader.command(b"NOOP"))[-1].startswith(b"OK")
