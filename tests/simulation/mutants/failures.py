"""Mistakes where a disk fails or is full."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "a sync that failed is tried again",
        "index/damage.py",
        "    except OSError as error:\n"
        "        if error.errno in _ALL_OF_IT:\n"
        "            raise\n"
        '        reason = f"a sync of the log failed: {error}"\n'
        "        raise (yield from damage(directory, reason)) from error\n",
        "    except OSError:\n        yield from steps.fdatasync(fd)\n",
        "crashes.failed_syncs",
    ),
    Mutant(
        "what found no room not taken back",
        "index/damage.py",
        "            yield from _zero(fd, offset, size)\n",
        "            pass\n",
        "crashes.full_disks_behind_half",
        arguments=(0.2,),
    ),
    Mutant(
        "what can not be zeroed is left",
        "index/damage.py",
        "        yield from steps.truncate(fd, offset)\n",
        "",
        "crashes.full_disks_that_copy",
    ),
    Mutant(
        "what was taken back not synced",
        "index/damage.py",
        "    # Else a power loss could bring back whole what was refused.\n"
        "    yield from sync(directory, fd)\n",
        "",
        "crashes.full_disks_behind_half",
        arguments=(0.2,),
    ),
]
