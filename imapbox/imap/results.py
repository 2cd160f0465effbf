"""Telling what was found: SEARCH, SORT, and ESEARCH for both.

RFC 3501 §7.2.5, RFC 5256 §4, RFC 4731 §3.1, RFC 5267 §3, RFC 6203 §4.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.number_sets import tell_set
from imapbox.imap.session import Session
from imapbox.model.numbers import ModSeq
from imapbox.wire.imap import responses
from imapbox.wire.imap.return_options import Return, Returns

# So many numbers are worded before we look at the clock.
_AT_A_TIME: Final = 4096

# With one of the first, or none of the second, it is all that is meant: RFC 5182
# §2.4, RFC 9394 §3.2.
_WHOLE: Final = frozenset({Return.ALL, Return.COUNT})
_ENDS: Final = frozenset({Return.MIN, Return.MAX})
_SOME: Final = _ENDS | {Return.PARTIAL}


async def tell_numbers(
    session: Session, start: bytes, numbers: NDArray[np.uint32], modseq: ModSeq | None
) -> None:
    """Tell all of them, in their order.

    Args:
        session: Whom.
        start: `responses.SEARCH_START`, or another.
        numbers: Sequence numbers or UIDs.
        modseq: The greatest, if it is to be told: RFC 7162 §3.1.6.
    """
    output = session.output
    output.write(start)
    for at in range(0, len(numbers), _AT_A_TIME):
        some = numbers[at : at + _AT_A_TIME].tolist()
        output.write(responses.search_numbers(some))
        await output.room()
    if modseq is not None:
        output.write(responses.search_modseq(modseq))
    output.write(responses.SEARCH_END)


class Result(NamedTuple):
    """What was found.

    Attributes:
        numbers: Sequence numbers or UIDs, in their order.
        modseq: The greatest of what is told, if it is to be told.
        relevancy: Of each, where that was asked.
    """

    numbers: NDArray[np.uint32]
    modseq: ModSeq | None
    relevancy: NDArray[np.uint8] | None


async def tell_esearch(
    session: Session, correlator: bytes, returns: Returns, result: Result
) -> None:
    """Tell what is wanted; of nothing only how many it is: RFC 4731 §3.1.

    Args:
        session: Whom.
        correlator: `responses.esearch_start`.
        returns: What is wanted.
        result: What was found.
    """
    numbers, modseq, relevancy = result
    output = session.output
    output.write(correlator)
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
        await tell_set(output, b" ALL ", numbers)
    if returns.partial is not None:
        start = responses.search_partial(returns.partial)
        some = numbers[returns.partial.of(len(numbers))]
        if len(some):
            await tell_set(output, start, some)
            output.write(b")")
        else:
            output.write(start + b"NIL)")
    if Return.RELEVANCY in returns and relevancy is not None:
        await _tell_relevancy(session, _of_what_is_told(relevancy, returns))
    output.write(responses.SEARCH_END)


async def _tell_relevancy(session: Session, scores: NDArray[np.uint8]) -> None:
    """Tell the scores of what is told, in its order. RFC 6203 §4."""
    if not len(scores):
        return
    output = session.output
    output.write(b" RELEVANCY (%d" % scores[0])
    for at in range(1, len(scores), _AT_A_TIME):
        some = scores[at : at + _AT_A_TIME].tolist()
        output.write(responses.search_numbers(some))
        await output.room()
    output.write(b")")


def _of_what_is_told(scores: NDArray[np.uint8], returns: Returns) -> NDArray[np.uint8]:
    """Return the scores of what ALL tells, or PARTIAL, or else MIN and MAX."""
    if returns.partial is not None:
        return scores[returns.partial.of(len(scores))]
    if returns.options & _WHOLE or not returns.options & _ENDS:
        return scores
    first = scores[:1] if Return.MIN in returns else scores[:0]
    last = scores[-1:] if Return.MAX in returns else scores[:0]
    return np.concatenate([first, last])


def told_of(uids: NDArray[np.uint32], returns: Returns) -> NDArray[np.uint32]:
    """Return those that are told, and saved, in their order."""
    if returns.options & _WHOLE or not returns.options & _SOME:
        return uids
    are_told = np.zeros(len(uids), np.bool_)
    if Return.MIN in returns:
        are_told[:1] = True
    if Return.MAX in returns:
        are_told[-1:] = True
    if returns.partial is not None:
        are_told[returns.partial.of(len(uids))] = True
    return uids[are_told]
