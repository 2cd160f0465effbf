"""What is gone, and who is told of it when. RFC 9051 §7.5.1, RFC 2180."""

from tests.support.mail_store import deliver
from tests.support.stage import Stage

LARGE = b"x" * 60_000


async def test_a_fetch_by_number_tells_no_expunge(stage: Stage) -> None:
    """While somebody fetches by number, no number moves; his next NOOP tells."""
    await stage.play(
        r"""
        A delivers: one
        A delivers: two
        A delivers: three
        A1: SELECT INBOX
            ...
            OK
        B1: SELECT INBOX
            ...
            OK
        B1: STORE 2 +FLAGS (\Deleted)
            * 2 FETCH (FLAGS (\Deleted))
            OK
        B1: EXPUNGE
            * 2 EXPUNGE
            OK
        A1: FETCH 1:3 UID
            * 1 FETCH (UID 1)
            * 2 FETCH (UID 2)
            * 3 FETCH (UID 3)
            OK
        A1: NOOP
            * 2 EXPUNGE
            OK
        A1: FETCH 1:2 UID
            * 1 FETCH (UID 1)
            * 2 FETCH (UID 3)
            OK
        """
    )


async def test_a_fetch_by_uid_tells_them(stage: Stage) -> None:
    """UID FETCH names no numbers, so it may tell of expunges, at its end."""
    await stage.play(
        r"""
        A delivers: one
        A delivers: two
        A1: SELECT INBOX
            ...
            OK
        A2: SELECT INBOX
            ...
            OK
        A2: STORE 1 +FLAGS.SILENT (\Deleted)
        A2: EXPUNGE
            * 1 EXPUNGE
            OK
        A1: UID FETCH 1:2 (UID)
            * 1 FETCH (UID 1)
            * 2 FETCH (UID 2)
            * 1 EXPUNGE
            OK
        """
    )


async def test_an_expunge_while_another_fetches(stage: Stage) -> None:
    """Who is in the middle of a FETCH gets all that he asked for, and is told later."""
    await stage.store("A")
    for number in range(4):
        await deliver(stage.stores["A"], body=b"n: %d\r\n\r\n" % number + LARGE)
    await stage.play(
        r"""
        A1: SELECT INBOX
            ...
            OK
        A1 stops reading
        A1 begins: FETCH 1:4 (UID BODY.PEEK[TEXT])
        B1: SELECT INBOX
            ...
            OK
        B1: STORE 1:3 +FLAGS.SILENT (\Deleted)
        B1: EXPUNGE
            * 3 EXPUNGE
            * 2 EXPUNGE
            * 1 EXPUNGE
            OK
        A1 reads again
        """
    )
    text = f"{{{len(LARGE)}}}\\r\\n{LARGE.decode()}"
    await stage.play(
        rf"""
        A1 ends:
            * 1 FETCH (UID 1 BODY[TEXT] {text})
            * 2 FETCH (UID 2 BODY[TEXT] {text})
            * 3 FETCH (UID 3 BODY[TEXT] {text})
            * 4 FETCH (UID 4 BODY[TEXT] {text})
            OK
        A1: NOOP
            * 3 EXPUNGE
            * 2 EXPUNGE
            * 1 EXPUNGE
            OK
        """
    )


async def test_two_expunge_at_once(stage: Stage) -> None:
    """Two that remove the same messages are both told of each of them once."""
    await stage.play(
        r"""
        A delivers: one
        A delivers: two
        A delivers: three
        A1: SELECT INBOX
            ...
            OK
        B1: SELECT INBOX
            ...
            OK
        A1: STORE 1,3 +FLAGS.SILENT (\Deleted)
        A1 begins: EXPUNGE
        B1 begins: EXPUNGE
        A1 ends:
            * 3 EXPUNGE
            * 1 EXPUNGE
            OK
        B1 ends:
            * 3 EXPUNGE
            * 1 EXPUNGE
            OK
        A1: CHECK
        B1: CHECK
        """
    )


async def test_close_tells_the_others_only(stage: Stage) -> None:
    """CLOSE removes silently; the others are told with their next command."""
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
        A1: STORE 1 +FLAGS.SILENT (\Deleted)
        A1: CLOSE
        B1: NOOP
            * 1 EXPUNGE
            OK
        """
    )


async def test_a_store_to_what_is_gone(stage: Stage) -> None:
    """A STORE to messages of which one is gone changes the others. RFC 2180 §4.2."""
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
        B1: STORE 1 +FLAGS.SILENT (\Deleted)
        B1: EXPUNGE
            * 1 EXPUNGE
            OK
        A1: STORE 1:2 +FLAGS (\Flagged)
            * 2 FETCH (FLAGS (\Flagged))
            NO [EXPUNGEISSUED] ...
        A1: NOOP
            * 1 EXPUNGE
            OK
        A1: FETCH 1 (UID FLAGS)
            * 1 FETCH (UID 2 FLAGS (\Flagged))
            OK
        """
    )
