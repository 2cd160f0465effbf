"""Mistakes in committing, adopting, rotating, and in new logs."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "adopt without rewriting",
        "index/settle.py",
        "        yield from write_again(directory, fd, tail.position, frame, octets)\n",
        "",
        "crashes.failed_syncs_and_kills",
    ),
    Mutant(
        "adopt without syncing",
        "index/settle.py",
        "    if adopted:\n        yield from sync(directory, fd)\n",
        "",
        "crashes.second_crashes_behind_kills",
    ),
    Mutant(
        "adopt without reading the bodies",
        "index/whole_frame.py",
        " or not payload_intact(frame.operations, payload)",
        "",
        "crashes.of_everything",
    ),
    Mutant(
        "SWITCH not synced",
        "index/rotate.py",
        "tail.size)\n        yield from sync(directory, fd)\n",
        "tail.size)\n",
        "crashes.of_the_short",
        arguments=(0.3,),
    ),
    Mutant(
        "a segment not synced",
        "index/rotate.py",
        "            yield from steps.fdatasync(fd)\n",
        "",
        "crashes.of_the_short",
        arguments=(0.3,),
    ),
    Mutant(
        "a directory not synced",
        "index/rotate.py",
        "        yield from steps.sync_directory(directory)\n",
        "        pass\n",
        "crashes.of_the_short",
        arguments=(0.3,),
    ),
    Mutant(
        "litter not removed",
        "index/rotate.py",
        "number)):\n        yield from steps.unlink(path)\n",
        "number)):\n        pass\n",
        "crashes.of_the_short",
        arguments=(0.3,),
    ),
    Mutant(
        "a new mailbox's directory not synced",
        "index/create.py",
        "    yield from steps.sync_directory(directory)  # before a head says so\n",
        "",
        "crashes.of_an_account_in_the_making",
    ),
    Mutant(
        "a new mailbox's files not synced",
        "index/create.py",
        "        yield from steps.fdatasync(fd)\n",
        "",
        "crashes.of_an_account_in_the_making",
        arguments=(0.1,),
    ),
    Mutant(
        "answer before sync",
        "index/batch.py",
        "    yield from sync(directory, fd)\n",
        "",
        "crashes.of_everything",
    ),
    Mutant(
        "head before sync",
        "index/commit.py",
        "            yield from keys.note_doubts(directory, time)\n"
        "        yield from steps.opened(\n",
        "            yield from keys.note_doubts(directory, time)\n"
        "        yield from publish_written("
        "directory, tail, batch.tail, settings)\n"
        "        yield from steps.opened(\n",
        "crashes.of_everything",
    ),
    Mutant(
        "torn tail not zeroed",
        "index/cut.py",
        "bytes(min(_PIECE, size - offset))",
        "(yield from steps.pread(fd, _PIECE, offset))",
        "crashes.of_everything",
    ),
    Mutant(
        "a writer trusts the head",
        "index/settle.py",
        "    if may_be_clean and not any(around[FRAME_TRAILER_SIZE:]):\n",
        "    if may_be_clean:\n",
        "proofs.two_writers_one_dies",
    ),
]
