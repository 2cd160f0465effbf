"""What a client was told of an account's names, and what it is to be told next.

RFC 5465 §5.4, §5.5.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from imapbox.mailbox.values import Listed
from imapbox.model.names import MailboxName, is_below, parents
from imapbox.wire.imap.commands.notify import NOTHING, Event


class Affected(NamedTuple):
    """A name of which something is to be told.

    Attributes:
        name: It.
        events: What happened.
        old_name: What it was called before, if it was renamed.
    """

    name: MailboxName
    events: Event
    old_name: MailboxName | None = None


class KnownTree:
    """Names and subscriptions, as the client knows them.

    Args:
        listed: As they are; nothing, where the client is told nothing of them.
    """

    def __init__(self, listed: Sequence[Listed] = ()) -> None:
        self._names = _names(listed)
        self._subscribed = _subscribed(listed)

    def id_of(self, name: MailboxName) -> bytes | None:
        """Return the id of the mailbox of this name, if one is known."""
        return next((each for each, its in self._names.items() if its == name), None)

    def created(self, name: MailboxName, mailbox_id: bytes) -> None:
        """Note that the client made a mailbox: it is not told of it."""
        if self._names:
            self._names[mailbox_id] = name

    def deleted(self, name: MailboxName) -> None:
        """Note that the client deleted one."""
        self._names = {each: its for each, its in self._names.items() if its != name}

    def renamed(self, old: MailboxName, new: MailboxName) -> None:
        """Note that the client renamed one, and those below it."""
        for mailbox_id, name in self._names.items():
            if name == old or is_below(name, old):
                self._names[mailbox_id] = MailboxName(new + name[len(old) :])

    def subscribed(self, name: MailboxName) -> None:
        """Note that the client subscribed to one."""
        if self._names:
            self._subscribed.add(name)

    def unsubscribed(self, name: MailboxName) -> None:
        """Note that the client is subscribed to one no more."""
        self._subscribed.discard(name)

    def learn(self, listed: Sequence[Listed]) -> list[Affected]:
        """Return what others did, and take it for known.

        Args:
            listed: All names, as they are.
        """
        before, now = self._names, _names(listed)
        was, subscribed = self._subscribed, _subscribed(listed)
        self._names, self._subscribed = now, subscribed
        affected: dict[MailboxName, Affected] = {}
        came_and_went = [
            *(before[mailbox_id] for mailbox_id in before.keys() - now.keys()),
            *(now[mailbox_id] for mailbox_id in now.keys() - before.keys()),
        ]
        for name in came_and_went:
            for each in _with_parent(name):
                affected[each] = Affected(each, Event.MAILBOX_NAME)
        for old, new in _renamed(before, now):
            affected[new] = Affected(new, Event.MAILBOX_NAME, old)
        for name in was ^ subscribed:
            other = affected.get(name, Affected(name, NOTHING))
            events = other.events | Event.SUBSCRIPTION_CHANGE
            affected[name] = other._replace(events=events)
        return [affected[name] for name in sorted(affected)]


def _names(listed: Sequence[Listed]) -> dict[bytes, MailboxName]:
    return {
        each.mailbox_id: each.name for each in listed if each.mailbox_id is not None
    }


def _subscribed(listed: Sequence[Listed]) -> set[MailboxName]:
    return {each.name for each in listed if each.subscribed}


def _with_parent(name: MailboxName) -> Sequence[MailboxName]:
    """Return a name that came or went, and the one right above: RFC 5465 §5.4."""
    return (name, *parents(name)[-1:])


def _renamed(
    before: Mapping[bytes, MailboxName], now: Mapping[bytes, MailboxName]
) -> Iterator[tuple[MailboxName, MailboxName]]:
    """Yield old names and new ones, without those of children that went along."""
    both = before.keys() & (entry[0] for entry in now.items() - before.items())
    renamed = {before[mailbox_id]: now[mailbox_id] for mailbox_id in both}
    for old, new in renamed.items():
        if not any(
            above in renamed and new == renamed[above] + old[len(above) :]
            for above in parents(old)
        ):
            yield old, new
