"""Mistakes in restoring a mailbox, and after a restore of the whole."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
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
        "            yield from old.follow(tail)\n",
        "",
        "taking_back.beside_a_delivery",
    ),
    Mutant(
        "flags that were set since a mailbox was read are forgotten",
        "store/restore.py",
        "            yield from self._refill.catch_up(kept, old.state)\n",
        "",
        "taking_back.beside_a_flagger",
    ),
    Mutant(
        "a mailbox that is replaced without its lock",
        "store/restore.py",
        '        yield from self._locked(section, f"{old.directory}/lock")\n',
        "        yield from self._locked(section)\n",
        "taking_back.beside_a_delivery",
    ),
    Mutant(
        "a mailbox that is bound before it is filled",
        "store/restore.py",
        "            added = yield from self._refill.add("
        "copy.directory, copy.state, rows)\n",
        "            added = yield from self._refill.add("
        "copy.directory, copy.state, [])\n",
        "taking_back.crashes",
        also=(
            (
                "store/restore.py",
                "                yield from self._replace(old, back)\n",
                (
                    "                yield from self._replace(old, back)\n"
                    "            yield from self._refill.add("
                    "copy.directory, copy.state, rows)\n"
                ),
            ),
        ),
        arguments=(0.3,),
    ),
    Mutant(
        "a mailbox that is removed though it may be bound",
        "store/restore.py",
        "        self._decided = True\n",
        "",
        "taking_back.errors",
    ),
    Mutant(
        "the messages that came since are not taken along",
        "store/restore.py",
        "        rows = old.kept(back)\n",
        "        rows: list[int] = []\n",
        "taking_back.crashes",
        also=(
            (
                "store/restore.py",
                "            rows = old.rows_of(kept.broken) + old.kept(back)\n",
                "            rows = old.rows_of(kept.broken)\n",
            ),
        ),
        arguments=(0.1,),
    ),
    Mutant(
        "the deliveries that were known are forgotten",
        "store/restore.py",
        "            if len(keys):\n",
        "            if False:\n",
        "taking_back.crashes",
        arguments=(0.1,),
    ),
]
