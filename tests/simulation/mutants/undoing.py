"""Mistakes in undo."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "nobody notes who came back",
        "index/store_again.py",
        "            operations.append(Meta(UNDONE, undone.encode()).encode())\n",
        "",
        "undoing.crashes",
    ),
    Mutant(
        "an undo that does not look again under the lock",
        "index/undo.py",
        "            yield from self._catch_up(tail.position)\n"
        "            yield from self._bring_back_some(tail)\n",
        "            yield from self._bring_back_some(tail)\n"
        "            yield from self._catch_up(tail.position)\n",
        "undoing.two_at_once",
    ),
    Mutant(
        "what comes back is marked to go again",
        "index/store_again.py",
        "            flags=message.flags & ~dropped,\n",
        "            flags=message.flags,\n",
        "undoing.crashes",
    ),
    Mutant(
        "an undo that does not ask whether the mailbox is there",
        "index/undo.py",
        "            yield from binding.check_settled(account.position)\n",
        "",
        "undoing.beside_a_deletion",
    ),
]
