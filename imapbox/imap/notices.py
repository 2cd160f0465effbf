"""Telling a client what it wants to be told, whatever it does. RFC 5465."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from imapbox.imap.answers import BrokenOff
from imapbox.imap.changes import sync
from imapbox.imap.counting import (
    COUNTED_AT_ONCE,
    counts_if_any,
    counts_line,
    quick_counts,
)
from imapbox.imap.interests import Interests
from imapbox.imap.known_access import Meant
from imapbox.imap.known_annotations import KnownAnnotations
from imapbox.imap.known_counts import first_atts, known_from
from imapbox.imap.known_tree import KnownTree
from imapbox.imap.list_rows import attributes_of
from imapbox.imap.name_notices import tell_annotations, tell_names
from imapbox.imap.name_walk import all_names
from imapbox.imap.notifying import MOST_FOLLOWED, Notifying, silent
from imapbox.imap.refusals import code_of, ends_session
from imapbox.imap.session import Session
from imapbox.imap.whole_lines import InWholeLines
from imapbox.mailbox.values import Listed, Status
from imapbox.model.errors import MailError, NoSuchMailbox
from imapbox.model.names import MailboxName
from imapbox.model.rights import Rights
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.notify import MESSAGES, METADATA, Event, EventGroup
from imapbox.wire.imap.responses import Attribute

_log = Logger()

# Mailboxes that are begun to be listened to before the others have their turn.
_AT_A_TIME: Final = 16


async def begin(
    session: Session, groups: Sequence[EventGroup], *, status: bool
) -> Notifying | None:
    """Begin to listen; what a client was told before is not touched.

    Args:
        session: Whose client it is.
        groups: What it wants to be told.
        status: Whether it is told at once how many messages there are.

    Returns:
        None if it were too much.
    """
    interests = Interests(groups)
    watch = session.account.watch(session.input.wake)
    if watch is None:
        return None
    notifying = Notifying(interests, interests.selected, watch=watch)
    try:
        if interests.of_names:
            # What happens from now on is hinted at, so nothing falls in between.
            listed = await all_names(session)
            notifying.tree = KnownTree(listed)
            if interests.of_all & METADATA:
                annotations = await session.account.all_metadata()
                notifying.annotations = KnownAnnotations(annotations)
            if not await _follow(session, notifying, listed):
                notifying.close()
                return None
            await _count(session, notifying, status=status)
    except BaseException:
        notifying.close()
        raise
    return notifying


async def tell_between(session: Session) -> None:
    """Tell what is new while no command is in progress."""
    may_expunge = session.notifying.selected.expunges_between
    try:
        with InWholeLines(session):
            await tell_news(session, may_expunge=may_expunge)
    except BrokenOff:
        _log.failure("broke off a notification")
        session.break_off("a notification could not be completed")
    except MailError as error:
        _log.info("could not notify {user}: {error!r}", user=session.user, error=error)
        if ends_session(error):
            session.bye(error.sentence(), code_of(error))
    except Exception as error:
        if isinstance(error, CancelledError) and session.ended is not None:
            raise
        _log.failure("notifying failed")


async def tell_news(session: Session, *, may_expunge: bool) -> None:
    """Tell what is new wherever the client wants to know of it.

    Raises:
        MailError: Some could not be found out; it is tried again.
        BrokenOff: It could not be told to the end.
    """
    to_tell = session.notifying.take()
    try:
        if to_tell.selected:
            await sync(session, may_expunge=may_expunge)
        if to_tell.tree:
            await _tell_tree(session)
        await _tell_counts(session, to_tell.mailboxes)
    except MailError:
        notifying = session.notifying
        notifying.put_back(to_tell, session.clock, session.input.wake)
        raise
    await session.output.room()


async def _tell_tree(session: Session) -> None:
    listed = await all_names(session)
    await tell_names(session, listed)
    await tell_annotations(session, listed)
    if not await _follow(session, session.notifying, listed):
        _tell_overflow(session)


async def _tell_access(
    session: Session, notifying: Notifying, meant: Meant, there: Collection[bytes]
) -> None:
    """Tell of what mailboxes nothing is told since they may not be read.

    RFC 5465 §3.1, and §5.9 where rights come and go.
    """
    for row, is_lost in notifying.access.learn(notifying.interests, meant, there):
        attributes = [Attribute.NOACCESS] if is_lost else []
        attributes += attributes_of(row)
        utf8 = session.dialect.utf8
        session.output.write(responses.list_mailbox(attributes, row.name, utf8=utf8))
        await session.output.room()


async def _follow(
    session: Session, notifying: Notifying, listed: Sequence[Listed]
) -> bool:
    """Listen to just those mailboxes that are meant; say whether that can be."""
    wanted: list[tuple[bytes, MailboxName, Event]] = []
    meant: dict[bytes, Listed] = {}
    for each in listed:
        events = notifying.interests.of(each) & MESSAGES
        if each.mailbox_id is not None and events:
            meant[each.mailbox_id] = each
            if Rights.READ in each.rights:
                wanted.append((each.mailbox_id, each.name, events))
        await session.output.room()
    there = {each.mailbox_id for each in listed if each.mailbox_id is not None}
    await _tell_access(session, notifying, meant, there)
    if len(wanted) > MOST_FOLLOWED:
        return False
    notifying.leave(notifying.followed.keys() - {each[0] for each in wanted})
    for start in range(0, len(wanted), _AT_A_TIME):
        if not notifying.follow(wanted[start : start + _AT_A_TIME]):
            return False
        await session.output.room()
    return True


def _tell_overflow(session: Session) -> None:
    """Tell that nothing more is told. RFC 5465 §5.8."""
    text = "Too much is to be told: no more is, until you ask again."
    line = responses.untagged(responses.Status.OK, text, codes.NOTIFICATIONOVERFLOW)
    session.output.write(line)
    session.notify(silent())


async def _tell_counts(session: Session, mailbox_ids: Collection[bytes]) -> None:
    """Tell of mailboxes in which something happened that the client wants to know."""
    notifying = session.notifying
    tells_modseqs = session.dialect.tells_modseqs
    async for mailbox_id, counts in _counts(session, notifying, mailbox_ids):
        each = notifying.followed[mailbox_id]
        atts = each.known.news(counts, each.events, tells_modseqs=tells_modseqs)
        if atts:
            session.output.write(counts_line(session, each.name, atts, counts))
        each.known = each.known.told(counts, atts)
        await session.output.room()


async def _count(session: Session, notifying: Notifying, *, status: bool) -> None:
    """Learn what the client is taken to know of mailboxes; tell it, if it asks."""
    tells_modseqs = session.dialect.tells_modseqs
    everyone = frozenset(notifying.followed)
    async for mailbox_id, counts in _counts(session, notifying, everyone):
        each = notifying.followed[mailbox_id]
        if status and not session.has_selected(mailbox_id):
            atts = first_atts(each.events, tells_modseqs=tells_modseqs)
            session.output.write(counts_line(session, each.name, atts, counts))
        notifying.is_known(mailbox_id, known_from(counts))
        await session.output.room()


async def _counts(
    session: Session, notifying: Notifying, mailbox_ids: Collection[bytes]
) -> AsyncIterator[tuple[bytes, Status]]:
    """Yield the counts of mailboxes, of those that can be counted."""
    followed = notifying.followed
    ids = {followed[each].name: each for each in mailbox_ids if each in followed}
    names = sorted(ids)
    for start in range(0, len(names), COUNTED_AT_ONCE):
        some = names[start : start + COUNTED_AT_ONCE]
        quick = await quick_counts(session, some, ())
        for name in some:
            try:
                counts = await counts_if_any(session, name, (), quick)
            except NoSuchMailbox:
                continue
            if counts is not None:
                yield ids[name], counts
