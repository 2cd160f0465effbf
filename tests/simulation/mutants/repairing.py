"""Mistakes in repair."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "what is begun is said to be done",
        "index/repair.py",
        "        yield self.apply\n        if self.apply:\n"
        "            self.mended[at] = Mending(path, sentence, State.DONE)\n",
        "        self.mended[at] = Mending(path, sentence, State.DONE)\n"
        "        yield self.apply\n",
        "repairing.errors",
        arguments=("operation", 9),
    ),
    Mutant(
        "what was there is not kept",
        "index/repair.py",
        "    for name in old:\n        yield from keep(directory, name)\n",
        "",
        "repairing.crashes",
        arguments=("operation", 0.25),
    ),
    Mutant(
        "what is kept is not synced",
        "index/lost_found.py",
        "            yield from steps.pwrite(fd, wanted, start)\n"
        "    yield from steps.fdatasync(fd)\n",
        "            yield from steps.pwrite(fd, wanted, start)\n",
        "repairing.crashes",
        arguments=("operation", 0.25),
    ),
    Mutant(
        "the directory of what is kept is not synced",
        "index/lost_found.py",
        "            yield from steps.sync_directory(above)\n            return path\n",
        "            return path\n",
        "repairing.crashes",
        arguments=("operation", 0.25),
    ),
    Mutant(
        "the new log is not synced",
        "index/new_log.py",
        "        yield from steps.fdatasync(fd)\n"
        "        yield from steps.pwrite(fd, octets[:SEGMENT_HEADER_SIZE], 0)\n"
        "        yield from steps.fdatasync(fd)\n",
        "        yield from steps.pwrite(fd, octets[:SEGMENT_HEADER_SIZE], 0)\n",
        "repairing.crashes",
        arguments=("operation", 0.25),
    ),
    Mutant(
        "a log is written anew without its lock",
        "store/repair_place.py",
        "        return (yield from locked(paths, identity, until, section))\n",
        "        return (yield from section())\n",
        "repairing.beside_a_delivery",
        arguments=("operation",),
    ),
    Mutant(
        "a deep repair that reads no messages",
        "store/repair_mailbox.py",
        "        if not broken and (checked.marked or self._deep):\n",
        "        if not broken and checked.marked:\n",
        "repairing.errors",
        arguments=("body", 9),
    ),
]
