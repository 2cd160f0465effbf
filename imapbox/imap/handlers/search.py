"""SEARCH and SORT.

RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 4731, RFC 5182; RFC 5256 §3, RFC 5267 §3;
RFC 6203.
"""

import numpy as np

from imapbox.imap.answers import Done
from imapbox.imap.contexts import Question
from imapbox.imap.fetch_rows import check_parts
from imapbox.imap.finding import find, greatest_modseq, pausing, saving
from imapbox.imap.progress import Progress
from imapbox.imap.results import Result, tell_esearch, tell_numbers, told_of
from imapbox.imap.session import Session
from imapbox.mailbox.searching import Found
from imapbox.mailbox.sorting import sort_found
from imapbox.model.numbers import ModSeq
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.search import Search
from imapbox.wire.imap.commands.sort import Sort
from imapbox.wire.imap.return_options import Return, Returns


async def search(session: Session, command: Search | Sort) -> Done:
    """Tell which messages are so, perhaps none; those of a SORT in its order.

    Raises:
        Mistaken: The client named a charset, though all it says is UTF-8; or it
            named another command's context.
        Refused: The client's strings are in a charset that we don't read; or UPDATE
            wants one part decoded again and again (LIMIT).
        SearchTextTooLong: One of them is too long.
    """
    returns = command.returns or Returns(frozenset())
    with saving(session, returns):
        return await _search(session, command, returns)


async def _search(session: Session, command: Search | Sort, returns: Returns) -> Done:
    selection = session.selection
    if Return.UPDATE in returns:
        selection.contexts.check(command.tag)
        check_parts(returns.update_atts)
    highestmodseq = selection.mailbox.highestmodseq
    question = Question(command, selection.saved, highestmodseq)
    found = await find(session, selection.mailbox, command, question.saved)
    ordered = found
    if isinstance(command, Sort):
        ordered = await _sorted(session, command, found)
    told = told_of(ordered.uids, returns)
    if Return.SAVE in returns:
        selection.saved = np.sort(told)
    modseq = greatest_modseq(selection.mailbox, command, told)
    await _tell(session, command, ordered, modseq)
    if Return.UPDATE in returns:
        await _keep_up(session, question, found)
    return Done("Sorted." if isinstance(command, Sort) else "Searched.")


async def _tell(
    session: Session, command: Search | Sort, found: Found, modseq: ModSeq | None
) -> None:
    numbers = found.uids if command.by_uid else found.seqs
    returns = command.returns
    if returns is None and session.dialect.rev2 and not isinstance(command, Sort):
        returns = Returns(frozenset({Return.ALL}))  # RFC 9051 §E, 4
    if returns is None:
        sorts = isinstance(command, Sort)
        start = responses.SORT_START if sorts else responses.SEARCH_START
        await tell_numbers(session, start, numbers, modseq)
    elif returns.options != {Return.SAVE}:
        result = Result(numbers, modseq, found.relevancy)
        start = responses.esearch_start(command.tag, uid=command.by_uid)
        await tell_esearch(session, start, returns, result)


async def _keep_up(session: Session, question: Question, found: Found) -> None:
    """Keep a result up, or say that it won't be. RFC 5267 §4.3.1."""
    contexts, output = session.selection.contexts, session.output
    if not await contexts.keep(question, found.uids, output.room):
        text = "Too much is kept up already, or asked to be."
        output.write(responses.no_update(question.command.tag, text))


async def _sorted(session: Session, command: Sort, found: Found) -> Found:
    def progress() -> Progress:
        return Progress(f"sorting {len(found.uids)} messages")

    mailbox = session.selection.mailbox
    return await sort_found(mailbox, found, command.by, pausing(session, progress))
