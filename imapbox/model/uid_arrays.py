"""Ascending UIDs, side by side, met with others.

numpy's own functions for sets forget that they are in order: of a million, they
take up to a second.
"""

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

N = TypeVar("N", bound=np.integer[Any])

NO_UIDS: Final = np.zeros(0, np.uint32)


def union(*arrays: NDArray[N]) -> NDArray[N]:
    """Return what is in any of these arrays, ascending, each number once.

    Args:
        arrays: At least one, in any order.
    """
    every = np.sort(np.concatenate(arrays))
    is_new = np.ones(len(every), np.bool_)
    is_new[1:] = every[1:] != every[:-1]
    return every[is_new]


def are_among(numbers: NDArray[N], others: NDArray[N]) -> NDArray[np.bool_]:
    """Say of each of some ascending numbers whether it is among the others.

    Args:
        numbers: Ascending, each once.
        others: Likewise; what it costs depends on those between the ends of
            ``numbers``.
    """
    are = np.zeros(len(numbers), np.bool_)
    if len(numbers):
        start = np.searchsorted(others, numbers[0], "left")
        stop = np.searchsorted(others, numbers[-1], "right")
        others = others[start:stop]
    if not len(others):
        return are
    if len(others) <= len(numbers):
        places = np.searchsorted(numbers, others)
        are[places[numbers[places] == others]] = True
    else:
        places = np.searchsorted(others, numbers).clip(max=len(others) - 1)
        are = others[places] == numbers
    return are


def without(numbers: NDArray[N], others: NDArray[N]) -> NDArray[N]:
    """Return those of some ascending numbers that are not among the others.

    Args:
        numbers: Ascending, each once.
        others: Likewise.
    """
    return numbers[~are_among(numbers, others)]


def few_without(numbers: NDArray[N], others: NDArray[N]) -> NDArray[N]:
    """Return what `without` does; quicker where nearly all are among the others.

    Args:
        numbers: Ascending, each once.
        others: Likewise.
    """
    both = np.concatenate([numbers, others])
    both.sort(kind="stable")  # which merges what is in order, in one pass
    is_alone = np.ones(len(both), np.bool_)
    is_pair = both[1:] == both[:-1]
    is_alone[1:] &= ~is_pair
    is_alone[:-1] &= ~is_pair
    return without(both[is_alone], others)
