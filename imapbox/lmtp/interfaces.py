"""What LMTP needs from the store, and nothing more."""

from typing import Protocol

from imapbox.disk.spool import Content, Spool
from imapbox.model.numbers import Uid
from imapbox.store.recipients import Recipient

__all__ = ["Deliveries", "Recipient"]


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
