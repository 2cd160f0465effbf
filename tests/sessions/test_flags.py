r"""Flags and keywords that several sessions change. RFC 9051 §7.5.2."""

from tests.support.stage import Stage

OPEN = r"""
    A delivers: one
    A delivers: two
    A1: SELECT INBOX
        ...
        OK
    A2: SELECT INBOX
        ...
        OK
    B1: SELECT INBOX
        ...
        OK
    """


async def test_a_change_is_told_once_to_each(stage: Stage) -> None:
    """Who changes a flag reads it in the answer, the others with their next command."""
    await stage.play(
        OPEN
        + r"""
        A1: STORE 1 +FLAGS (\Seen)
            * 1 FETCH (FLAGS (\Seen))
            OK
        A1: NOOP
        A2: NOOP
            * 1 FETCH (UID 1 FLAGS (\Seen))
            OK
        A2: NOOP
        B1: NOOP
            * 1 FETCH (UID 1 FLAGS (\Seen))
            OK
        B1: NOOP
        """
    )


async def test_a_silent_change_is_told_to_the_others(stage: Stage) -> None:
    """FLAGS.SILENT is silent to who said it, and to nobody else."""
    await stage.play(
        OPEN
        + r"""
        A1: STORE 1:2 FLAGS.SILENT (\Flagged)
        A1: NOOP
        B1: NOOP
            * 1 FETCH (UID 1 FLAGS (\Flagged))
            * 2 FETCH (UID 2 FLAGS (\Flagged))
            OK
        """
    )


async def test_two_change_the_same_message(stage: Stage) -> None:
    """Two that add flags to one message at once both find both there."""
    await stage.play(
        OPEN
        + r"""
        A1 begins: STORE 1 +FLAGS.SILENT (\Seen)
        B1 begins: STORE 1 +FLAGS.SILENT (\Flagged)
        A1 ends:
            ...
            OK
        B1 ends:
            ...
            OK
        A1: NOOP
            ...
            OK
        B1: NOOP
            ...
            OK
        A1: FETCH 1 FLAGS
            * 1 FETCH (FLAGS (\Flagged \Seen))
            OK
        B1: FETCH 1 FLAGS
            * 1 FETCH (FLAGS (\Flagged \Seen))
            OK
        """
    )


async def test_a_new_keyword_is_announced(stage: Stage) -> None:
    """A keyword that somebody invents is announced to the others before its use."""
    await stage.play(
        OPEN
        + r"""
        A1: STORE 2 +FLAGS (urgent)
            * FLAGS (\Answered \Flagged \Deleted \Seen \Draft urgent)
            * OK [PERMANENTFLAGS ...
            * 2 FETCH (FLAGS (urgent))
            OK
        B1: NOOP
            * FLAGS (\Answered \Flagged \Deleted \Seen \Draft urgent)
            * OK [PERMANENTFLAGS ...
            * 2 FETCH (UID 2 FLAGS (urgent))
            OK
        """
    )


async def test_fetching_a_body_marks_it_seen_for_all(stage: Stage) -> None:
    r"""BODY[] sets \Seen, which the others are told; BODY.PEEK[] doesn't."""
    await stage.play(
        OPEN
        + r"""
        A1: FETCH 1 BODY.PEEK[TEXT]
            * 1 FETCH (BODY[TEXT] {5}\r\none\r\n)
            OK
        B1: NOOP
        A1: FETCH 1 BODY[TEXT]
            * 1 FETCH (FLAGS (\Seen) BODY[TEXT] {5}\r\none\r\n)
            OK
        B1: NOOP
            * 1 FETCH (UID 1 FLAGS (\Seen))
            OK
        """
    )


async def test_who_only_looks_changes_nothing(stage: Stage) -> None:
    r"""In a mailbox opened with EXAMINE nothing is set, by BODY[] neither."""
    await stage.play(
        OPEN
        + r"""
        B2: EXAMINE INBOX
            ...
            OK [READ-ONLY] Mailbox opened for reading.
        B2: FETCH 1 BODY[TEXT]
            * 1 FETCH (BODY[TEXT] {5}\r\none\r\n)
            OK
        B2: STORE 1 +FLAGS (\Deleted)
            NO
        B2: EXPUNGE
            NO
        A1: NOOP
        """
    )
