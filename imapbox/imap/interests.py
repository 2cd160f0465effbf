"""What a client wants to be told of, as values. RFC 5465 §5, §6."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from imapbox.imap.mailbox_filters import MailboxFilter
from imapbox.mailbox.values import Listed
from imapbox.wire.imap.commands.notify import (
    COUNTS,
    NOTHING,
    SELECTED,
    Event,
    EventGroup,
)
from imapbox.wire.imap.fetch_items import FetchItem
from imapbox.wire.imap.mailbox_filters import Where


class SelectedWish(NamedTuple):
    """What a client wants to be told of the mailbox that it has selected.

    Attributes:
        counts: Whether messages that come and go are told at all.
        flags: Whether flags are, that others changed.
        between: Whether they are told while no command is in progress.
        expunges_between: Whether expunges are, too.
        atts: What is told of new messages.
    """

    counts: bool
    flags: bool
    between: bool = False
    expunges_between: bool = False
    atts: tuple[FetchItem, ...] = ()


# Who never said NOTIFY is told all, with its commands; who said NONE, nothing.
AS_EVER: Final = SelectedWish(counts=True, flags=True)
NOT_AT_ALL: Final = SelectedWish(counts=False, flags=False)


class Interests:
    """What the groups of one NOTIFY SET say together.

    A mailbox's events are those of all groups that mean it; none, if one of
    them says NONE.

    Attributes:
        selected: What is told of the selected mailbox.

    Args:
        groups: As the client gave them.
    """

    def __init__(self, groups: Sequence[EventGroup] = ()) -> None:
        self.selected = NOT_AT_ALL
        self._groups: list[tuple[MailboxFilter, Event]] = []
        for group in groups:
            if group.source.where in SELECTED:
                self.selected = _selected(group)
            else:
                self._groups.append((MailboxFilter(group.source), group.events))

    @property
    def of_names(self) -> bool:
        """Say whether any mailbox is meant by its name."""
        return bool(self._groups)

    @property
    def of_all(self) -> Event:
        """Return the events that are told of any name."""
        events = NOTHING
        for _, wanted in self._groups:
            events |= wanted
        return events

    def of(self, each: Listed) -> Event:
        """Return the events of a name that are to be told."""
        events = NOTHING
        for mailboxes, wanted in self._groups:
            if mailboxes.means(each):
                if not wanted:
                    return NOTHING
                events |= wanted
        return events


def _selected(group: EventGroup) -> SelectedWish:
    if COUNTS not in group.events:
        return NOT_AT_ALL
    return SelectedWish(
        counts=True,
        flags=Event.FLAG_CHANGE in group.events,
        between=True,
        expunges_between=group.source.where is Where.SELECTED,
        atts=group.atts,
    )
