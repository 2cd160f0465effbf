"""What a session listens to for its client: NOTIFY. RFC 5465.

Nothing is queued: a hint says where to look, and what was told before is compared
with what is then. So a client that does not read, or a mailbox in which very much
happens, costs no more than another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imapbox.imap.interests import AS_EVER, NOT_AT_ALL, Interests, SelectedWish
from imapbox.imap.known_access import KnownAccess
from imapbox.imap.known_annotations import KnownAnnotations
from imapbox.imap.known_counts import NEW, KnownCounts, known_of_selected
from imapbox.imap.known_tree import KnownTree
from imapbox.mailbox.account_interface import AccountWatch
from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.model.names import MailboxName
from imapbox.wire.imap.commands.notify import Event

# By one session.
MOST_FOLLOWED: Final = 1000
# What could not be found out is looked at again.
AGAIN_SECONDS: Final = 10.0


@dataclass(slots=True)
class Followed:
    """A mailbox of whose messages a client wants to be told.

    Attributes:
        name: Its name now.
        events: Of what.
        known: What it was told.
    """

    name: MailboxName
    events: Event
    known: KnownCounts = NEW


class ToTell(NamedTuple):
    """Where to look.

    Attributes:
        selected: Whether at the selected mailbox.
        tree: Whether at the names.
        mailboxes: At which others.
    """

    selected: bool
    tree: bool
    mailboxes: frozenset[bytes]


@dataclass(slots=True)
class Notifying:
    """All of it. Without a watch it listens to nothing.

    Attributes:
        interests: What the client wants of mailboxes by their names.
        selected: What it wants of the one that it has selected.
        tree: What it knows of the names.
        annotations: And of annotations.
        access: And of whether it may know of messages.
        followed: The mailboxes that are listened to, by id.
        watch: What listens.
    """

    interests: Interests = field(default_factory=Interests)
    selected: SelectedWish = AS_EVER
    tree: KnownTree = field(default_factory=KnownTree)
    annotations: KnownAnnotations = field(default_factory=KnownAnnotations)
    access: KnownAccess = field(default_factory=lambda: KnownAccess(MOST_FOLLOWED))
    followed: dict[bytes, Followed] = field(default_factory=dict)
    watch: AccountWatch | None = None
    _selected_id: bytes | None = None
    _hears_selected: bool = False
    _look: bool = False
    _due: set[bytes] = field(default_factory=set)
    _later: set[bytes] = field(default_factory=set)
    _tree_later: bool = False
    _again: IDelayedCall | None = None
    _is_again: bool = False

    @property
    def listens(self) -> bool:
        """Say whether the client said what it wants to be told, and when."""
        return self.watch is not None

    @property
    def hears_selected(self) -> bool:
        """Say whether it learns of what happens in the selected mailbox."""
        return self.watch is not None and self._hears_selected

    @property
    def has_hints(self) -> bool:
        """Say whether there may be something to tell."""
        watch = self.watch
        if watch is None:
            return False
        return self._look or bool(self._due) or self._is_again or watch.has_hints

    def look_again(self) -> None:
        """Look at the selected mailbox before the client is waited for.

        It may be another one by now, or an EXPUNGE had to wait.
        """
        self._look = self._selected_id is not None and self.selected.between

    def take(self) -> ToTell:
        """Return where to look, and look there no more."""
        look, self._look, self._is_again = self._look, False, False
        if self.watch is None:
            return ToTell(look, tree=False, mailboxes=frozenset())
        hints = self.watch.take()
        mailboxes = hints.mailboxes | self._due | self._later
        tree = (hints.tree or self._tree_later) and self.interests.of_names
        self._due.clear()
        self._later.clear()
        self._tree_later = False
        selected = frozenset((self._selected_id or b"",))
        return ToTell(look or bool(mailboxes & selected), tree, mailboxes - selected)

    def put_back(
        self, to_tell: ToTell, clock: IReactorTime, wake: Callable[[], None]
    ) -> None:
        """Look there again when something else is looked at, or in a while."""
        if to_tell.selected and self._selected_id is not None:
            self._later.add(self._selected_id)
        self._later |= to_tell.mailboxes
        self._tree_later |= to_tell.tree
        if self._again is None and self.watch is not None:
            self._again = clock.callLater(AGAIN_SECONDS, self._look_once_more, wake)

    def _look_once_more(self, wake: Callable[[], None]) -> None:
        self._again = None
        self._is_again = True
        wake()

    def follow(self, wanted: Iterable[tuple[bytes, MailboxName, Event]]) -> bool:
        """Listen to some mailboxes, too; say whether that can be."""
        for mailbox_id, name, events in wanted:
            followed = self.followed.get(mailbox_id)
            if followed is not None:
                followed.name, followed.events = name, events
                continue
            if self.watch is None or not self.watch.follow(mailbox_id):
                return False
            self.followed[mailbox_id] = Followed(name, events)
            self._due.add(mailbox_id)
        return True

    def is_known(self, mailbox_id: bytes, known: KnownCounts) -> None:
        """Note what the client knows of a mailbox."""
        self.followed[mailbox_id].known = known
        self._due.discard(mailbox_id)

    def leave(self, mailbox_ids: Iterable[bytes]) -> None:
        """Listen to mailboxes no more."""
        for mailbox_id in mailbox_ids:
            self.followed.pop(mailbox_id, None)
            if self.watch is not None and mailbox_id != self._selected_id:
                self.watch.leave(mailbox_id)

    def selects(self, mailbox: SelectedMailbox) -> None:
        """Note that a mailbox is selected."""
        self._selected_id = mailbox.mailbox_id
        self._hears_selected = False
        if self.watch is not None and self.selected.between:
            # Where that can't be, it is told with commands, IDLE among them.
            self._hears_selected = self.watch.follow(mailbox.mailbox_id)

    def unselects(self, mailbox: SelectedMailbox) -> None:
        """Note that it is no more: from now on its name counts."""
        self._selected_id = None
        followed = self.followed.get(mailbox.mailbox_id)
        if followed is not None:
            followed.known = known_of_selected(mailbox)
            self._due.add(mailbox.mailbox_id)
        elif self.watch is not None:
            self.watch.leave(mailbox.mailbox_id)

    def brought(self, name: MailboxName, uids: Sequence[int]) -> None:
        """Note that the client brought messages into a mailbox: no need to tell."""
        for followed in self.followed.values():
            if followed.name == name:
                followed.known = followed.known.after(uids)

    def noted(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Note that the client changed annotations, None: the account's own."""
        mailbox_id = None if name is None else self.tree.id_of(name)
        if name is None or mailbox_id is not None:
            self.annotations.noted(mailbox_id, values)

    def close(self) -> None:
        """Give everything back."""
        again, self._again = self._again, None
        if again is not None:
            again.cancel()
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.close()


def silent() -> Notifying:
    """Return what listens to nothing, and tells nothing: NOTIFY NONE."""
    return Notifying(selected=NOT_AT_ALL)
