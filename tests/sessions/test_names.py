"""RENAME and DELETE of a mailbox that somebody has selected. RFC 2180 §3."""

from tests.support.stage import Stage


async def test_a_renamed_mailbox_stays_selected(stage: Stage) -> None:
    """Who has a mailbox selected goes on in it, whatever it is called now."""
    await stage.play(
        r"""
        A1: CREATE work
        A1: SELECT work
            ...
            OK
        B1: RENAME work play
        A1: NOOP
        B1: SELECT play
            ...
            OK
        """
    )
    client = await stage.client("B1")
    client.say(b"x APPEND play {3+}\r\nabc\r\n")
    await client.end(b"x")
    await stage.play(
        r"""
        A1: NOOP
            * 1 EXISTS
            OK
        A1: STORE 1 +FLAGS.SILENT (\Seen)
        B1: NOOP
            * 1 FETCH (UID 1 FLAGS (\Seen))
            OK
        A1: SELECT work
            * OK [CLOSED] ...
            NO
        """
    )


async def test_a_deleted_mailbox_ends_its_sessions(stage: Stage) -> None:
    """Who has a mailbox selected that is deleted is told BYE. RFC 2180 §3.3."""
    await stage.play(
        r"""
        A1: CREATE work
        A1: SELECT work
            ...
            OK
        B1: DELETE work
        A1: NOOP
            NO
            * BYE [NONEXISTENT] The mailbox is not there any more.
        """
    )


async def test_a_name_made_again_is_another_mailbox(stage: Stage) -> None:
    """A mailbox that is made again under an old name has a greater UIDVALIDITY."""
    await stage.play("A1: CREATE work\nB1: STATUS work (UIDVALIDITY)\n...\nOK")
    first = await validity(stage)
    await stage.play("B1: DELETE work\nA1: CREATE work")
    assert await validity(stage) > first


async def test_inbox_gives_its_messages_away(stage: Stage) -> None:
    """RENAME of INBOX moves its messages; who has it selected sees them go."""
    await stage.play(
        r"""
        A delivers: one
        A1: SELECT INBOX
            ...
            OK
        B1: RENAME INBOX old
        A1: NOOP
            * 1 EXPUNGE
            OK
        A delivers: two
        A1: NOOP
            * 1 EXISTS
            OK
        B1: STATUS old (MESSAGES)
            * STATUS old (MESSAGES 1)
            OK
        """
    )


async def validity(stage: Stage) -> int:
    """Return the UIDVALIDITY of "work", as another process tells it."""
    client = await stage.client("B1")
    status, done = await client.command(b"STATUS work (UIDVALIDITY)")
    assert done.startswith(b"OK")
    return int(status.split()[-1].rstrip(b")"))
