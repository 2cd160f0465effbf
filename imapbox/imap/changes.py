"""Telling what changed in the selected mailbox. RFC 9051 §5.2, RFC 5465 §5."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from imapbox.imap.answers import BrokenOff, Refused
from imapbox.imap.fetch_rows import tell_rows
from imapbox.imap.refusals import ends_session
from imapbox.imap.session import BATCH, Session
from imapbox.mailbox.interfaces import KnownUids
from imapbox.model.errors import MailError
from imapbox.model.uid_arrays import NO_UIDS, are_among, union, without
from imapbox.wire.imap.fetch_items import (
    BinarySizeItem,
    FetchAtt,
    FetchItem,
)

_log = Logger()


class Wish(NamedTuple):
    """What is to be told of some new messages.

    Attributes:
        atts: What.
        uids: Of which, ascending.
    """

    atts: tuple[FetchItem, ...]
    uids: NDArray[np.uint32]


async def sync(session: Session, *, may_expunge: bool, forced: bool = False) -> None:
    """Tell the client what changed in the mailbox that it has selected.

    Args:
        session: Whose client it is.
        may_expunge: Whether positions may move: RFC 9051 §7.5.1.
        forced: Whether messages that come and go are told also to who does not
            want to be told: it made them go.

    Raises:
        MailError: It could not be found out.
        BrokenOff: It could not be told to the end.
    """
    selection, wish = session.selected, session.notifying.selected
    if selection is None or not (wish.counts or forced):
        return
    mailbox, output = selection.mailbox, session.output
    before = mailbox.uids
    updates = await mailbox.sync(may_expunge=may_expunge)
    if not (updates or selection.contexts.are_kept):
        output.write(selection.new_rights())
        return  # so most NOOPs end
    try:
        await selection.contexts.tell_gone(output, before)
        output.write(selection.new_rights())
        by_uid = session.dialect.tells_vanished or session.dialect.uids_only
        uid_at = before.at if by_uid else None
        lines = selection.lines(updates, uid_at, with_flags=wish.flags)
        for number, line in enumerate(lines, start=1):
            output.write(line)
            if not number % BATCH:
                await output.room()
    except CancelledError:
        raise
    except Exception as error:
        # It would take one message for another from now on.
        raise BrokenOff("not all changes could be told") from error
    new = _new(session, before) if updates else NO_UIDS
    wishes = [Wish(wish.atts, new)]
    try:
        found = await selection.contexts.tell_changes(output, session.clock.seconds())
    except MailError:
        await _tell_new(session, wishes)
        raise
    # RFC 5465 §5.2: after what is told of results.
    wishes += [Wish(atts, uids[are_among(uids, new)]) for atts, uids in found if atts]
    await _tell_new(session, wishes)


@asynccontextmanager
async def telling(session: Session) -> AsyncIterator[None]:
    """Tell what changed, should the rest of a command fail, whatever it is.

    For a command that is obeyed in steps: what was done, the client learns.
    """
    try:
        yield
    except CancelledError:
        raise
    except Exception:
        with suppress(MailError):
            await sync(session, may_expunge=True, forced=True)
        raise


def _new(session: Session, before: KnownUids) -> NDArray[np.uint32]:
    """Return the UIDs that the client was just told of, but for those it made."""
    selection = session.selection
    known = before.at(len(before) - 1) if len(before) else 0
    mailbox = selection.mailbox
    uids = mailbox.uids_by_uid([range(known + 1, max(mailbox.uidnext, known + 1))])
    own = np.array(sorted(selection.own), np.uint32)
    if len(uids):
        selection.own.clear()
    return without(uids, own)


async def _tell_new(session: Session, wishes: Sequence[Wish]) -> None:
    for items, uids in _together(wishes):
        messages = session.selection.mailbox.messages_of(uids)
        try:
            await tell_rows(session, _completed(session, items), messages)
        except (MailError, Refused) as error:
            if isinstance(error, MailError) and ends_session(error):
                raise
            _log.info("did not tell all of new messages: {error!r}", error=error)


def _together(
    wishes: Sequence[Wish],
) -> Iterator[tuple[tuple[FetchItem, ...], NDArray[np.uint32]]]:
    """Yield what is told of which messages, each of which is told of once."""
    wishes = [wish for wish in wishes if wish.atts and len(wish.uids)]
    if not wishes:
        return
    every = union(*[wish.uids for wish in wishes])
    kinds = np.zeros(len(every), np.intp)
    for number, wish in enumerate(wishes):
        kinds[np.searchsorted(every, wish.uids)] |= 1 << number
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
        atts = [
            att
            for number, wish in enumerate(wishes)
            if kind >> number & 1
            for att in wish.atts
        ]
        yield tuple(dict.fromkeys(atts)), every[kinds == kind]


def _completed(session: Session, atts: Sequence[FetchItem]) -> Sequence[FetchItem]:
    r"""Return what is told where these were asked for, none of which sets \Seen.

    RFC 5465 §5.2 advises clients against those that would. UID is told with all
    that is told unasked: RFC 9051 §7.5.2.
    """
    dialect = session.dialect
    items = [
        att if isinstance(att, FetchAtt | BinarySizeItem) else replace(att, peek=True)
        for att in atts
    ]
    if dialect.tells_uid(by_uid=True) and FetchAtt.UID not in items:
        items.insert(0, FetchAtt.UID)
    if dialect.tells_modseqs and FetchAtt.FLAGS in items:
        items.append(FetchAtt.MODSEQ)
    return list(dict.fromkeys(items))
