"""What LMTP needs from the store, and nothing more."""

from dataclasses import dataclass
from typing import Protocol

from imapbox.disk.spool import Content, Spool
from imapbox.model.names import MailboxName, UserName
from imapbox.model.numbers import Uid


@dataclass(frozen=True, slots=True)
class Recipient:
    """A forward path that leads to a mailbox of ours.

    Attributes:
        address: As the client gave it, without brackets and source route.
        user: Whose account it leads to.
        mailbox: Where the message goes: what ``+detail`` names, or INBOX.
    """

    address: str
    user: UserName
    mailbox: MailboxName


class Deliveries(Protocol):
    """Where an LMTP session hands over messages."""

    def new_spool(self) -> Spool:
        """Return an empty spool for one message's octets."""
        ...

    async def find(self, address: str) -> Recipient:
        """Say where mail for ``address`` goes.

        Raises:
            NoSuchUser: Nobody here has this address.
            MailError: It could not be found out now (answered 4xx).
        """
        ...

    async def deliver(
        self, recipient: Recipient, header: bytes, content: Content
    ) -> Uid:
        """Store ``header`` + ``content`` for one recipient, durably.

        Safe to call for several recipients at once with the same ``content``.

        Args:
            recipient: As `find` returned it.
            header: Our own header lines, CRLF at the end of each.
            content: The message as it was received, after dot-unstuffing.

        Raises:
            MailError: It was not stored.
        """
        ...
