"""SEARCH. RFC 9051 §6.4.4, RFC 3501 §7.2.5."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.mailbox.searching import Searching
from imapbox.model.criteria import ChangedFrom, Criterion, parts_of
from imapbox.model.numbers import ModSeq
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.search import Search

# Seconds: a client that hears nothing takes us for dead, sooner or later.
_SILENCE: Final = 10.0
# So many numbers are worded before we look at the clock.
_AT_A_TIME: Final = 4096


async def search(session: Session, command: Search) -> Done:
    """Tell which messages are so, perhaps none.

    Raises:
        Refused: The client's strings are in a charset that we don't read.
        SearchTextTooLong: One of them is too long.
    """
    if not command.known_charset:
        raise Refused("Not a charset that is known here.", codes.badcharset())
    output = session.output
    searching = _searching(session, command.criterion)
    asks_modseqs = any(
        isinstance(each, ChangedFrom) for each in parts_of(command.criterion)
    )
    if asks_modseqs:
        session.tell_modseqs()
    # Nothing is said before all is known: a search may fail.
    found = [each async for each in searching.found(by_uid=command.by_uid)]
    output.write(responses.SEARCH_START)
    for numbers in found:
        for start in range(0, len(numbers), _AT_A_TIME):
            some = numbers[start : start + _AT_A_TIME].tolist()
            output.write(responses.search_numbers(some))
            await output.room()
    if asks_modseqs and any(map(len, found)):
        modseq = _greatest_modseq(session, np.concatenate(found), command)
        output.write(responses.search_modseq(modseq))
    output.write(responses.SEARCH_END)
    return Done("Searched.")


def _greatest_modseq(
    session: Session, numbers: NDArray[np.uint32], command: Search
) -> ModSeq:
    mailbox = session.selection.mailbox
    if not command.by_uid:
        numbers = mailbox.uids[0 : mailbox.exists][numbers - 1]
    return mailbox.greatest_modseq(numbers)


def _searching(session: Session, criterion: Criterion) -> Searching:
    """Return a search that says now and then that it goes on."""
    mailbox = session.selection.mailbox
    told = session.clock.seconds()

    async def pause() -> None:
        nonlocal told
        if session.clock.seconds() - told >= _SILENCE:
            told = session.clock.seconds()
            text = f"Still searching: {searching.done} of {mailbox.exists} messages"
            said = responses.untagged(responses.Status.OK, f"{text} so far.")
            session.output.write(said)
        await session.output.room()

    searching = Searching(mailbox, criterion, pause)
    return searching
