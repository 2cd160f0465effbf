"""Mistakes of who reads, of snapshots and of their makers."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "the token is read after the log",
        "index/read.py",
        "            return News(data, head, frames)\n",
        "            return News((yield from read_head(head_fd)), head, frames)\n",
        "proofs.noop_with_few_preemptions",
    ),
    Mutant(
        "a snapshot's rows not checked",
        "index/snapshot_parts.py",
        "    if found != crcs:\n        raise BadSnapshot\n",
        "",
        "crashes.with_snapshots",
    ),
    Mutant(
        "a snapshot that is not followed",
        "index/opening.py",
        "            broken = yield from "
        "_read_from(directory, loaded.position, end, loaded)\n",
        "            broken = None\n",
        "crashes.with_snapshots",
    ),
    Mutant(
        "rows not lent to the maker of a snapshot",
        "index/chunk.py",
        "        self._lent.update(self.arrays)\n",
        "",
        "proofs.saved_while_it_changes",
    ),
    Mutant(
        "keywords not frozen for a snapshot",
        "index/mailbox_state.py",
        "            self.facts.copy(),\n",
        "            self.facts,\n",
        "proofs.saved_while_it_changes",
    ),
    Mutant(
        "the vanished history not loaded",
        "index/snapshot_reader.py",
        "    state.vanished.load(\n",
        "    MailboxState().vanished.load(\n",
        "proofs.saved_while_it_changes",
    ),
    Mutant(
        "the chain behind a snapshot not compared",
        "index/read.py",
        "    while at != end:\n",
        "    while at[:2] != end[:2]:\n",
        "proofs.logs_in_the_place_of_others",
    ),
]
