"""What clients and administrators noted of accounts is read by every later imapbox."""

from pathlib import Path

import pytest_twisted

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.model.names import UserName
from imapbox.store.check import StoreCheck
from imapbox.store.quotas import quota_of
from tests.formats.golden_facts import ARCHIVE, QUOTA, USERS
from tests.formats.golden_store import STORE, unpack
from tests.support.mail_store import Opener
from tests.support.stage import SharingLogins, Stage


@pytest_twisted.ensureDeferred
async def test_facts_are_read_for_ever(open_store: Opener, tmp_path: Path) -> None:
    """Rights, annotations, quotas and keys of URLs of an old store hold."""
    unpack(ARCHIVE, tmp_path)
    assert (
        list(StoreCheck(DiskFileSystem(str(tmp_path / STORE)), deep=True).run()) == []
    )
    stage = Stage(open_store)
    stage.logins, stage.users = SharingLogins, USERS
    await stage.play(
        r"""
        A2: MYRIGHTS "Other Users/bob/Work"
            * MYRIGHTS "Other Users/bob/Work" lrw
            OK
        A2: SELECT Shared/Plans
            ...
            OK [READ-ONLY] ...
        A2: GETMETADATA "Other Users/bob/Work" (/shared/comment)
            * METADATA "Other Users/bob/Work" (/shared/comment "ours")
            OK
        A1: GETMETADATA Work /private/comment
            * METADATA Work (/private/comment "mine")
            OK
        A1: GETMETADATA "" /private/vendor/x
            * METADATA "" (/private/vendor/x "all")
            OK
        """
    )
    store = await stage.store("A")
    bob = await store.account(UserName("bob"))
    assert quota_of(bob.meta(), store.quota) == QUOTA
    work = next(each for each in bob.state.mailboxes.values() if each.name == "Work")
    assert len(bob.meta(work.mailbox_id)["urlauth"]) == 32
    await stage.end()
