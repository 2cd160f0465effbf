"""COPY and MOVE among several sessions. RFC 9051 §6.4.7, RFC 6851."""

from tests.support.mail_store import Stall, deliver
from tests.support.stage import Stage
from tests.support.waiting import until

TWO = r"""
    A delivers: one
    A delivers: two
    A1: CREATE work
    A1: SELECT INBOX
        ...
        OK
    B1: SELECT work
        ...
        OK
    B2: SELECT INBOX
        ...
        OK
    """


async def test_a_move_is_told_on_both_sides(stage: Stage) -> None:
    """Who has the source selected is told EXPUNGE, who has the target, EXISTS."""
    await stage.play(
        TWO
        + r"""
        A1: MOVE 1 work
            * OK [COPYUID <> 1 1] ...
            * 1 EXPUNGE
            OK
        B1: NOOP
            * 1 EXISTS
            OK
        B2: NOOP
            * 1 EXPUNGE
            OK
        B1: FETCH 1 BODY.PEEK[TEXT]
            * 1 FETCH (BODY[TEXT] {5}\r\none\r\n)
            OK
        """
    )


async def test_a_copy_keeps_flags(stage: Stage) -> None:
    """A copy has the flags and keywords that its message has, whoever set them."""
    await stage.play(
        TWO
        + r"""
        B2: STORE 2 +FLAGS.SILENT (\Flagged urgent)
            ...
            OK
        A1: COPY 2 work
            ...
            OK [COPYUID <> 2 1] ...
        B1: NOOP
            ...
            OK
        B1: FETCH 1 FLAGS
            * 1 FETCH (FLAGS (\Flagged urgent))
            OK
        """
    )


async def test_two_move_the_same_message(stage: Stage) -> None:
    """Of two that move the same message one does: it is there once."""
    await stage.play(TWO)
    one, other = await stage.client("A1"), await stage.client("B2")
    tags = [each.begin(b"UID MOVE 1 work") for each in (one, other)]
    heard = [await one.end(tags[0]), await other.end(tags[1])]
    assert sum(lines[-1].startswith(b"OK") for lines in heard) == 1
    await stage.play(
        r"""
        B1: NOOP
            * 1 EXISTS
            OK
        A1: NOOP
            ...
            OK
        A1: FETCH 1:* UID
            * 1 FETCH (UID 2)
            OK
        B2: NOOP
            ...
            OK
        B2: FETCH 1:* UID
            * 1 FETCH (UID 2)
            OK
        """
    )


async def test_a_move_under_a_search(stage: Stage) -> None:
    """Messages that are moved while somebody searches are found, and then told gone.

    The search waits for the disk when the other's MOVE is answered.
    """
    stall = Stall("pread", "log.1")
    await stage.store("A")
    for number in range(3):
        await deliver(stage.stores["A"], body=b"S: %d\r\n\r\nneedle\r\n" % number)
    await stage.play(
        r"""
        A1: CREATE work
        A1: SELECT INBOX
            ...
            OK
        B1: SELECT INBOX
            ...
            OK
        """
    )
    steered = stage.stores["A"].drivers.filesystem
    steered.steer = stall
    await stage.play("A1 begins: SEARCH BODY needle")
    await until(lambda: stall.stopped)
    await stage.play(
        r"""
        B1: MOVE 1:2 work
            * OK [COPYUID <> 1:2 1:2] ...
            * 2 EXPUNGE
            * 1 EXPUNGE
            OK
        """
    )
    stall.end()
    await stage.play(
        r"""
        A1 ends:
            * SEARCH 1 2 3
            OK
        A1: NOOP
            * 2 EXPUNGE
            * 1 EXPUNGE
            OK
        """
    )


async def test_a_copy_to_where_it_is(stage: Stage) -> None:
    """A copy into the selected mailbox is told as an arrival."""
    await stage.play(
        TWO
        + r"""
        A1: COPY 1:2 INBOX
            * 4 EXISTS
            OK [COPYUID <> 1:2 3:4] ...
        B2: NOOP
            * 4 EXISTS
            OK
        """
    )


async def test_a_copy_of_what_is_gone(stage: Stage) -> None:
    """A COPY of messages of which one was expunged by others copies none of them."""
    await stage.play(
        TWO
        + r"""
        B2: STORE 1 +FLAGS.SILENT (\Deleted)
        B2: EXPUNGE
            * 1 EXPUNGE
            OK
        A1: COPY 1:2 work
            ...
            NO [EXPUNGEISSUED] ...
        B1: NOOP
        """
    )
