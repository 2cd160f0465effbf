"""What URLs lead to: octets of messages, which are read and never changed.

See Also:
    RFC 5092 (URLs), RFC 4469 §3 (CATENATE), RFC 4467 §8 (URLFETCH).
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from imapbox.imap.octets import Octets
from imapbox.imap.sections import cut
from imapbox.imap.withheld import refuse_withheld
from imapbox.mailbox.account_interface import Account
from imapbox.mailbox.cards import READ, read_cards
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.values import Piece
from imapbox.model.errors import (
    MailboxGone,
    MessageGone,
    NoSuchMailbox,
    NotPermitted,
)
from imapbox.model.names import MailboxName
from imapbox.wire.imap.fetch_items import FIELDS, Section
from imapbox.wire.imap.urls import ImapUrl


class LeadsNowhere(Exception):
    """What a URL leads to is not there, or not for who asks.

    Attributes:
        is_anothers: Whether it is said to be in somebody else's mail.
    """

    is_anothers = False


class Sources:
    """The mailboxes of an account that URLs lead to; one of them is open at a time.

    They are read as they are now, whatever a client that has one of them selected was
    told. Nothing becomes seen there, or less recent.

    Args:
        account: Whose they are.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._mailbox: SelectedMailbox | None = None

    async def octets(self, name: MailboxName, url: ImapUrl) -> Octets:
        """Return the message that a URL leads to, in a mailbox of this name.

        Raises:
            LeadsNowhere: It is not there.
            MessageDamaged: It is not what was stored.
            MailError: It can't be read now.
        """
        try:
            mailbox = await self._open(name)
            if url.uidvalidity not in {None, mailbox.uidvalidity} or url.uid is None:
                raise LeadsNowhere
            return await _octets(mailbox, url.uid)
        except (NoSuchMailbox, NotPermitted, MailboxGone, MessageGone) as error:
            raise LeadsNowhere from error

    async def _open(self, name: MailboxName) -> SelectedMailbox:
        if self._mailbox is None or self._mailbox.name != name:
            self.close()
            self._mailbox = await self._account.select(
                name, read_only=True, takes_recent=False
            )
        return self._mailbox

    def close(self) -> None:
        """Give everything back."""
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            mailbox.close()


class Part:
    """What a URL leads to, octet by octet as it is stored.

    Attributes:
        size: How many octets there are.
    """

    def __init__(self, octets: Octets, extent: range, text: bytes | None) -> None:
        self.size = len(extent)
        self._octets = octets
        self._extent = extent
        self._text = text

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the octets, at most 256 KiB at a time, or what of a header is named.

        Raises:
            MessageGone: They are there no longer.
        """
        extent = self._extent
        if self._text is not None:
            yield self._text[extent.start : extent.stop]
            return
        for at in range(extent.start, extent.stop, READ):
            yield await self._octets.read(at, min(READ, extent.stop - at))


async def find_part(
    octets: Octets, url: ImapUrl, pause: Callable[[], Awaitable[None]]
) -> Part:
    """Return the part of a message that a URL leads to.

    Args:
        octets: The message.
        url: Of which only section and partial are looked at.
        pause: Awaited now and then, where there is much to do.

    Raises:
        LeadsNowhere: There is no such part.
        MessageGone: The octets are there no longer.
    """
    section = url.section or Section()
    place = await octets.find(section)
    if place is None:
        raise LeadsNowhere
    if section.text not in FIELDS:
        return Part(octets, cut(place, url.partial), None)
    fields = await octets.select_fields(place, section, pause)
    return Part(octets, cut(range(len(fields)), url.partial), fields)


async def _octets(mailbox: SelectedMailbox, uid: int) -> Octets:
    message = next(mailbox.by_uid([range(uid, uid + 1)]), None)
    if message is None:
        raise LeadsNowhere
    (card,) = await read_cards(mailbox, [message])
    # What is small is read at once, so that nothing can go wrong with it later.
    window = range(message.size if message.size <= READ else 0)
    (seen,) = await mailbox.read([Piece(message.uid, 0, len(window))])
    octets = Octets(mailbox, message, (window, seen or b""), card)
    is_there = card is not None and seen is not None and len(seen) == len(window)
    if not is_there or not await octets.is_intact(beyond_headers=True):
        refuse_withheld(mailbox, [message.uid])
    return octets
