"""What is kept open although nobody uses it, so that the next use is quick."""

from collections import OrderedDict
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """One value for each key, for as long as anybody uses it.

    The values that were used last are kept although nobody uses them; the
    others go with their last user, and give back what they have.

    Args:
        limit: How many are kept that way.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._all: WeakValueDictionary[K, V] = WeakValueDictionary()
        self._last: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._all

    def get(self, key: K) -> V | None:
        """Return the value, which is now the one that was used last."""
        value = self._all.get(key)
        if value is not None:
            self._keep(key, value)
        return value

    def add(self, key: K, value: V) -> V:
        """Take in a value, which replaces any other that the key had; return it."""
        self._all[key] = value
        self._keep(key, value)
        return value

    def let_go(self, key: K) -> None:
        """Keep a value no longer than somebody uses it."""
        self._last.pop(key, None)

    def clear(self) -> list[V]:
        """Forget all values, and return them."""
        values = list(self._all.values())
        self._all.clear()
        self._last.clear()
        return values

    def _keep(self, key: K, value: V) -> None:
        self._last[key] = value
        self._last.move_to_end(key)
        if len(self._last) > self._limit:
            self._last.popitem(last=False)
