"""Mistakes with deliveries that come twice."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
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
        arguments=(0.03,),
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
        "a doubt about any message with its key",
        "index/doubts.py",
        "self._uid_at(number) == uid for number",
        "self._uid_at(number) >= 0 for number",
        "on_purpose.crashes",
    ),
    Mutant(
        "keys of the segments before not in BASE",
        "index/mailbox_state.py",
        "            self.keys.records(time - KEY_LIFETIME),\n",
        "",
        "once.crashes",
    ),
]
