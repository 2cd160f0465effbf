"""NOTIFY. RFC 5465 §3.1."""

from imapbox.imap.answers import Done, Refused
from imapbox.imap.changes import sync
from imapbox.imap.fetch_rows import check_parts
from imapbox.imap.notices import begin
from imapbox.imap.notifying import silent
from imapbox.imap.session import Session
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.notify import (
    EVENT_NAMES,
    METADATA,
    NOTHING,
    Notify,
)
from imapbox.wire.imap.fetch_items import FetchAtt


async def notify(session: Session, command: Notify) -> Done:
    """Tell the client from now on what it names, and nothing else.

    What happened until now it is told first. Where this is refused, it is told what
    it was told before.

    Raises:
        Refused: We can't tell of one of these events (BADEVENT), or it were too
            much (NOTIFICATIONOVERFLOW); or as for FETCH (LIMIT).
    """
    if command.groups is None:
        session.notify(silent())
        return Done("Nothing more is told.")
    lacking = METADATA if "METADATA" in session.lacks else NOTHING
    if any(each.events & lacking or not each.knows_all for each in command.groups):
        known = [name for event, name in EVENT_NAMES.items() if event not in lacking]
        code = codes.badevent(known)
        raise Refused("One of these can not be told.", code)
    atts = [att for group in command.groups for att in group.atts]
    check_parts(atts)
    if FetchAtt.MODSEQ in atts:
        session.tell_modseqs()
    await sync(session, may_expunge=True, forced=True)
    notifying = await begin(session, command.groups, status=command.status)
    if notifying is None:
        raise Refused("That were too many mailboxes.", codes.NOTIFICATIONOVERFLOW)
    session.notify(notifying)
    return Done("You will be told.")
