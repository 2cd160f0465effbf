"""Mistakes in copies of a live store."""

from typing import Final

from tests.simulation.patching import Mutant

BOB_FIRST: Final = ("bob", "alice")
MUTANTS: Final = [
    Mutant(
        "heads of a user at different moments",
        "store/user_cut.py",
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
        "                yield from check_copied(copy, extent)\n",
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
        "                yield from steps.sync_directory(there(path))\n"
        "            return done\n",
        "                pass\n            return done\n",
        "store_copies.crashes",
        arguments=(0.3,),
    ),
    Mutant(
        "a copy whose mailboxes' names are not synced",
        "store/store_copy.py",
        "        yield from steps.sync_directory("
        "there(mailboxes_directory(self.user)))\n",
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
    Mutant(
        "users as they are when each is copied",
        "store/store_copy.py",
        "if self.moment is not None:",
        "if False:",
        "store_moments.between_users",
        arguments=("MOVE", BOB_FIRST, 1 << 20, 1),
    ),
    Mutant(
        "users as they are when each is copied, and a COPY",
        "store/store_copy.py",
        "if self.moment is not None:",
        "if False:",
        "store_moments.between_users",
        arguments=("COPY and EXPUNGE", BOB_FIRST, 400, 1),
    ),
    Mutant(
        "mailboxes as they are when each head is read",
        "store/store_copy.py",
        "if self.moment is not None:",
        "if False:",
        "store_moments.within_one",
        arguments=("COPY and EXPUNGE, back", 400, 1),
    ),
    Mutant(
        "a moment before the heads were read",
        "store/store_moment.py",
        "    heads: dict[UserName, dict[bytes, bytes] | None] = {}\n    for",
        "    heads: dict[UserName, dict[bytes, bytes] | None] = {}\n"
        "    now = yield from steps.now()\n    for",
        "store_moments.within_one",
        also=(
            (
                "store/store_moment.py",
                "    return Moment(int((yield from steps.now()) * 1_000_000), heads)",
                "    return Moment(int(now * 1_000_000), heads)",
            ),
        ),
        arguments=("COPY and EXPUNGE, back", 1 << 20, 1),
    ),
    Mutant(
        "a deletion does not keep a user from being cut",
        "store/user_cut.py",
        "if not is_sound or now.last_deletion > moment.time:",
        "if not is_sound:",
        "store_moments.within_one",
        arguments=("MOVE, and DELETE", 1 << 20, 1),
    ),
    Mutant(
        "what is written again elsewhere is no reason not to cut",
        "index/log_cut.py",
        "Kind.RELOCATE in kinds",
        "False",
        "store_moments.within_one",
        arguments=("a delivery, and a compaction", 1 << 20, 1),
    ),
    Mutant(
        "one mailbox later than the others",
        "store/store_moment.py",
        "        cut[mailbox_id] = yield from "
        "cut_log(directory, extent, floor, moment.time)\n",
        "        try:\n"
        "            cut[mailbox_id] = yield from "
        "cut_log(directory, extent, floor, moment.time)\n"
        "        except Exception:\n"
        "            cut[mailbox_id] = extent\n",
        "store_moments.within_one",
        arguments=("MOVE, and a compaction", 1 << 20, 1),
    ),
    Mutant(
        "a user is cut for ever where what lived then is gone",
        "store/store_copy.py",
        "            self.moment = None  # by now what they were is dead, "
        "or lives elsewhere\n",
        "            pass\n",
        "store_moments.between_users",
        arguments=("EXPUNGE, and a compaction there", BOB_FIRST, 400, 1),
    ),
]
