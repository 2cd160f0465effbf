"""Who answers whom: the first steps of the REFERENCES algorithm.

RFC 5256 §3, THREAD, REFERENCES, steps 1 to 3. An id is a node, whether or not a
message with it was found. Nodes are numbers, and what is known of them lies in
arrays; nothing is done recursively, and no chain of nodes is walked twice,
however deep they are.

A message's own References decide what is its parent, and those of others only
where it has none (step 1.B). So what others say of a message that is still to
come is not even looked at. Whether a link would make a loop is answered by sets
of nodes that hang together: of these, a node without a parent is the root.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from imapbox.mime.message_ids import MOST_REFERENCES

ROOT: Final = -1
_NONE: Final = -1
# So many references of all messages are kept, or twenty of each; and so many ids
# of messages that were not found.
_MOST_OF_ALL: Final = 2_000_000
_FEWEST: Final = 20
_MOST_UNKNOWN: Final = 500_000
_AT_A_TIME: Final = 256


class References:
    """What messages refer to.

    Args:
        count: How many messages there are.
    """

    def __init__(self, count: int) -> None:
        most = max(_FEWEST, _MOST_OF_ALL // max(1, count))
        self._most = min(MOST_REFERENCES, most)
        self._unknown = _MOST_UNKNOWN
        self._nodes: dict[int, int] = {}
        # Of messages, by their numbers.
        self._own = array("i")
        self._references = array("i")
        self._ends = array("i")
        # Of nodes: the message, the parent, another node of the same set.
        self._message = array("i")
        self._parent = array("i")
        self._set = array("i")

    def add(self, own_id: int | None, references: Sequence[int]) -> None:
        """Take the next message.

        Args:
            own_id: None if it has none.
            references: The ids of its ancestors, its parent's last.
        """
        node = None if own_id is None else self._nodes.get(own_id)
        if node is None:
            node = self._new_node(own_id)
        elif self._message[node] == _NONE:
            self._unknown += 1
        else:
            node = self._new_node(None)  # the first one with this id has it
        self._message[node] = len(self._own)
        self._own.append(node)
        for each in references[-self._most :]:
            known = self._nodes.get(each)
            if known is None and self._unknown > 0:
                self._unknown -= 1
                known = self._new_node(each)
            if known is not None:
                self._references.append(known)
        self._ends.append(len(self._references))

    def link(self) -> Iterator[None]:
        """Find out what is whose parent, in small pieces of work. Step 1."""
        start = 0
        for number, end in enumerate(self._ends):
            named = self._references[start:end]
            start = end
            for above, below in pairwise(named):
                if self._message[below] < number:
                    self._link(below, above)
            if named:
                self._link(self._own[number], named[-1])
            if not number % _AT_A_TIME:
                yield

    def above(self, number: int) -> int:
        """Return above what a message is, once all are linked. Steps 2 and 3.

        Returns:
            The number of the message above it, or ROOT; or, of those who have only
            an ancestor in common that was not found, a number below ROOT.
        """
        node = self._parent[self._own[number]]
        if node == _NONE:
            return ROOT
        passed = []
        while self._message[node] == _NONE and self._parent[node] != _NONE:
            passed.append(node)
            node = self._parent[node]
        for each in passed:
            self._parent[each] = node
        message = self._message[node]
        return ROOT - 1 - node if message == _NONE else message

    def _new_node(self, own_id: int | None) -> int:
        node = len(self._message)
        if own_id is not None:
            self._nodes[own_id] = node
        self._message.append(_NONE)
        self._parent.append(_NONE)
        self._set.append(node)
        return node

    def _link(self, below: int, above: int) -> None:
        if self._parent[below] != _NONE:
            return
        upper, lower = self._set_of(above), self._set_of(below)
        if upper != lower:
            self._parent[below] = above
            self._set[lower] = upper

    def _set_of(self, node: int) -> int:
        sets = self._set
        while sets[node] != node:
            sets[node] = node = sets[sets[node]]
        return node
