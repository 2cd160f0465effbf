"""Finding what a SEARCH, a SORT or a THREAD asks for, at the session's pace."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Mistaken, Refused
from imapbox.imap.progress import SILENCE, Progress, tell_progress
from imapbox.imap.session import Session
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.search_plan import Pause
from imapbox.mailbox.searching import Found, Searching
from imapbox.model.criteria import ChangedFrom, parts_of
from imapbox.model.numbers import ModSeq
from imapbox.model.uid_arrays import NO_UIDS
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.search import Asking, Search
from imapbox.wire.imap.return_options import Return, Returns


async def find(
    session: Session,
    mailbox: SelectedMailbox,
    command: Asking,
    saved: NDArray[np.uint32],
) -> Found:
    """Return what is so, in the mailbox's order; nothing is told yet.

    Args:
        session: Who asks.
        mailbox: Where.
        command: What is asked.
        saved: UIDs for which "$" stands.

    Raises:
        Mistaken: The client named a charset, though all it says is UTF-8.
        Refused: The client's strings are in a charset that we don't read.
        SearchTextTooLong: One of them is too long.
    """
    if isinstance(command, Search) and command.names_charset:
        _check_charset_may_be_named(session)
    if not command.known_charset:
        raise Refused("Not a charset that is known here.", codes.badcharset())
    if asks_modseqs(command):
        session.tell_modseqs()

    def progress() -> Progress:
        done, goal = searching.done, mailbox.exists
        return Progress(f"searching: {done} of {goal} messages so far", done, goal)

    searching = Searching(
        mailbox,
        command.criterion,
        pausing(session, progress),
        now=session.clock.seconds(),
        saved=mailbox.uids.among(saved),
    )
    parts = [Found(NO_UIDS, NO_UIDS), *[each async for each in searching.found()]]
    uids = np.concatenate([each.uids for each in parts])
    seqs = np.concatenate([each.seqs for each in parts])
    relevancy = await searching.relevancy(uids) if command.is_fuzzy else None
    return Found(uids, seqs, relevancy)


def _check_charset_may_be_named(session: Session) -> None:
    """See that all that is said need not be UTF-8. RFC 6855 §3."""
    if session.dialect.names_no_charset:
        raise Mistaken("After ENABLE UTF8=ACCEPT there is no other charset.")


def asks_modseqs(command: Asking) -> bool:
    """Say whether MODSEQ is among the keys. RFC 7162 §3.1.5."""
    return any(isinstance(each, ChangedFrom) for each in parts_of(command.criterion))


def greatest_modseq(
    mailbox: SelectedMailbox, command: Asking, uids: NDArray[np.uint32]
) -> ModSeq | None:
    """Return the greatest modseq of what is told, if it is to be told.

    Args:
        mailbox: Where it was found.
        command: What was asked.
        uids: Of what is told, in any order.
    """
    if not len(uids) or not asks_modseqs(command):
        return None
    return mailbox.greatest_modseq(np.sort(uids))


def pausing(session: Session, progress: Callable[[], Progress]) -> Pause:
    """Return what lets others have their turn, and says now and then that we go on.

    Args:
        session: Who waits for us.
        progress: Returns how far we are.
    """
    told = session.clock.seconds()

    async def pause() -> None:
        nonlocal told
        if session.clock.seconds() - told >= SILENCE:
            told = session.clock.seconds()
            tell_progress(session, progress())
        await session.output.room()

    return pause


@contextmanager
def saving(session: Session, returns: Returns) -> Iterator[None]:
    """Let nothing be saved by a search that is refused: RFC 5182 §2.1.

    One that is a mistake (BAD) leaves "$" as it is.
    """
    try:
        yield
    except Mistaken:
        raise
    except Exception:
        if Return.SAVE in returns:
            session.selection.saved = NO_UIDS
        raise
