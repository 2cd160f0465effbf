"""Mistakes in MOVE."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "the source loses messages before the target has them",
        "store/move.py",
        "        yield from _write(there, there_tail, copy, settings)\n",
        "",
        "transfers.crashes",
        also=(
            (
                "store/move.py",
                "        yield from _write(here, here_tail, gone, settings)\n",
                (
                    "        yield from _write(here, here_tail, gone, settings)\n"
                    "        yield from _write(there, there_tail, copy, settings)\n"
                ),
            ),
        ),
        arguments=(0.2,),
    ),
    Mutant(
        "MOVE does not lock where it moves from",
        "store/move.py",
        "(*accounts, *sorted({here, there}))",
        "(*accounts, there)",
        "moves.beside_a_delivery_here",
    ),
    Mutant(
        "MOVE does not look what became of the messages",
        "store/move.py",
        "        copy.originals.update(known)\n",
        "",
        "moves.of_the_same_message",
    ),
    Mutant(
        "MOVE of what another reader finds nowhere for a moment",
        "store/move.py",
        "        yield from _write(there, there_tail, copy, settings)\n",
        "",
        "moves.beside_a_reader",
        also=(
            (
                "store/move.py",
                "        yield from _write(here, here_tail, gone, settings)\n",
                (
                    "        yield from _write(here, here_tail, gone, settings)\n"
                    "        yield from _write(there, there_tail, copy, settings)\n"
                ),
            ),
        ),
    ),
]
