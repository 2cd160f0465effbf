"""Mistakes where a disk fails or is full."""

import errno
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
    Mutant(
        "a limit on files is taken for damage",
        "index/damage.py",
        ", errno.EFBIG})",
        "})",
        "refusals.one_fails",
        arguments=("store",),
    ),
    Mutant(
        "a segment that can not be made is taken for damage",
        "index/rotate.py",
        "        except OSError:\n            # How much",
        "        except OSError as error:\n"
        "            yield from damage(directory, str(error))\n"
        "            # How much",
        "refusals.one_fails",
        arguments=("deliver in a new segment", 1),
    ),
    Mutant(
        "a segment that can not be opened for its holes is taken for damage",
        "index/compact.py",
        "                can = yield from steps.opened(path, Mode.WRITE, punch)\n"
        "            except FileNotFoundError:\n",
        "                can = yield from steps.opened(path, Mode.WRITE, punch)\n"
        "            except PermissionError as error:\n"
        "                yield from fail_write(self._log.directory, error)\n"
        "            except FileNotFoundError:\n",
        "compaction.unopened",
        arguments=(1, (errno.EACCES,)),
    ),
    Mutant(
        "a segment gone on with whose sync failed",
        "index/rotate.py",
        "                yield from steps.unlink(path)\n            raise\n",
        "                yield from steps.exists(path)\n            return\n",
        "crashes.failed_syncs",
    ),
]
