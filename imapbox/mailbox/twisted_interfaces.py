"""What our accounts and mailboxes offer beyond the interfaces of twisted.mail.

A server that knows of them, as `imapbox.compat.IMAP4Server` does, keeps what
the stock one can't. Twisted's names, since Twisted's objects have them.
"""

from twisted.internet.defer import Deferred
from zope.interface import Interface


class IDeferringAccount(Interface):
    """An account that can answer later where the stock server can't wait."""

    def answerWithDeferreds() -> None:
        """Let create, delete, rename, subscribe and unsubscribe return Deferreds.

        Until this is called they keep the reactor waiting instead.
        """

    def listSubscribed(
        ref: str,  # noqa: N805 - zope's way
        wildcard: str,
    ) -> Deferred[list[tuple[str, object]]]:
        """Return subscribed names that match, whether or not they exist: LSUB.

        The stock server asks listMailboxes for them, which can't know that.
        """


class ISyncedMailbox(Interface):
    """A mailbox that can be asked what is new."""

    def sync() -> Deferred[list[int]]:
        """Learn everything that was acknowledged before this call, anywhere.

        Listeners are told of new messages and changed flags; expunges are for
        the caller to tell.

        Returns:
            Fires with the sequence numbers that are gone, in the order in
            which they are to be told; afterwards they count as told. Fails
            with MailboxException.
        """

    def getFirstUnseen() -> int | None:
        r"""Return the number of the first message without ``\\Seen``."""

    def getPermanentFlags() -> list[str]:
        r"""Return the flags that a client can change; ``\\*``: new keywords, too."""


class IMessageLoader(Interface):
    """A message whose octets can be read beforehand, beside the reactor."""

    def load() -> Deferred[None]:
        """Read the whole message, and keep it while this object lives.

        Until then each question for its octets keeps the reactor waiting.
        Fails with MailboxException if it is gone.
        """


class IStructuredMessage(Interface):
    """A message that can word its structure itself, as IMAP sends it."""

    def getEnvelope() -> bytes:
        """Return ENVELOPE: RFC 3501 §7.4.2."""

    def getBody() -> bytes:
        """Return BODY, which is BODYSTRUCTURE without extension data."""

    def getBodyStructure() -> bytes:
        """Return BODYSTRUCTURE."""
