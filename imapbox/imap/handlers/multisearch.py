"""ESEARCH: a SEARCH of several mailboxes. RFC 7377."""

from collections.abc import AsyncIterator, Sequence

import numpy as np

from imapbox.imap.answers import Done, Mistaken
from imapbox.imap.finding import find, greatest_modseq, saving
from imapbox.imap.mailbox_filters import MailboxFilter
from imapbox.imap.name_walk import in_turns
from imapbox.imap.results import Result, tell_esearch, told_of
from imapbox.imap.session import Session
from imapbox.imap.states import State
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.model.errors import MailError, NoSuchMailbox, NotPermitted
from imapbox.model.names import MailboxName
from imapbox.model.uid_arrays import NO_UIDS
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.multisearch import SELECTED, MultiSearch
from imapbox.wire.imap.mailbox_filters import Source
from imapbox.wire.imap.return_options import Return, Returns


async def multisearch(session: Session, command: MultiSearch) -> Done:
    """Tell of each mailbox what is so in it; of one in which nothing is, nothing.

    Mailboxes that are gone, or that one may not read, are passed over: RFC 7377
    §2.2. Of all other trouble the first is told once all have been searched.

    Raises:
        Mistaken: No mailbox is selected, and one is asked for; or what only the
            selected one has is asked of others.
        Refused: The client's strings are in a charset that we don't read.
    """
    returns = command.returns or Returns(frozenset({Return.ALL}))
    _check(session, command, returns)
    trouble: MailError | None = None
    if SELECTED in command.sources:
        with saving(session, returns):
            await _search(session, session.selection.mailbox, command, returns)
    async for name in _names(session, command.sources):
        try:
            mailbox = await session.account.select(
                name, read_only=True, takes_recent=False
            )
            try:
                await _search(session, mailbox, command, returns)
            finally:
                mailbox.close()
        except (NoSuchMailbox, NotPermitted):
            continue
        except MailError as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    if Return.UPDATE in returns:
        text = "Only SEARCH is kept up."
        session.output.write(responses.no_update(command.tag, text))
    return Done("Searched.")


def _check(session: Session, command: MultiSearch, returns: Returns) -> None:
    """See that the selected mailbox is there where it is needed. RFC 7377 §2.2."""
    is_selected = session.state is State.SELECTED
    if (SELECTED in command.sources or Return.UPDATE in returns) and not is_selected:
        raise Mistaken("No mailbox is selected.")
    if Return.SAVE in returns and set(command.sources) != {SELECTED}:
        raise Mistaken("Only what is found in the selected mailbox can be saved.")


async def _search(
    session: Session, mailbox: SelectedMailbox, command: MultiSearch, returns: Returns
) -> None:
    saved = NO_UIDS
    if session.state is State.SELECTED and mailbox is session.selection.mailbox:
        saved = session.selection.saved
    found = await find(session, mailbox, command, saved)
    uids = told_of(found.uids, returns)
    if Return.SAVE in returns:
        session.selection.saved = np.sort(uids)
    if not len(found.uids) or returns.options == {Return.SAVE}:
        return
    start = responses.multisearch_start(
        command.tag, mailbox.name, mailbox.uidvalidity, utf8=session.dialect.utf8
    )
    modseq = greatest_modseq(mailbox, command, uids)
    result = Result(found.uids, modseq, found.relevancy)
    await tell_esearch(session, start, returns, result)


async def _names(
    session: Session, sources: Sequence[Source]
) -> AsyncIterator[MailboxName]:
    """Yield the names of the mailboxes that are meant, each once.

    Those that are named also where a LIST doesn't show them: RFC 7377 §2.2 asks for
    "l" only where the client does not know the name.
    """
    if set(sources) == {SELECTED}:
        return
    filters = [MailboxFilter(each) for each in sources if each != SELECTED]
    passed = {session.selection.mailbox.name} if SELECTED in sources else set()
    named = {name for each in filters for name in each.named} - passed
    async for each in in_turns(session, await session.account.mailboxes()):
        if not each.exists or each.name in passed:
            continue
        if any(mailboxes.means(each) for mailboxes in filters):
            named.discard(each.name)
            yield each.name
    for name in sorted(named):
        yield name
