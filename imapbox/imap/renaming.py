r"""Telling a client of IMAP4rev2 what a mailbox is really called.

RFC 9051 §6.3.9.7 (OLDNAME).
"""

from collections.abc import Sequence

from imapbox.imap.list_rows import attributes_of
from imapbox.imap.session import Session
from imapbox.model.names import MailboxName
from imapbox.wire.imap import responses
from imapbox.wire.imap.mailbox_names import MailboxArgument
from imapbox.wire.imap.responses import Attribute


async def tell_selected(
    session: Session, given: MailboxArgument, name: MailboxName
) -> None:
    """Tell of a mailbox that was selected: RFC 9051 §6.3.2."""
    names = await session.account.mailboxes(name)
    attributes: Sequence[Attribute] = ()
    for each in names.walk():
        await session.output.room()
        if each is not None and each.name == name:
            attributes = attributes_of(each)
            break
    _tell(session, given, name, attributes)


def tell_other_name(
    session: Session,
    given: MailboxArgument,
    name: MailboxName,
    attributes: Sequence[Attribute] = (),
) -> None:
    """Tell how the name that was given is spelled here, if it is another way.

    Args:
        session: Whose client it is.
        given: By the client.
        name: What became of it.
        attributes: What is to be said of it.
    """
    if session.dialect.rev2 and given.text() != name:
        _tell(session, given, name, attributes)


def _tell(
    session: Session,
    given: MailboxArgument,
    name: MailboxName,
    attributes: Sequence[Attribute],
) -> None:
    text = given.text()
    line = responses.list_mailbox(
        attributes,
        name,
        old_name=None if text == name else text,
        utf8=session.dialect.utf8,
    )
    session.output.write(line)
