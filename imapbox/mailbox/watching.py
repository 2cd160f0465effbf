"""One session's ear on an account and on some of its mailboxes."""

from collections.abc import Callable, Mapping
from functools import partial

from imapbox.mailbox.account_interface import Hints
from imapbox.model.names import UserName
from imapbox.store.head_watches import HeadWatches
from imapbox.store.layout import account_directory, mailbox_directory

Stop = Callable[[], None]


class Watching:
    """See `account_interface.AccountWatch`.

    Args:
        heads: Those of the process.
        user: Whose session it is.
        wake: Called when there is a first hint.
        owners: Whose mailboxes are, by id, that are not the user's own.
        closed: Called when it listens to nothing any more.
    """

    def __init__(
        self,
        heads: HeadWatches,
        user: UserName,
        wake: Callable[[], None],
        owners: Mapping[bytes, UserName],
        closed: "Callable[[Watching], None]",
    ) -> None:
        self._closed = closed
        self._heads = heads
        self._user = user
        self._owners = owners
        self._wake = wake
        self._tree = False
        self._mailboxes: set[bytes] = set()
        self._stops: dict[bytes, Stop] = {}
        self._stop_trees: dict[UserName, Stop] = {}

    def listen_to_tree(self, user: UserName) -> bool:
        """Listen to somebody's tree, if not yet; say whether that can be."""
        if user not in self._stop_trees:
            stop = self._heads.listen(account_directory(user), self._tree_written)
            if stop is None:
                return False
            self._stop_trees[user] = stop
        return True

    @property
    def has_hints(self) -> bool:
        """Say whether there is anything to be taken."""
        return self._tree or bool(self._mailboxes)

    def take(self) -> Hints:
        """Return the hints that there are, each once."""
        hints = Hints(self._tree, frozenset(self._mailboxes))
        self._tree = False
        self._mailboxes.clear()
        return hints

    def follow(self, mailbox_id: bytes) -> bool:
        """Listen to a mailbox, too; say whether that can be."""
        if mailbox_id not in self._stops:
            owner = self._owners.get(mailbox_id, self._user)
            directory = mailbox_directory(owner, mailbox_id)
            stop = self._heads.listen(directory, partial(self._written, mailbox_id))
            if stop is None:
                return False
            self._stops[mailbox_id] = stop
        return True

    def leave(self, mailbox_id: bytes) -> None:
        """Listen to a mailbox no more."""
        stop = self._stops.pop(mailbox_id, None)
        if stop is not None:
            stop()
        self._mailboxes.discard(mailbox_id)

    def close(self) -> None:
        """Give everything back."""
        for mailbox_id in tuple(self._stops):
            self.leave(mailbox_id)
        for stop in self._stop_trees.values():
            stop()
        self._stop_trees.clear()
        self._closed(self)

    def _tree_written(self) -> None:
        had_hints = self.has_hints
        self._tree = True
        if not had_hints:
            self._wake()

    def _written(self, mailbox_id: bytes) -> None:
        had_hints = self.has_hints
        self._mailboxes.add(mailbox_id)
        if not had_hints:
            self._wake()
