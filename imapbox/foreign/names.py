"""Names of mailboxes as an application has them, and as our clients see them.

Its delimiter is its own; ours is "/". A name that has a "/" within a level, or one
that no mailbox of ours could have, is not shown.
"""

from imapbox.model.errors import MailboxNameRefused
from imapbox.model.names import DELIMITER, MailboxName, mailbox_name
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.mailbox_names import decode_utf7


class Names:
    """Translates names.

    Args:
        delimiter: The application's, one character.
    """

    def __init__(self, delimiter: str = DELIMITER) -> None:
        self._delimiter = delimiter

    def ours(self, name: str | bytes) -> MailboxName | None:
        """Return what our clients call a mailbox; None: nothing.

        Args:
            name: Octets are modified UTF-7, as IMAP has it.
        """
        try:
            text = decode_utf7(name) if isinstance(name, bytes) else name
            levels = text.split(self._delimiter)
            if any(DELIMITER in level for level in levels):
                return None
            return mailbox_name(DELIMITER.join(levels))
        except (MailboxNameRefused, BadSyntax, UnicodeError):
            return None

    def prefix(self, name: str | bytes) -> str:
        """Return how the names in a namespace begin for our clients."""
        text = decode_utf7(name) if isinstance(name, bytes) else name
        return text.replace(self._delimiter, DELIMITER)

    def theirs(self, name: MailboxName) -> str:
        """Return what the application calls a mailbox."""
        return name.replace(DELIMITER, self._delimiter)
