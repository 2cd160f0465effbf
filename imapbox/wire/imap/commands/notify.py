"""NOTIFY. RFC 5465 §3.1.

RFC 5465 §8; filter-mailboxes is in `mailbox_filters`::

    notify        = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")
    event-groups  = event-group *(SP event-group)
    event-group   = "(" filter-mailboxes SP events ")"
    events        = ( "(" event *(SP event) ")" ) / "NONE"
    event         = message-event / mailbox-event / user-event / event-ext
    message-event = ( "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")" ] ) /
                    "MessageExpunge" / "FlagChange" / "AnnotationChange"
    mailbox-event = "MailboxName" / "SubscriptionChange" /
                    "MailboxMetadataChange"
    user-event    = "ServerMetadataChange"
    event-ext     = atom
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag
from typing import ClassVar, Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.fetch_items import FetchItem, read_fetch_item
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.mailbox_filters import Source, Where, read_source
from imapbox.wire.imap.return_options import MAX_ATTS
from imapbox.wire.imap.tags import Tag

MAX_GROUPS: Final = 100
MAX_NAMED: Final = 1000

_STATUS = re.compile(rb" status(?= \()", re.IGNORECASE)


class Event(Flag):
    """What a client can be told of, as far as we can tell it. RFC 5465 §5."""

    MESSAGE_NEW = 1
    MESSAGE_EXPUNGE = 2
    FLAG_CHANGE = 4
    MAILBOX_NAME = 8
    SUBSCRIPTION_CHANGE = 16
    MAILBOX_METADATA_CHANGE = 32
    SERVER_METADATA_CHANGE = 64


EVENT_NAMES: Final = {
    Event.MESSAGE_NEW: b"MessageNew",
    Event.MESSAGE_EXPUNGE: b"MessageExpunge",
    Event.FLAG_CHANGE: b"FlagChange",
    Event.MAILBOX_NAME: b"MailboxName",
    Event.SUBSCRIPTION_CHANGE: b"SubscriptionChange",
    Event.MAILBOX_METADATA_CHANGE: b"MailboxMetadataChange",
    Event.SERVER_METADATA_CHANGE: b"ServerMetadataChange",
}
NOTHING: Final = Event(0)
COUNTS: Final = Event.MESSAGE_NEW | Event.MESSAGE_EXPUNGE
MESSAGES: Final = COUNTS | Event.FLAG_CHANGE
METADATA: Final = Event.MAILBOX_METADATA_CHANGE | Event.SERVER_METADATA_CHANGE
_EVENTS: Final = {name.upper(): event for event, name in EVENT_NAMES.items()}
# Of these there may be one: RFC 5465 §6.1.
SELECTED: Final = frozenset({Where.SELECTED, Where.SELECTED_DELAYED})


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Of which mailboxes a client wants to be told what.

    Attributes:
        source: Which mailboxes.
        events: What.
        atts: What of new messages in the selected mailbox.
        knows_all: Whether all events that were named are ones that we can tell.
    """

    source: Source
    events: Event
    atts: tuple[FetchItem, ...] = ()
    knows_all: bool = True


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """Tell me, whenever it happens, of these events and of no others.

    Attributes:
        groups: None for NONE.
        status: Whether the mailboxes are to be counted at once.
    """

    name: ClassVar[str] = "NOTIFY"
    groups: tuple[EventGroup, ...] | None
    status: bool = False


def read_notify(lexer: Lexer, tag: Tag) -> Notify:
    """Take what is behind NOTIFY.

    Raises:
        BadSyntax: Events don't go together, or with the mailboxes: RFC 5465 §5,
            §6.1, §8. Or there is too much of it.
    """
    lexer.space()
    word = lexer.name("SET or NONE")
    if word == b"NONE":
        return Notify(tag, None)
    if word != b"SET":
        raise BadSyntax("SET or NONE", word)
    status = lexer.at(_STATUS)
    if status:
        lexer.match(_STATUS, "status-indicator")
    groups: list[EventGroup] = []
    while not groups or lexer.next_is(b" "):
        lexer.space()
        groups.append(_group(lexer))
        if len(groups) > MAX_GROUPS:
            raise BadSyntax("number of event-groups")
    _check(groups)
    return Notify(tag, tuple(groups), status)


def _group(lexer: Lexer) -> EventGroup:
    lexer.expect(b"(")
    source = read_source(lexer)
    lexer.space()
    if lexer.next_is(b"("):
        group = _with_events(source, lexer.listed(lambda: _event(lexer)))
    elif lexer.name("events") == b"NONE":
        group = EventGroup(source, NOTHING)
    else:
        raise BadSyntax("events")
    lexer.expect(b")")
    return group


def _event(lexer: Lexer) -> tuple[Event, list[FetchItem] | None]:
    """Take one event and, behind a new message's, what is wanted of it."""
    event = _EVENTS.get(lexer.name("event"), NOTHING)
    if event is not Event.MESSAGE_NEW or not lexer.next_is(b" ("):
        return event, None
    lexer.space()
    return event, lexer.listed(lambda: read_fetch_item(lexer))


def _with_events(
    source: Source, named: Sequence[tuple[Event, list[FetchItem] | None]]
) -> EventGroup:
    events = NOTHING
    for event, _ in named:
        events |= event
    atts = [att for _, some in named for att in some or ()]
    if len(atts) > MAX_ATTS:
        raise BadSyntax("number of fetch-atts")
    is_selected = source.where in SELECTED
    if not is_selected and any(some is not None for _, some in named):
        raise BadSyntax("fetch-atts of the selected mailbox only")
    knows_all = all(event for event, _ in named)
    if is_selected and events & ~MESSAGES:
        raise BadSyntax("message-event")
    if knows_all and events & MESSAGES and events & COUNTS != COUNTS:
        raise BadSyntax("MessageNew and MessageExpunge")
    return EventGroup(source, events, tuple(dict.fromkeys(atts)), knows_all)


def _check(groups: Sequence[EventGroup]) -> None:
    if sum(group.source.where in SELECTED for group in groups) > 1:
        raise BadSyntax("one selected mailbox")
    if sum(len(group.source.mailboxes) for group in groups) > MAX_NAMED:
        raise BadSyntax("number of mailboxes")
