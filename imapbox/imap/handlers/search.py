"""SEARCH. RFC 9051 §6.4.4, RFC 3501 §7.2.5, RFC 4731, RFC 5182."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.mailbox.searching import Found, Searching
from imapbox.model.criteria import ChangedFrom, parts_of
from imapbox.model.numbers import ModSeq
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.search import Return, Search
from imapbox.wire.imap.sequence_set import uid_ranges

# Seconds: a client that hears nothing takes us for dead, sooner or later.
_SILENCE: Final = 10.0
# So many numbers are worded before we look at the clock.
_AT_A_TIME: Final = 4096
_NOTHING: Final = np.zeros(0, np.uint32)


# With one of these, or none but SAVE, it is all that is meant: RFC 5182 §2.4.
_WHOLE: Final = frozenset({Return.ALL, Return.COUNT})


async def search(session: Session, command: Search) -> Done:
    """Tell which messages are so, perhaps none.

    Raises:
        Refused: The client's strings are in a charset that we don't read.
        SearchTextTooLong: One of them is too long.
    """
    saves = command.returns is not None and Return.SAVE in command.returns
    selection = session.selection
    before = selection.saved
    if saves:
        selection.saved = _NOTHING  # RFC 5182 §2.1: should the search be refused
    if not command.known_charset:
        raise Refused("Not a charset that is known here.", codes.badcharset())
    asks_modseqs = any(
        isinstance(each, ChangedFrom) for each in parts_of(command.criterion)
    )
    if asks_modseqs:
        session.tell_modseqs()
    found = await _find(session, command, before)
    told = found
    if command.returns is not None and not command.returns & _WHOLE:
        told = _ends(found, command.returns)
    if saves:
        selection.saved = told.uids
    numbers = found.uids if command.by_uid else found.seqs
    modseq = None
    if asks_modseqs and len(told.uids):
        modseq = selection.mailbox.greatest_modseq(told.uids)
    if command.returns is None:
        await _tell_search(session, numbers, modseq)
    elif command.returns != {Return.SAVE}:
        await _tell_esearch(session, command, numbers, modseq)
    return Done("Searched.")


def _ends(found: Found, returns: frozenset[Return]) -> Found:
    """Return the first one, the last one, or both, as is wanted."""
    if returns == {Return.SAVE} or not len(found.uids):
        return found
    places = {0} if Return.MIN in returns else set()
    if Return.MAX in returns:
        places.add(len(found.uids) - 1)
    at = sorted(places)
    return Found(found.uids[at], found.seqs[at])


async def _find(session: Session, command: Search, saved: NDArray[np.uint32]) -> Found:
    """Return what is so. Nothing is said before all is known: a search may fail."""
    mailbox = session.selection.mailbox
    searching = _searching(session, command, mailbox.uids.among(saved))
    parts = [Found(_NOTHING, _NOTHING), *[each async for each in searching.found()]]
    return Found(*map(np.concatenate, zip(*parts, strict=True)))


async def _tell_search(
    session: Session, numbers: NDArray[np.uint32], modseq: ModSeq | None
) -> None:
    output = session.output
    output.write(responses.SEARCH_START)
    for start in range(0, len(numbers), _AT_A_TIME):
        some = numbers[start : start + _AT_A_TIME].tolist()
        output.write(responses.search_numbers(some))
        await output.room()
    if modseq is not None:
        output.write(responses.search_modseq(modseq))
    output.write(responses.SEARCH_END)


async def _tell_esearch(
    session: Session,
    command: Search,
    numbers: NDArray[np.uint32],
    modseq: ModSeq | None,
) -> None:
    """Tell what is wanted; of nothing only how many it is: RFC 4731 §3.1."""
    returns = command.returns or frozenset()
    output = session.output
    output.write(responses.esearch_start(command.tag, uid=command.by_uid))
    if Return.COUNT in returns:
        output.write(responses.search_item(b"COUNT", len(numbers)))
    if len(numbers):
        if Return.MIN in returns:
            output.write(responses.search_item(b"MIN", int(numbers[0])))
        if Return.MAX in returns:
            output.write(responses.search_item(b"MAX", int(numbers[-1])))
    if modseq is not None:
        output.write(responses.search_item(b"MODSEQ", modseq))
    if len(numbers) and Return.ALL in returns:
        before = b" ALL "
        for ranges in uid_ranges(*_runs(numbers), _AT_A_TIME):
            output.write(before + ranges)
            await output.room()
            before = b","
    output.write(responses.SEARCH_END)


def _runs(
    numbers: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the first and the last one of each run of ascending numbers."""
    begins = np.ones(len(numbers), np.bool_)
    begins[1:] = numbers[1:] - numbers[:-1] > 1
    return numbers[begins], numbers[np.roll(begins, -1)]


def _searching(
    session: Session, command: Search, saved: NDArray[np.uint32]
) -> Searching:
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

    searching = Searching(mailbox, command.criterion, pause, now=told, saved=saved)
    return searching
