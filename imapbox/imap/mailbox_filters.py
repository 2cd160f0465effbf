"""Which mailboxes of an account a client means. RFC 5465 §6, RFC 7377 §2.2."""

from collections.abc import Iterable

from imapbox.mailbox.values import Listed
from imapbox.model.errors import MailboxNameRefused
from imapbox.model.names import DELIMITER, MailboxName, parents
from imapbox.wire.imap.mailbox_filters import Source, Where
from imapbox.wire.imap.mailbox_names import MailboxArgument


class MailboxFilter:
    """Says of any mailbox but the selected one whether it is meant.

    Args:
        source: What the client said.

    Attributes:
        named: The names that it gave, of those that can be any.
    """

    def __init__(self, source: Source) -> None:
        self._where = source.where
        self.named = frozenset(_named(source.mailboxes))

    def means(self, each: Listed) -> bool:
        """Say whether a name is meant, whether or not it is a mailbox."""
        where, name = self._where, each.name
        if where is Where.SUBSCRIBED:
            return each.subscribed
        if where in {Where.PERSONAL, Where.INBOXES}:
            return each.is_personal  # RFC 5465 §6.3: mail may be delivered anywhere
        if name in self.named:
            return True
        if where is Where.SUBTREE_ONE:
            return name.rpartition(DELIMITER)[0] in self.named
        return where is Where.SUBTREE and not self.named.isdisjoint(parents(name))


def _named(arguments: Iterable[MailboxArgument]) -> Iterable[MailboxName]:
    for argument in arguments:
        try:
            yield argument.name()
        except MailboxNameRefused:
            continue  # there is none of this name
