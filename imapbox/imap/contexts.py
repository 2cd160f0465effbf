"""Results that are kept up while the mailbox changes. RFC 5267 §4.3.

A context knows which messages were so when the client was told last, and up to
which modseq it has looked at changes. What has a greater one is looked at again,
whoever changed it; of all else nothing is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imapbox.imap.answers import Mistaken
from imapbox.imap.number_sets import tell_set
from imapbox.imap.output import Output
from imapbox.imap.settled import TooScattered, settled
from imapbox.mailbox.interfaces import KnownUids, SelectedMailbox
from imapbox.mailbox.kept_results import InMailboxOrder, Pair, Result, Sorted, UidList
from imapbox.mailbox.search_plan import Pause
from imapbox.mailbox.searching import Searching, places_changed
from imapbox.model.criteria import Criterion
from imapbox.model.numbers import ModSeq
from imapbox.model.uid_arrays import NO_UIDS, are_among
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.search import Search
from imapbox.wire.imap.commands.sort import Sort
from imapbox.wire.imap.fetch_items import FetchItem
from imapbox.wire.imap.tags import Tag

# Of a session; their results together; and of these, those that are sorted.
MOST: Final = 10
MOST_RESULTS: Final = 1_000_000
MOST_SORTED: Final = 20_000
# In one response, which is some 20 KB then.
_MOST_PAIRS: Final = 1000


@dataclass(slots=True)
class _Context:
    """One of them.

    Attributes:
        tag: Of the command that made it.
        by_uid: Whether UIDs are told.
        criterion: Which messages are in it; no sequence number is in that.
        checked: Changes up to this modseq are in the result.
        result: What the client was told.
        atts: What it is told of new messages that are in it: RFC 5465 §7.
    """

    tag: Tag
    by_uid: bool
    criterion: Criterion
    checked: ModSeq
    result: Result
    atts: tuple[FetchItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and what was so when it was.

    Attributes:
        command: The words.
        saved: UIDs for which "$" stood.
        checked: The client was told all changes up to this modseq.
    """

    command: Search | Sort
    saved: UidList
    checked: ModSeq


class Contexts:
    """All of a session's, while a mailbox is selected.

    Args:
        mailbox: Which.
    """

    def __init__(self, mailbox: SelectedMailbox) -> None:
        self._mailbox = mailbox
        self._all: dict[bytes, _Context] = {}

    @property
    def are_kept(self) -> bool:
        """Say whether there is any."""
        return bool(self._all)

    def check(self, tag: Tag) -> None:
        """Raise `Mistaken` if there is one with this tag: RFC 5267 §4.3."""
        if tag in self._all:
            raise Mistaken("There is a search with this tag whose result is kept up.")

    async def keep(self, question: Question, uids: UidList, pause: Pause) -> bool:
        """Keep up a result from now on; say whether there is room. RFC 5267 §4.3.1.

        Args:
            question: What was asked.
            uids: What was found, ascending.
            pause: Awaited now and then.
        """
        command = question.command
        by = command.by if isinstance(command, Sort) else ()
        if len(self._all) >= MOST or len(uids) > self._room(is_sorted=bool(by)):
            return False
        if command.is_fuzzy:
            return False  # what is like something depends on all that there is
        try:
            criterion = settled(command.criterion, self._mailbox.uids, question.saved)
        except TooScattered:
            return False
        result: Result = InMailboxOrder(uids)
        if by:
            result = Sorted(self._mailbox, by, MOST_SORTED)
            await result.add(uids, pause)
        self._all[command.tag] = _Context(
            command.tag,
            command.by_uid,
            criterion,
            question.checked,
            result,
            () if command.returns is None else command.returns.update_atts,
        )
        return True

    def _room(self, *, is_sorted: bool) -> int:
        """Return how many results more can be kept up."""
        results = [each.result for each in self._all.values()]
        room = MOST_RESULTS - sum(map(len, results))
        if is_sorted:
            of_sorted = sum(len(each) for each in results if isinstance(each, Sorted))
            room = min(room, MOST_SORTED - of_sorted)
        return room

    def _end(self, output: Output, context: _Context, text: str) -> None:
        """Keep one up no longer, and say so. RFC 5267 §4.3.1."""
        del self._all[context.tag]
        output.write(responses.no_update(context.tag, text))

    def use_uids_only(self, output: Output) -> None:
        """Keep up no result any more that is told by numbers. RFC 9586 §3."""
        for context in tuple(self._all.values()):
            if not context.by_uid:
                self._end(output, context, "There are no such numbers any more.")

    def cancel(self, tags: Iterable[bytes]) -> None:
        """Tell nothing more of these. RFC 5267 §4.3.5."""
        for tag in tags:
            self._all.pop(tag, None)

    async def tell_gone(self, output: Output, before: KnownUids) -> None:
        """Tell which messages are in no result any more, being expunged.

        RFC 5267 §4.3.4: that comes before they are told to be expunged.

        Args:
            output: Of the session.
            before: The UIDs of the messages that the client knows till now.
        """
        if not self._all or self._mailbox.uids is before:
            return
        every = before.gone_in(self._mailbox.uids)
        for context in self._all.values():
            gone = every[are_among(every, context.result.uids)]
            if len(gone):
                pairs = await context.result.remove(gone, output.room)
                await _tell(output, context, b"REMOVEFROM", pairs, before)

    async def tell_changes(
        self, output: Output, now: float
    ) -> list[tuple[tuple[FetchItem, ...], NDArray[np.uint32]]]:
        """Tell what became of the results, once all else was told.

        Args:
            output: Of the session.
            now: Seconds since 1970 UTC.

        Returns:
            What is to be told of which messages that came into results, if they
            are new.

        Raises:
            MailError: It could not be found out; it is tried again next time.
        """
        came = []
        changed: dict[ModSeq, NDArray[np.intp]] = {}
        for context in tuple(self._all.values()):
            modseq, since = self._mailbox.highestmodseq, context.checked
            if since < modseq:
                if since not in changed:
                    places = await places_changed(self._mailbox, since, output.room)
                    changed[since] = places
                new = await self._look_again(context, changed[since], output, now)
                came.append((context.atts, new))
                context.checked = modseq
        return came

    async def _look_again(
        self,
        context: _Context,
        places: NDArray[np.intp],
        output: Output,
        now: float,
    ) -> NDArray[np.uint32]:
        mailbox, result = self._mailbox, context.result
        searching = Searching(mailbox, context.criterion, output.room, now=now)
        looked_at = [each async for each in searching.found_at(places)]
        if not looked_at:
            return NO_UIDS
        uids = np.concatenate([uids for uids, _ in looked_at])
        so = np.concatenate([so for _, so in looked_at])
        known = are_among(uids, result.uids)
        gone, new = uids[known & ~so], uids[so & ~known]
        if len(gone):
            pairs = await result.remove(gone, output.room)
            await _tell(output, context, b"REMOVEFROM", pairs, mailbox.uids)
        if len(new) > self._room(is_sorted=isinstance(result, Sorted)):
            self._end(output, context, "It has become too much to be kept up.")
            return NO_UIDS
        if len(new):
            pairs = await result.add(new, output.room)
            await _tell(output, context, b"ADDTO", pairs, mailbox.uids)
        return new


async def _tell(
    output: Output,
    context: _Context,
    name: bytes,
    pairs: Sequence[Pair],
    known: KnownUids,
) -> None:
    """Tell what comes or goes. RFC 5267 §4.3.2.

    Args:
        output: Of the session.
        context: Whose.
        name: ADDTO or REMOVEFROM.
        pairs: In the order in which they are to be obeyed.
        known: Where sequence numbers are looked up.
    """
    for start in range(0, len(pairs), _MOST_PAIRS):
        output.write(responses.esearch_start(context.tag, uid=context.by_uid))
        before = b" %b (" % name
        for position, uids in pairs[start : start + _MOST_PAIRS]:
            numbers = uids
            if not context.by_uid:
                numbers = (known.places_of(uids) + 1).astype(np.uint32)
            await tell_set(output, b"%b%d " % (before, position), numbers)
            before = b" "
        output.write(b")" + responses.SEARCH_END)
