"""Mistakes in compaction."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "holes behind a head that was not synced",
        "index/compact.py",
        "            yield from steps.opened(path, Mode.WRITE, steps.fdatasync)\n",
        "",
        "compaction.crashes",
    ),
    Mutant(
        "holes in the last segment",
        "index/compact.py",
        "range(self._first, self._punched.segment)\n",
        "range(self._first, self._punched.segment + 1)\n",
        "compaction.crashes",
    ),
    Mutant(
        "a segment removed in which something lives",
        "index/compact.py",
        "            if use.alive or use.grace:\n",
        "            if use.grace:\n",
        "compaction.crashes",
    ),
    Mutant(
        "a segment removed before its neighbour is gone",
        "index/compact.py",
        "            yield from steps.sync_directory(self._log.directory)\n",
        "",
        "compaction.crashes",
        arguments=(0.1,),
    ),
    Mutant(
        "messages written again and not synced",
        "index/batch.py",
        "    yield from sync(directory, fd)\n",
        "    if Kind.RELOCATE not in batch.kinds:\n"
        "        yield from sync(directory, fd)\n",
        "compaction.crashes",
        also=(
            (
                "index/batch.py",
                "        self.only_expunges = self.only_expunges and",
                (
                    "        self.kinds = kinds\n"
                    "        self.only_expunges = self.only_expunges and"
                ),
            ),
            (
                "index/compact_plan.py",
                "        return time - int(self.grace * 1_000_000)\n",
                "        return time\n",
            ),
        ),
        arguments=(0.1,),
    ),
    Mutant(
        "flags as they were before the lock",
        "index/compact.py",
        "            yield from self._catch_up(tail.position)\n"
        "            return (yield from part(tail))\n",
        "            done = yield from part(tail)\n"
        "            yield from self._catch_up(tail.position)\n"
        "            return done\n",
        "compaction.random_schedules",
        arguments=(100, 1),
    ),
    Mutant(
        "no grace",
        "index/compact_plan.py",
        "        return time - int(self.grace * 1_000_000)\n",
        "        return time\n",
        "compaction.beside_a_reader",
    ),
    Mutant(
        "who reads without the lock decides what is damage",
        "index/opening.py",
        "    if broken is not None and not damaged:\n        return None\n",
        "    if broken is not None:\n"
        '        yield from mark_damaged(directory, f"the log is broken: {broken}")\n'
        "    damaged = damaged or broken is not None\n",
        "compaction.beside_an_opener_without_grace",
    ),
]
