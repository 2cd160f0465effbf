"""What has names, kept in the order in which it is listed."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from imapbox.model.names import MailboxName, tree_order

T = TypeVar("T")


class NameOrder(Generic[T]):
    """Things in the order of their names; several may have the same one.

    A change costs a few comparisons, and not a sorting: tens of thousands of names
    are not sorted while others wait.

    Args:
        name_of: Returns a thing's name, always the same.
        things: In any order.
    """

    def __init__(
        self, name_of: Callable[[T], MailboxName], things: Iterable[T] = ()
    ) -> None:
        self._name_of = name_of
        self._things = sorted(things, key=self._place)
        self._told: tuple[T, ...] | None = None

    def copy(self) -> "NameOrder[T]":
        """Return one that can go its own way."""
        other = NameOrder(self._name_of)
        other._things, other._told = self._things.copy(), self._told
        return other

    def all(self, within: MailboxName | None = None) -> tuple[T, ...]:
        """Return all, as they are now: the same tuple until there is a change.

        Args:
            within: Only those of this name, and below it.
        """
        if within is not None:
            place = tree_order(within)
            ends = (place, place + "\1")  # behind what continues with "\0"
            start, end = (
                bisect_left(self._things, each, key=self._place) for each in ends
            )
            return tuple(self._things[start:end])
        if self._told is None:
            self._told = tuple(self._things)
        return self._told

    def add(self, thing: T) -> None:
        """Take one in."""
        self._told = None
        index = bisect_left(self._things, self._place(thing), key=self._place)
        self._things.insert(index, thing)

    def remove(self, thing: T) -> None:
        """Take one out, if it is there."""
        place = self._place(thing)
        index = bisect_left(self._things, place, key=self._place)
        while index < len(self._things) and self._place(self._things[index]) == place:
            if self._things[index] == thing:
                self._told = None
                del self._things[index]
                return
            index += 1

    def _place(self, thing: T) -> str:
        return tree_order(self._name_of(thing))
