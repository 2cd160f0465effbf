"""The delivery keys that a process remembers, of the mailboxes it delivers to."""

from collections import OrderedDict
from typing import Final
from weakref import WeakValueDictionary

from imapbox.index.delivery_keys import DeliveryKeys

# Octets, for all mailboxes together; 40 a key, so more than a million keys.
_LIMIT: Final = 64 * 1024 * 1024
# What a mailbox costs without its keys.
_EACH: Final = 2048


class DeliveryMemory:
    """Remembers those of the mailboxes that were used last.

    What is forgotten is read again from the log, with the next delivery.

    Args:
        limit: How many octets it may take, about.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._last: OrderedDict[str, tuple[DeliveryKeys, int]] = OrderedDict()
        # Deliveries that wait hold theirs, and those that come find the same one:
        # two of one batch would not know of each other.
        self._held: WeakValueDictionary[str, DeliveryKeys] = WeakValueDictionary()
        self._octets = 0

    def __len__(self) -> int:
        return len(self._last)

    def of(self, directory: str) -> DeliveryKeys:
        """Return what is remembered of a mailbox."""
        if directory in self._last:
            keys, counted = self._last.pop(directory)
        else:
            keys, counted = self._held.get(directory) or DeliveryKeys(), 0
            self._held[directory] = keys
        octets = _EACH + keys.octets
        self._last[directory] = keys, octets
        self._octets += octets - counted
        while self._octets > self._limit and len(self._last) > 1:
            _, (_, counted) = self._last.popitem(last=False)
            self._octets -= counted
        return keys
