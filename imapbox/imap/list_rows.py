"""Which names a LIST shows, and what it says of each. RFC 5258 §3."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from imapbox.mailbox.tree import Names
from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName, is_below
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

    Each is looked at once, and none is kept but those above the one that is looked
    at. So a name that is shown only for what is below it may come behind that.

    Args:
        command: The LIST.
        names: All names that there are.
        no_mailbox: What is to be said of one that is no mailbox.

    Raises:
        MailboxNameRefused: Its reference or a pattern is not modified UTF-7.
    """

    def __init__(self, command: List, names: Names, no_mailbox: Attribute) -> None:
        self._command = command
        self._no_mailbox = no_mailbox
        self._names = names
        self._matches = command.matcher().matches
        self._is_level = command.level_matcher().matches

    def rows(self) -> Iterator[Row | None]:
        """Yield what is shown, and None whenever a name was looked at.

        Who asks may pause after any of them.
        """
        if Selecting.RECURSIVEMATCH in self._command.selecting:
            yield from self._recursive_rows()
            return
        for each in self._names.walk():
            if each is None or not (self._selects(each) and self._matches(each.name)):
                yield None
            else:
                yield self._row(each, is_selected=True)

    def _recursive_rows(self) -> Iterator[Row | None]:
        # Those that match, above the name that is looked at, and of which is not
        # told yet: what is below may still have a say.
        above: list[_Waiting] = []
        for each in self._names.walk():
            yield None
            if each is None:
                continue
            while above and not is_below(each.name, above[-1].listed.name):
                yield from self._word(above.pop())
            is_selected, matches = self._selects(each), self._matches(each.name)
            if is_selected:
                for waiting in above:
                    waiting.has_selected_below = True
                    # RFC 5258 §3.5: who is shown for those below is so if they aren't.
                    waiting.is_shown |= not matches
                    yield from self._word(waiting)
            if matches:
                above.append(_Waiting(each, is_selected, is_shown=is_selected))
        while above:
            yield from self._word(above.pop())

    def _word(self, waiting: "_Waiting") -> Iterator[Row]:
        if waiting.is_shown and not waiting.is_told:
            waiting.is_told = True
            yield self._row(
                waiting.listed,
                is_selected=waiting.is_selected,
                has_selected_below=waiting.has_selected_below,
            )

    def _row(
        self, each: Listed, *, is_selected: bool, has_selected_below: bool = False
    ) -> Row:
        return Row(
            each.name,
            self._attributes(each),
            has_selected_below,
            is_selected and each.exists,
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


@dataclass(slots=True)
class _Waiting:
    """A name above the one that is looked at.

    Attributes:
        listed: It.
        is_selected: Whether it is selected itself.
        is_shown: Whether it is shown, for itself or for what is below it.
        has_selected_below: Whether something below it is selected.
        is_told: Whether it was shown.
    """

    listed: Listed
    is_selected: bool
    is_shown: bool
    has_selected_below: bool = False
    is_told: bool = False


def attributes_of(each: Listed) -> list[Attribute]:
    """Return what is said of any name. RFC 3348 §3, RFC 6154 §2."""
    children = (Attribute.HASNOCHILDREN, Attribute.HASCHILDREN)[each.has_children]
    uses = (each.special_use or "").split()
    return [children, *(_SPECIAL_USE[use] for use in uses if use in _SPECIAL_USE)]
