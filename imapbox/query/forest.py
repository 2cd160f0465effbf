"""Threads of messages, and how they are told.

RFC 5256 §5::

    thread-list    = "(" (thread-members / thread-nested) ")"
    thread-members = nz-number *(SP nz-number) [SP thread-nested]
    thread-nested  = 2*thread-list
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from imapbox.query.references import ROOT

# Clients read threads by recursion. What is nested deeper is told in one line,
# as if each answered the one before; in threads of people nothing is.
_DEEPEST: Final = 100

_NONE: Final = -1
_CLOSE: Final = -2
_AT_A_TIME: Final = 2048


class Forest:
    """Messages below one another, siblings in the order in which they come.

    Args:
        nodes: How many there are: messages, and dummies behind them.
    """

    def __init__(self, nodes: int) -> None:
        # The last one of each is the root's.
        self._first = array("i", [_NONE]) * (nodes + 1)
        self._last = array("i", [_NONE]) * (nodes + 1)
        self._next = array("i", [_NONE]) * (nodes + 1)

    def put(self, node: int, above: int) -> None:
        """Put a node behind those that are below ``above`` already."""
        last = self._last[above]
        if last == _NONE:
            self._first[above] = node
        else:
            self._next[last] = node
        self._last[above] = node

    def told(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """Yield the threads as THREAD tells them, piece by piece.

        Args:
            numbers: By which messages are told, by node. Other nodes are dummies.
        """
        tokens = self._tokens(numbers)
        while some := list(islice(tokens, _AT_A_TIME)):
            yield b"".join(some)

    def _tokens(self, numbers: Sequence[int]) -> Iterator[bytes]:
        todo = [self._first[ROOT]]
        depth = 0
        while todo:
            node = todo.pop()
            if node == _CLOSE:
                depth -= 1
                yield b")"
            if node < 0:
                continue
            todo.append(self._next[node])
            is_dummy = node >= len(numbers)
            yield b"(" if is_dummy else b"(%d" % numbers[node]
            below = self._first[node]
            while below != _NONE and self._next[below] == _NONE:
                yield b" %d" % numbers[below]
                below = self._first[below]
            if below != _NONE and depth < _DEEPEST:
                depth += 1
                todo += (_CLOSE, below)
                # Those below a dummy stand behind its parenthesis.
                yield b"" if is_dummy else b" "
                continue
            for each in self._line(below):
                yield b" %d" % numbers[each]
            yield b")"

    def _line(self, node: int) -> Iterator[int]:
        """Yield a node, all that is below it, and its siblings with theirs."""
        todo = [node]
        while todo:
            node = todo.pop()
            if node != _NONE:
                yield node
                todo += (self._next[node], self._first[node])
