"""The proofs of undo, copies and restores fail where these have a mistake."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.simulation.mutants import Mutant, patched, proof

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
    Mutant(
        "a UIDVALIDITY that the account does not know",
        "store/restored.py",
        "        yield from self._write(self._account, account, change)\n",
        "",
        "restoring.crashes",
    ),
    Mutant(
        "two UIDVALIDITYs in one run",
        "store/restored.py",
        " or facts.meta.get(RESTORED) == self._run:\n",
        ":\n",
        "restoring.crashes",
    ),
    Mutant(
        "a mailbox told before its account",
        "store/restored.py",
        "        given = yield from self._give(account, state, tail)\n"
        "        yield from self._write("
        "self._log, tail, GiveUidValidity(given, self._run))\n",
        "        given = UidValidity(tail.counts.uidvalidity + 9)\n"
        "        yield from self._write("
        "self._log, tail, GiveUidValidity(given, self._run))\n"
        "        yield from self._give(account, state, tail)\n",
        "restoring.crashes",
    ),
    Mutant(
        "what came since a mailbox was read is left behind",
        "store/restore.py",
        "                yield from _follow(old, tail)\n",
        "",
        "taking_back.beside_a_delivery",
    ),
    Mutant(
        "a mailbox that is replaced without its lock",
        "store/restore.py",
        '            paths.append(f"{old.directory}/lock")\n',
        "            pass\n",
        "taking_back.beside_a_delivery",
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant, tell: Callable[[object], None]) -> None:
    """A mistake is caught by the proof that is there for it."""
    with patched(*mutant.edits):
        try:
            report = proof(mutant.caught_by)
        except (LookupError, ImportError, NameError, SyntaxError):
            raise  # the mutant itself is broken
        except Exception as error:  # noqa: BLE001 - whatever the mistake leads to
            tell(repr(error)[:100])
            return
    pytest.fail(f"it survived: {report}")
