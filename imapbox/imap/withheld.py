"""Messages that were not told, and what is said of that."""

from collections.abc import Sequence

from twisted.logger import Logger

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.model.errors import MessageDamaged, MessageGone
from imapbox.model.numbers import Uid

_log = Logger()


def refuse_withheld(mailbox: SelectedMailbox, uids: Sequence[Uid]) -> None:
    """End a command some of whose messages could not be read, if there are any.

    Args:
        mailbox: Where they are, or were.
        uids: Theirs, ascending.

    Raises:
        MessageDamaged: Some are still there, so their octets are not what was
            stored. The log says which, for RFC 5530's CORRUPTION does not.
        MessageGone: All were expunged.
    """
    if not uids:
        return
    if len(damaged := mailbox.remaining(uids)):
        _log.error(
            "octets are not what was stored: UIDs {uids} of {name}",
            uids=damaged.tolist(),
            name=mailbox.name,
        )
        raise MessageDamaged
    raise MessageGone
