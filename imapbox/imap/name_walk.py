"""Looking at names, few at a time."""

from collections.abc import AsyncIterator

from imapbox.imap.session import Session
from imapbox.mailbox.tree import Names
from imapbox.mailbox.values import Listed


async def in_turns(session: Session, names: Names) -> AsyncIterator[Listed]:
    """Yield names, and the levels above them, while others have their turns."""
    for each in names.walk():
        await session.output.room()
        if each is not None:
            yield each


async def all_names(session: Session) -> tuple[Listed, ...]:
    """Return the names that are mailboxes, or are subscribed: some 100 octets each."""
    names = await session.account.mailboxes()
    return tuple(
        [
            each
            async for each in in_turns(session, names)
            if each.exists or each.subscribed
        ]
    )
