"""A check of a store in which mailboxes are deleted meanwhile."""

from typing import Any

import pytest

from imapbox.index.checked_log import Severity
from imapbox.model.names import MailboxName
from imapbox.store import check
from imapbox.store.check import StoreCheck
from imapbox.store.delete import delete_mailbox
from imapbox.store.layout import USERS
from tests.simulation.disk import SimulatedFileSystem, run
from tests.simulation.mailbox import ALICE, account_on, new_store, settings_of
from tests.simulation.repairing import lose

WORK = MailboxName("Work")


@pytest.mark.parametrize("name", ["log.1", "head", "lock"])
def test_what_is_being_removed_is_no_damage(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a mailbox that was deleted while it was looked at nothing is said."""
    disk = new_store(WORK)
    account = account_on(disk, 70)
    mailbox = account.state.names[WORK].mailbox_id
    look = SimulatedFileSystem.list_directory

    def list_directory(self: SimulatedFileSystem, path: str) -> list[str]:
        """Let somebody delete it, and die when a file of it is gone."""
        names = look(self, path)
        gone = f"{path}/{name}"
        if path.endswith(mailbox.hex()) and gone in disk.names and self.pid == 5:
            deleter = disk.process(6)
            state: Any = account.state.copy()
            run(delete_mailbox(ALICE, state, WORK, settings_of(deleter)), deleter)
            lose(disk, gone)
            names = look(self, path)
        return names

    monkeypatch.setattr(SimulatedFileSystem, "list_directory", list_directory)
    monkeypatch.setattr(check, "ROOT", USERS)  # this disk has no "."
    found = list(StoreCheck(disk.process(5)).run([ALICE]))
    worst = [each for each in found if each.severity is Severity.DAMAGE]
    assert [each for each in worst if mailbox.hex() in each.path] == []
