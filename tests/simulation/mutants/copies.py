"""Mistakes in copies of a live store."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "heads of a user at different moments",
        "store/store_copy.py",
        'locked([f"{account}/{LOCK}"], identity, until, section)',
        "section()",
        "store_copies.beside_a_move",
    ),
    Mutant(
        "a beginning that is newer than the end",
        "index/log_copy.py",
        "        numbers = segment_numbers("
        "(yield from steps.list_directory(directory)))\n"
        "        head = yield from head_of(directory)\n",
        "        head = yield from head_of(directory)\n"
        "        numbers = segment_numbers("
        "(yield from steps.list_directory(directory)))\n",
        "store_copies.beside",
        arguments=("a compaction without grace", 2),
    ),
    Mutant(
        "what compaction removed stays in a copy",
        "index/log_copy.py",
        "        if self.is_short or not {*there} <= {*numbers}:\n",
        "        if self.is_short:\n",
        "store_copies.beside",
        arguments=("a compaction of both", 1),
    ),
    Mutant(
        "what was punched out before it was copied is not missed",
        "store/store_copy.py",
        "                    yield from check_copied(copy, extent)\n",
        "",
        "store_copies.beside_a_purge",
        arguments=(1,),
    ),
    Mutant(
        "a copy that is not synced",
        "index/log_copy.py",
        "        if at > start:\n            yield from steps.fdatasync(fd)\n",
        "",
        "store_copies.crashes",
        arguments=(0.3,),
    ),
    Mutant(
        "a copy whose directories are not synced",
        "store/store_copy.py",
        "            yield from steps.sync_directory(there(path))\n"
        "        return done\n",
        "            pass\n        return done\n",
        "store_copies.crashes",
        arguments=(0.3,),
    ),
    Mutant(
        "a copy whose mailboxes' names are not synced",
        "store/store_copy.py",
        "    yield from steps.sync_directory(there(mailboxes_directory(user)))\n",
        "",
        "store_copies.crashes",
        arguments=(0.3,),
    ),
    Mutant(
        "a copy that believes a head from before a power loss",
        "index/log_copy.py",
        "head.boot != boot and (settled is None or head.position < settled)",
        "False",
        "store_copies.crashes",
        arguments=(0.3,),
    ),
]
