"""Stores of every format that was released are read, whole, by this imapbox."""

from pathlib import Path

import pytest
import pytest_twisted

from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.mailbox.account import UserAccount
from imapbox.model.format import FORMAT_VERSION
from imapbox.model.names import MailboxName, UserName
from imapbox.store.check import Severity, StoreCheck
from tests.damage.specimen import rows_of
from tests.formats.golden_store import STORE, USERS, described, golden_store, take_out
from tests.support.mail_store import Opener, deliver

RELEASED = (1,)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("version", RELEASED)
async def test_a_store_is_read_for_ever(
    version: int, open_store: Opener, tmp_path: Path
) -> None:
    """Every message, mark, date and name of an old store is there, and more fit in."""
    facts = take_out(version, tmp_path)
    check = StoreCheck(DiskFileSystem(str(tmp_path / STORE)), deep=True)
    assert {each.severity for each in check.run()} <= {Severity.NOTE}
    assert check.messages
    store = await open_store()
    assert set(facts) == set(USERS)
    for user, expected in facts.items():
        account = UserAccount(store, await store.account(UserName(user)))
        listed = await account.mailboxes()
        assert sorted(each.name for each in listed if each.exists) == expected["names"]
        subscribed = sorted(each.name for each in listed if each.subscribed)
        assert subscribed == expected["subscribed"]
        for name, box in expected["boxes"].items():
            selected = await account.select(MailboxName(name), read_only=True)
            assert selected.uidvalidity == box["uidvalidity"]
            assert described(await rows_of(selected)) == box["messages"]
            selected.close()
        assert await deliver(store, user) > expected["boxes"]["INBOX"]["given"]


def test_the_format_that_is_written_has_a_golden_store() -> None:
    """What is written today is a released format, of which a store is kept."""
    assert RELEASED[-1] == FORMAT_VERSION
    assert all(golden_store(version).exists() for version in RELEASED)
