"""Mistakes in taking, keeping and giving back locks."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
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
        "proofs.three_processes_two_preemptions",
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
        "proofs.two_writers",
    ),
    Mutant(
        "one lock is held while another is waited for",
        "locks/acquire.py",
        "            for other in locks:\n                yield from _unlock(other)\n",
        "",
        "moves.beside_a_delivery_here",
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
]
