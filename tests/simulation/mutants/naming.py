"""Mistakes in making, renaming and deleting mailboxes."""

from typing import Final

from tests.simulation.patching import Mutant

MUTANTS: Final = [
    Mutant(
        "a mailbox whose directory is not synced",
        "index/create.py",
        '    parent, _, _ = directory.rpartition("/")\n'
        "    yield from steps.sync_directory(parent)\n",
        "",
        "naming.crashes",
        arguments=(0.2,),
    ),
    Mutant(
        "a name for a mailbox that is not made yet",
        "store/account.py",
        '                await self._commit(creation(mailbox, check), "create")\n',
        '                await self._commit(creation(mailbox, check), "create")\n'
        "                await self._drivers.write.run(\n"
        "                    create_mailbox_log(\n"
        "                        self.user,\n"
        "                        mailbox.mailbox_id,\n"
        "                        mailbox.uidvalidity,\n"
        "                        self._settings,\n"
        "                    )\n"
        "                )\n",
        "naming.crashes",
        also=(
            (
                "store/account.py",
                (
                    "            await self._drivers.write.run(\n"
                    "                create_mailbox_log("
                    "self.user, mailbox_id, uidvalidity, self._settings)\n"
                    "            )\n"
                ),
                "            pass\n",
            ),
        ),
        arguments=(0.2,),
    ),
    Mutant(
        "a change of the tree as it was before the lock",
        "index/account_state.py",
        "self.decide(self._now or self.state)",
        "self.decide(self.state)",
        "naming.two_of_one_name",
    ),
    Mutant(
        "two mailboxes of one UIDVALIDITY",
        "store/tree_changes.py",
        "        if mailbox.uidvalidity <= state.highest_uidvalidity:\n"
        "            raise Overtaken\n",
        "",
        "naming.two_mailboxes",
    ),
    Mutant(
        "a name that is given to two",
        "store/tree_changes.py",
        "        if old == new or "
        "(state.names.keys() - moved.keys()) & set(moved.values()):\n",
        "        if old == new:\n",
        "naming.two_to_one_name",
    ),
    Mutant(
        "a delivery that does not ask whether its mailbox is there",
        "index/commit.py",
        "        if guard is not None:\n            yield from guard()\n",
        "",
        "naming.a_deletion_beside_a_delivery",
    ),
    Mutant(
        "a delivery that knows a DELETE only from before",
        "index/binding.py",
        "            raise MailboxGone\n",
        "            return\n",
        "naming.a_deletion_beside_a_delivery",
    ),
    Mutant(
        "a BASE that forgets the facts",
        "index/account_state.py",
        "for mailbox_id, facts in self.meta.items()\n",
        "for mailbox_id, facts in ()\n",
        "naming.crashes_where_segments_go",
        arguments=(0.1,),
    ),
    Mutant(
        "no segment of an account is kept",
        "index/shed.py",
        "if number <= last - KEPT",
        "if number <= last",
        "naming.crashes_where_segments_go",
        arguments=(0.1,),
    ),
]
