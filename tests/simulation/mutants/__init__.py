"""Mistakes that somebody might make: each is a patch, and the proof that sees it.

A file for each thing that can be done wrongly.
"""

from typing import Final

from tests.simulation.mutants import (
    commits,
    compactions,
    copies,
    deliveries,
    failures,
    fencing,
    locks,
    moves,
    naming,
    readers,
    repairing,
    restoring,
    undoing,
)

MUTANTS: Final = [
    mutant
    for room in (
        commits,
        compactions,
        copies,
        deliveries,
        failures,
        fencing,
        locks,
        moves,
        naming,
        readers,
        repairing,
        restoring,
        undoing,
    )
    for mutant in room.MUTANTS
]
