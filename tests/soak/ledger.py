"""What four processes answered, and what may therefore be there."""

from collections import Counter
from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple, TypeAlias


class Key(NamedTuple):
    """A message, as no other ever is called."""

    user: str
    uidvalidity: int
    uid: int


Marked: TypeAlias = tuple[str, str]  # user, mark


class Ledger:
    """How often each message must and may be there, whoever was killed.

    A message is known by its mark, which its copies have, too. It is there as
    often as it was added, at least as often as that was answered, less as often
    as it was removed. All threads write to one ledger.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._tried: Counter[Marked] = Counter()
        self._added: Counter[Marked] = Counter()
        self._marks: dict[Key, str] = {}
        self._doomed: set[Key] = set()
        self._gone: set[Key] = set()

    @property
    def added(self) -> int:
        """Return how many additions were answered."""
        return self._added.total()

    @property
    def gone(self) -> int:
        """Return how many messages were removed, and that was answered."""
        return len(self._gone)

    def tries(self, user: str, mark: str) -> None:
        """A message may be added from now on, once more."""
        with self._lock:
            self._tried[user, mark] += 1

    def tried_in_vain(self, user: str, mark: str) -> None:
        """It was answered that it was not."""
        with self._lock:
            self._tried[user, mark] -= 1

    def has(self, user: str, mark: str, key: Key | None = None) -> None:
        """It was answered that it was; perhaps as what."""
        with self._lock:
            self._added[user, mark] += 1
            if key is not None:
                self._name(key, mark)

    def has_copy(self, mark: str, of: Key, key: Key) -> None:
        """It was answered that one was copied. Its flags are, \\Deleted, too."""
        self.has(key.user, mark, key)
        with self._lock:
            if of in self._doomed:
                self._doomed.add(key)

    def found(self, user: str, uidvalidity: int, marks: dict[int, str]) -> None:
        """Somebody was told of these messages."""
        with self._lock:
            for uid, mark in marks.items():
                self._name(Key(user, uidvalidity, uid), mark)

    def dooms(self, keys: Iterable[Key]) -> None:
        """These messages may be gone from now on."""
        with self._lock:
            self._doomed.update(keys)

    def removed(self, keys: Iterable[Key]) -> None:
        """It was answered that they are."""
        with self._lock:
            keys = list(keys)
            self._doomed.update(keys)
            self._gone.update(keys)

    def keys_in(self, user: str, uidvalidity: int) -> list[Key]:
        """Return all messages of one mailbox that anybody knew."""
        with self._lock:
            return [key for key in self._marks if key[:2] == (user, uidvalidity)]

    def compare(self, there: dict[Key, str]) -> None:
        """Hold what is there, all of it, against what was answered."""
        assert not self._gone & there.keys(), "a removed message is back"
        for key, mark in there.items():
            assert self._marks.get(key, mark) == mark, "a UID has another message"
        count = Counter((key.user, mark) for key, mark in there.items())
        doomed, gone = (
            Counter((key.user, self._marks[key]) for key in keys)
            for keys in (self._doomed, self._gone)
        )
        for marked in self._tried.keys() | count.keys():
            least = self._added[marked] - doomed[marked]
            most = self._tried[marked] - gone[marked]
            assert count[marked] >= least, f"{marked}: an answered message is lost"
            assert count[marked] <= most, f"{marked}: a message is there twice"

    def _name(self, key: Key, mark: str) -> None:
        assert self._marks.setdefault(key, mark) == mark, f"{key} is used again"
