"""Mistakes of a machine that is cut off from the file system of the store."""

from typing import Final

from tests.simulation.patching import Mutant

# What goes on makes no further call; a mistake behind that shows only without it.
_FURTHER_CALLS: Final = (
    "disk/steps.py",
    (
        "                if fence is not None and call.method not in _GIVES_BACK:\n"
        "                    fence.check()\n"
    ),
    "",
)
MUTANTS: Final = [
    Mutant(
        "what ends behind the cut is believed",
        "disk/driver.py",
        "        if not self._driver.fence.is_down:\n"
        "            error = self._driver.fence.error()\n"
        "            self._failed(Failure(error))"
        "  # type: ignore[no-untyped-call] # Twisted's\n"
        "            return\n",
        "",
        "fencing.at_each_call",
        also=(_FURTHER_CALLS,),
        arguments=("deliver",),
    ),
    Mutant(
        "work goes on behind the cut",
        "disk/driver.py",
        "        elif not self.fence.is_down:\n"
        "            run.refuse(self.fence.error())\n",
        "",
        "fencing.at_each_call",
        also=(
            (
                "store/followed_log.py",
                " or not self._drivers.fence.is_down\n",
                "\n",
            ),
        ),
        arguments=("deliver", 5),
    ),
    Mutant(
        "an error that somebody minds is not told",
        "disk/steps.py",
        "                if fence is not None:\n"
        "                    fence.notice(failure)\n",
        "",
        "fencing.at_each_call",
        arguments=("deliver", 5),
    ),
    Mutant(
        "a cut that the reactor meets is not told",
        "store/followed_log.py",
        "            if isinstance(error, OSError):\n"
        "                self._drivers.fence.notice(error)\n",
        "",
        "fencing.at_each_call",
        arguments=("store", 5),
    ),
    Mutant(
        "a cut that is taken for damage",
        "index/damage.py",
        "_ALL_OF_IT: Final = CUT_OFF | {errno.EROFS}",
        "_ALL_OF_IT: Final = frozenset({errno.EROFS})",
        "fencing.at_each_call",
        also=(_FURTHER_CALLS,),
        arguments=("deliver",),
    ),
]
