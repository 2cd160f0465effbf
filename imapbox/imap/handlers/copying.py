"""COPY and MOVE. RFC 9051 §6.4.7, §6.4.8."""

from collections.abc import Awaitable
from typing import Final, TypeVar

import numpy as np

from imapbox.imap.answers import Done, Refused
from imapbox.imap.changes import telling
from imapbox.imap.progress import in_progress
from imapbox.imap.session import Session
from imapbox.mailbox.values import Copied
from imapbox.model.errors import MailboxReadOnly, NoSuchMailbox
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.copying import Copy, Move
from imapbox.wire.imap.response_codes import ResponseCode

T = TypeVar("T")

# Of up to 22 octets each. MOVE tells as many as it moves in one step.
_MOST_RANGES: Final = 10_000


async def copy(session: Session, command: Copy) -> Done:
    """Copy messages, all or none."""
    name = command.mailbox.name()
    selection = session.selection
    uids = selection.uids(command.messages, by_uid=command.by_uid)
    with in_progress(session, "copying"):
        copied = await _or_try_create(selection.mailbox.copy(uids, name))
    if copied is not None:
        session.brought(name, copied.uids)
    return Done("Copied.", None if copied is None else _copy_uid(copied))


async def move(session: Session, command: Move) -> Done:
    """Move messages, many in as many steps as the mailbox wants.

    Which message became which is told before it is told that they went: RFC
    6851 §4.3. Where a later step fails, the client learns what was moved.
    """
    name = command.mailbox.name()
    selection = session.selection
    mailbox = selection.mailbox
    if mailbox.read_only:
        raise MailboxReadOnly
    left = selection.uids(command.messages, by_uid=command.by_uid)
    with in_progress(session, "moving"):
        moved = await _or_try_create(mailbox.move(left, name))
        async with telling(session):
            while moved is not None:
                session.brought(name, moved.uids)
                code = _copy_uid(moved)
                line = responses.untagged(responses.Status.OK, "Moved.", code)
                session.output.write(line)
                left = left[len(moved.originals) :]
                if not len(left):
                    break
                moved = await _or_try_create(mailbox.move(left, name))
    return Done("Done.", code_then=session.highestmodseq)


async def _or_try_create(work: Awaitable[T]) -> T:
    """Let the client make the mailbox that is missing. RFC 9051 §6.4.7."""
    try:
        return await work
    except NoSuchMailbox as error:
        raise Refused(error.sentence(), codes.TRYCREATE) from None


def _copy_uid(copied: Copied) -> ResponseCode | None:
    """Return COPYUID; None if it is not known, or were longer than clients read.

    It is not known to who can't select the mailbox. RFC 4315 §3 has it that servers
    should say it to all others; who is not told looks into the mailbox.
    """
    if not copied.uids:
        return None
    jumps = np.diff(np.array(copied.originals, np.int64)) != 1
    if np.count_nonzero(jumps) >= _MOST_RANGES:
        return None
    return codes.copy_uid(copied.uidvalidity, copied.originals, copied.uids)
