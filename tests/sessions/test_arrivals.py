"""Messages that come while others are busy. RFC 9051 §7.4.1, RFC 2177."""

from tests.support.stage import Stage


async def test_an_append_beside_idle(stage: Stage) -> None:
    """Who idles is told of an APPEND by another process, without asking."""
    await stage.play(
        r"""
        A delivers: one
        A1: SELECT INBOX
            ...
            OK
        A1 begins: IDLE
        A1 hears:
            + idling
        """
    )
    other = await stage.client("B1")
    other.say(b"x APPEND INBOX (\\Seen) {6+}\r\na: b\r\n\r\n")
    assert (await other.end(b"x"))[-1].startswith(b"OK")
    await stage.play(
        r"""
        A1 hears:
            * 2 EXISTS
        """
    )
    idler = await stage.client("A1")
    idler.say(b"DONE\r\n")
    await stage.play(
        r"""
        A1 ends:
            OK
        A1: FETCH 2 (UID FLAGS)
            * 2 FETCH (UID 2 FLAGS (\Seen))
            OK
        """
    )


async def test_flags_and_expunges_beside_idle(stage: Stage) -> None:
    """Who idles is told of flags and of expunges as they happen."""
    await stage.play(
        r"""
        A delivers: one
        A delivers: two
        A1: SELECT INBOX
            ...
            OK
        B1: SELECT INBOX
            ...
            OK
        A1 begins: IDLE
        A1 hears:
            + idling
        B1: STORE 1 +FLAGS.SILENT (\Deleted)
        A1 hears:
            * 1 FETCH (UID 1 FLAGS (\Deleted))
        B1: EXPUNGE
            * 1 EXPUNGE
            OK
        A1 hears:
            * 1 EXPUNGE
        """
    )
    idler = await stage.client("A1")
    idler.say(b"DONE\r\n")
    await stage.play("A1 ends:\nOK")


async def test_who_idles_and_is_gone_leaves_nothing(stage: Stage) -> None:
    """A client that hangs up while it idles disturbs nobody."""
    await stage.play(
        r"""
        A1: SELECT INBOX
            ...
            OK
        B1: SELECT INBOX
            ...
            OK
        A1 begins: IDLE
        A1 hears:
            + idling
        A1 hangs up
        B delivers: one
        B1: NOOP
            * 1 EXISTS
            OK
        """
    )


async def test_every_process_tells_of_every_delivery(stage: Stage) -> None:
    """What one process has acknowledged, the next NOOP in any other tells."""
    for name in ("A1", "B1", "C1", "D1"):
        await stage.play(f"{name}: SELECT INBOX\n...\nOK")
    for count, process in enumerate("ABCDDCBA", start=1):
        await stage.play(f"{process} delivers: hello")
        for name in ("A1", "B1", "C1", "D1"):
            await stage.play(f"{name}: NOOP\n* {count} EXISTS\nOK")


async def test_a_delivery_during_a_fetch(stage: Stage) -> None:
    """What comes while somebody fetches is told at the end of the FETCH."""
    await stage.play(
        r"""
        A delivers: one
        A1: SELECT INBOX
            ...
            OK
        B delivers: two
        A1: FETCH 1 UID
            * 1 FETCH (UID 1)
            * 2 EXISTS
            OK
        A1: FETCH 2 UID
            * 2 FETCH (UID 2)
            OK
        """
    )
