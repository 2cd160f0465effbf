"""What LMTP needs from the store, and nothing more."""

from collections.abc import Sequence
from typing import Protocol

from imapbox.disk.spool import Content, Spool
from imapbox.store.deliveries import Delivered, Doubt
from imapbox.store.delivery_key import Identity
from imapbox.store.recipients import Recipient

__all__ = ["Delivered", "Deliveries", "Doubt", "Identity", "Recipient"]


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
        self,
        recipient: Recipient,
        header: bytes,
        content: Content,
        identity: Identity | None = None,
    ) -> Delivered:
        """Store ``header`` + ``content`` for one recipient, durably.

        Safe to call for several recipients at once with the same ``content``.

        Args:
            recipient: As `find` returned it.
            header: Our own header lines, CRLF at the end of each.
            content: The message as it was received, after dot-unstuffing.
            identity: What its client says of it, each time that it sends it.

        Raises:
            MailError: It was not stored.
        """
        ...

    async def settle(self, doubts: Sequence[Doubt]) -> None:
        """Take note that the client has read that these are delivered."""
        ...
