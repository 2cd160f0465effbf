"""Mistakes in copies of a live store."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "heads of a user at different moments",
        "store/store_copy.py",
        'locked([f"{account}/lock"], identity, until, section)',
        "section()",
        "store_copies.beside_a_move",
    ),
    Mutant(
        "a beginning that is older than the end",
        "index/log_copy.py",
        "        if first not in numbers:\n",
        "        if first not in numbers and not numbers:\n",
        "store_copies.beside_a_delivery",
    ),
]
