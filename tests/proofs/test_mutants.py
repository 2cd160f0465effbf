"""The proofs fail where the product has a mistake: a survivor fails here."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.simulation.mutants import Mutant, patched, proof

MUTANTS: Final = [
    Mutant(
        "adopt without rewriting",
        "index/settle.py",
        "        yield from write_again(directory, fd, tail.position, frame, octets)\n",
        "",
        "failed_syncs_and_kills",
    ),
    Mutant(
        "adopt without syncing",
        "index/settle.py",
        "    if adopted:\n        yield from sync(directory, fd)\n",
        "",
        "second_crashes_behind_kills",
    ),
    Mutant(
        "adopt without reading the bodies",
        "index/whole_frame.py",
        " or not payload_intact(frame.operations, payload)",
        "",
        "crashes",
    ),
    Mutant(
        "SWITCH not synced",
        "index/rotate.py",
        "tail.size)\n        yield from sync(directory, fd)\n",
        "tail.size)\n",
        "crashes",
    ),
    Mutant(
        "a segment not synced",
        "index/rotate.py",
        "        yield from steps.fdatasync(fd)\n",
        "",
        "crashes",
    ),
    Mutant(
        "a directory not synced",
        "index/rotate.py",
        "    yield from steps.sync_directory(directory)\n",
        "",
        "crashes",
    ),
    Mutant(
        "litter not removed",
        "index/rotate.py",
        "yield from steps.unlink(path)",
        "pass",
        "crashes",
    ),
    Mutant(
        "a new mailbox's directory not synced",
        "index/create.py",
        "    yield from steps.sync_directory(directory)  # before a head says so\n",
        "",
        "creations",
    ),
    Mutant(
        "a new mailbox's files not synced",
        "index/create.py",
        "        yield from steps.fdatasync(fd)\n",
        "",
        "creations",
    ),
    Mutant(
        "answer before sync",
        "index/commit.py",
        "    yield from sync(directory, fd)\n",
        "",
        "crashes",
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
        "crashes",
    ),
    Mutant(
        "torn tail not zeroed",
        "index/cut.py",
        "bytes(min(_PIECE, size - offset))",
        "(yield from steps.pread(fd, _PIECE, offset))",
        "crashes",
    ),
    Mutant(
        "lock freed before the head",
        "index/commit.py",
        "        yield from publish_written("
        "directory, tail, batch.tail, settings)\n"
        "        for keys in asked:\n"
        "            keys.published(batch.tail.position, time)\n"
        "    return outcomes\n",
        "        return outcomes, publish_written("
        "directory, tail, batch.tail, settings)\n"
        "    return outcomes, ()\n",
        "three_processes_two_preemptions",
        also=(
            (
                "index/commit.py",
                (
                    "    return (yield from "
                    "locked([log.lock], identity, until, section))\n"
                ),
                (
                    "    outcomes, head = yield from locked(\n"
                    "        [log.lock], identity, until, section\n"
                    "    )\n"
                    "    yield from head\n"
                    "    return outcomes\n"
                ),
            ),
        ),
    ),
    Mutant(
        "no lock at all",
        "locks/acquire.py",
        "        yield from _take(locks, identity, until)\n",
        "",
        "two_writers",
    ),
    Mutant(
        "a lock that can not be freed is kept",
        "locks/acquire.py",
        "        with suppress(OSError):  # closing frees it, too\n"
        "            yield from _unlock(lock)\n",
        "        yield from _unlock(lock)\n",
        "refusals.deliveries",
    ),
    Mutant(
        "a lock whose section failed is kept",
        "locks/acquire.py",
        "    except BaseException:\n"
        "        yield from _give_back(locks)\n"
        "        raise\n",
        "",
        "refusals.deliveries",
    ),
    Mutant(
        "a sync that failed is tried again",
        "index/damage.py",
        "    except OSError as error:\n"
        "        if error.errno in _ALL_OF_IT:\n"
        "            raise\n"
        '        reason = f"a sync of the log failed: {error}"\n'
        "        raise (yield from damage(directory, reason)) from error\n",
        "    except OSError:\n        yield from steps.fdatasync(fd)\n",
        "failed_syncs",
    ),
    Mutant(
        "what found no room not taken back",
        "index/damage.py",
        "            yield from _zero(fd, offset, size)\n",
        "            pass\n",
        "full_disks_behind_half",
    ),
    Mutant(
        "what can not be zeroed is left",
        "index/damage.py",
        "        yield from steps.truncate(fd, offset)\n",
        "",
        "full_disks_that_copy",
    ),
    Mutant(
        "what was taken back not synced",
        "index/damage.py",
        "    # Else a power loss could bring back whole what was refused.\n"
        "    yield from sync(directory, fd)\n",
        "",
        "full_disks_behind_half",
    ),
    Mutant(
        "the source loses messages before the target has them",
        "store/move.py",
        "        yield from _write(there, there_tail, copy, settings)\n",
        "",
        "transfers",
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
    Mutant(
        "MOVE does not lock where it moves from",
        "store/move.py",
        "(account, *sorted({here, there}))",
        "(account, there)",
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
    Mutant(
        "the token is read after the log",
        "index/read.py",
        "            return News(data, head, frames)\n",
        "            return News((yield from read_head(head_fd)), head, frames)\n",
        "noop_with_few_preemptions",
    ),
    Mutant(
        "a snapshot's rows not checked",
        "index/snapshot_parts.py",
        "    if found != crcs:\n        raise BadSnapshot\n",
        "",
        "crashes_with_snapshots",
    ),
    Mutant(
        "a snapshot that is not followed",
        "index/opening.py",
        "            broken = yield from "
        "_read_from(directory, loaded.position, end, loaded)\n",
        "            broken = None\n",
        "crashes_with_snapshots",
    ),
    Mutant(
        "rows not lent to the maker of a snapshot",
        "index/chunk.py",
        "        self._lent.update(self.arrays)\n",
        "",
        "saved_while_it_changes",
    ),
    Mutant(
        "keywords not frozen for a snapshot",
        "index/mailbox_state.py",
        "            self.facts.copy(),\n",
        "            self.facts,\n",
        "saved_while_it_changes",
    ),
    Mutant(
        "the vanished history not loaded",
        "index/snapshot_reader.py",
        "    state.vanished.load(\n",
        "    MailboxState().vanished.load(\n",
        "saved_while_it_changes",
    ),
    Mutant(
        "the chain behind a snapshot not compared",
        "index/read.py",
        "    while at != end:\n",
        "    while at[:2] != end[:2]:\n",
        "logs_in_the_place_of_others",
    ),
    Mutant(
        "a writer trusts the head",
        "index/settle.py",
        "    if may_be_clean and not any(around[FRAME_TRAILER_SIZE:]):\n",
        "    if may_be_clean:\n",
        "two_writers_one_dies",
    ),
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
    ),
    Mutant(
        "messages written again and not synced",
        "index/commit.py",
        "    yield from sync(directory, fd)\n",
        "    if Kind.RELOCATE not in batch.kinds:\n"
        "        yield from sync(directory, fd)\n",
        "compaction.crashes",
        also=(
            (
                "index/commit.py",
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
    ),
    Mutant(
        "flags as they were before the lock",
        "index/compact.py",
        "            yield from self._catch_up(tail.position)\n"
        "            yield from part(tail)\n",
        "            yield from part(tail)\n"
        "            yield from self._catch_up(tail.position)\n",
        "compaction.beside_a_flagger",
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
    Mutant(
        "a delivery's key not committed",
        "index/mailbox_transactions.py",
        "        key=message.key,\n",
        "",
        "once.crashes",
    ),
    Mutant(
        "which deliveries there were is asked before the lock",
        "index/delivery_keys.py",
        "            yield from follow(directory, at, end, self._take)\n",
        "            yield from ()\n",
        "once.at_once",
    ),
    Mutant(
        "a delivery that was refused is remembered",
        "index/delivery_keys.py",
        "        self._new.clear()\n        end = tail.position\n",
        "        end = tail.position\n",
        "once.errors",
    ),
    Mutant(
        "a doubt written behind its message",
        "index/commit.py",
        "        for keys in asked:\n"
        "            yield from keys.note_doubts(directory, time)\n",
        "",
        "once.crashes",
        also=(
            (
                "index/commit.py",
                "        for keys in asked:\n            keys.published(",
                (
                    "        for keys in asked:\n"
                    "            yield from keys.note_doubts(directory, time)\n"
                    "            keys.published("
                ),
            ),
        ),
    ),
    Mutant(
        "a power loss settles all doubts",
        "index/doubts.py",
        "        return Doubts(boot, uidnext)\n",
        "        return Doubts(boot, Uid(0))\n",
        "once.crashes",
    ),
    Mutant(
        "keys of the segments before not in BASE",
        "index/mailbox_state.py",
        "            self.keys.records(time - KEY_LIFETIME),\n",
        "",
        "once.crashes",
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant, tell: Callable[[object], None]) -> None:
    """A mistake in lock or index is caught by the proof that is there for it."""
    with patched(*mutant.edits):
        try:
            report = proof(mutant.caught_by)
        except (LookupError, ImportError, NameError, SyntaxError):
            raise  # the mutant itself is broken
        except Exception as error:  # noqa: BLE001 - whatever the mistake leads to
            tell(repr(error)[:100])
            return
    pytest.fail(f"it survived: {report}")
