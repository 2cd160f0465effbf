"""Which names a LIST shows, and what it says of each. RFC 5258 §3."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from imapbox.mailbox.interfaces import Listed
from imapbox.model.names import MailboxName, parents
from imapbox.model.rights import Rights
from imapbox.wire.imap.commands.listing import List
from imapbox.wire.imap.list_options import Selecting
from imapbox.wire.imap.responses import Attribute

_SPECIAL_USE: Final = {
    attribute.value.decode(): attribute
    for attribute in (
        Attribute.ALL,
        Attribute.ARCHIVE,
        Attribute.DRAFTS,
        Attribute.FLAGGED,
        Attribute.JUNK,
        Attribute.SENT,
        Attribute.TRASH,
    )
}


class Row(NamedTuple):
    """One name that is shown.

    Attributes:
        name: It.
        attributes: What is said of it.
        has_selected_below: Whether CHILDINFO is.
        is_counted: Whether STATUS may be: it is a mailbox, and is not shown for
            what is below it only.
        rights: What the user may do with it, if it is a mailbox.
    """

    name: MailboxName
    attributes: Sequence[Attribute]
    has_selected_below: bool
    is_counted: bool
    rights: Rights


class ListRows:
    """The names of an account as one LIST shows them.

    Args:
        command: The LIST.
        listed: All names that there are.
        no_mailbox: What is to be said of one that is no mailbox.

    Raises:
        MailboxNameRefused: Its reference or a pattern is not modified UTF-7.
    """

    def __init__(
        self, command: List, listed: Sequence[Listed], no_mailbox: Attribute
    ) -> None:
        self._command = command
        self._no_mailbox = no_mailbox
        self._listed = listed
        self._matches = command.matcher().matches
        self._is_level = command.level_matcher().matches
        self._above: set[MailboxName] = set()
        self._above_unmatched: set[MailboxName] = set()

    def rows(self) -> Iterator[Row | None]:
        """Yield what is shown, and None whenever a name was looked at.

        Who asks may pause after any of them.
        """
        if Selecting.RECURSIVEMATCH in self._command.selecting:
            yield from self._look_below()
        for each in self._listed:
            yield self._row(each)
        # Names below which there is nothing but subscriptions.
        others = self._above - {each.name for each in self._listed}
        for name in sorted(others):
            yield self._row(
                Listed(name, subscribed=False, exists=False, has_children=False)
            )

    def _look_below(self) -> Iterator[None]:
        for each in self._listed:
            if self._selects(each):
                above = parents(each.name)
                self._above.update(above)
                if not self._matches(each.name):
                    self._above_unmatched.update(above)
            yield None

    def _row(self, each: Listed) -> Row | None:
        selected = self._selects(each)
        # RFC 5258 §3.5: who is shown for those below is so if they aren't.
        if not selected and each.name not in self._above_unmatched:
            return None
        if not self._matches(each.name):
            return None
        return Row(
            each.name,
            self._attributes(each),
            each.name in self._above,
            selected and each.exists,
            each.rights,
        )

    def _selects(self, each: Listed) -> bool:
        selecting = self._command.selecting
        if Selecting.SPECIAL_USE in selecting and each.special_use is None:
            return False
        if Selecting.SUBSCRIBED in selecting:
            return each.subscribed
        return each.exists or (each.has_children and self._is_level(each.name))

    def _attributes(self, each: Listed) -> list[Attribute]:
        command = self._command
        attributes = [] if each.exists else [self._no_mailbox]
        asked = Selecting.SUBSCRIBED in command.selecting
        if each.subscribed and (asked or command.returning.subscribed):
            attributes.append(Attribute.SUBSCRIBED)
        return attributes + attributes_of(each)


def attributes_of(each: Listed) -> list[Attribute]:
    """Return what is said of any name. RFC 3348 §3, RFC 6154 §2."""
    children = (Attribute.HASNOCHILDREN, Attribute.HASCHILDREN)[each.has_children]
    uses = (each.special_use or "").split()
    return [children, *(_SPECIAL_USE[use] for use in uses if use in _SPECIAL_USE)]
