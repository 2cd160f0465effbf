"""The moment of which a copy of a store is, and who is copied later than that."""

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_twisted

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import perform, perform_patiently
from imapbox.disk.two_roots import THERE, TwoRoots
from imapbox.index.settings import Settings
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.create import create_account
from imapbox.store.delete import delete_mailbox
from imapbox.store.layout import USERS, mailboxes_directory
from imapbox.store.restored import begin_run, renew_mailboxes
from imapbox.store.store_copy import begin_copy, copy_user, end_copy
from imapbox.store.store_moment import Moment, begin_moment
from imapbox.store.users import users_with_account
from tests.simulation.disk import run
from tests.simulation.fault import Fault
from tests.simulation.mailbox import (
    ALICE,
    Account,
    Session,
    deliver,
    new_store,
    open_account,
    settings_of,
)
from tests.simulation.store_copies import store_in_copy
from tests.simulation.transfers import BOB, transferred
from tests.support.mail_store import Opener, account_of
from tests.support.mail_store import deliver as deliver_to
from tests.unit.mailbox.test_sharing import ANA, THEIRS, both, give

TRASH: Final = MailboxName("Trash")
OLD: Final = b"older" * 20
NEW: Final = b"newer" * 20


class Store:
    """A store of Alice's, in which the clock shows each reader another time."""

    def __init__(self) -> None:
        self.disk = new_store(TRASH)
        self.process = self.disk.process(1)
        self.settings = settings_of(self.process)
        for path in (THERE, f"{THERE}/{USERS}"):
            self.process.make_directory(path)
        self.disk.moments = 0
        self.inbox = self.open()
        self.trash = replace(self.inbox, name=TRASH)

    def open(self, user: UserName = ALICE) -> Account:
        """Return a user's INBOX."""
        account: Account = run(open_account(self.settings, user), self.process)
        return account

    def do(self, work: Any) -> Any:
        """Do something in the store."""
        return run(work, self.process)

    def begin(self) -> Moment:
        """Return the moment of a copy."""
        moment: Moment = self.do(begin_moment(self.disk.boot))
        return moment

    def copied(self, moment: Moment, user: UserName = ALICE) -> dict[str, list[bytes]]:
        """Copy a user; return what is in the copy then, by mailbox."""
        disk = self.disk.copy()
        done = run(copy_user(user, self.settings, moment), disk.process(1))
        assert (done.damaged, done.left_out) == ([], {})
        copy = store_in_copy(disk)
        process = copy.process(1)
        account: Account = run(open_account(settings_of(process), user), process)
        bodies = {}
        for name in account.state.names:
            session = Session(replace(account, name=name))
            run(session.open(), process)
            messages = run(session.snapshot(), process).messages
            bodies[str(name)] = [message.body for message in messages]
        assert done.messages == sum(map(len, bodies.values()))
        return bodies


@pytest.fixture
def store() -> Store:
    """A store in which Alice has a message."""
    store = Store()
    store.do(deliver(store.inbox, OLD))
    return store


def test_what_comes_later_is_not_in_it(store: Store) -> None:
    """A message, a mailbox's content, a user's: all that is behind the moment."""
    moment = store.begin()
    store.do(deliver(store.inbox, NEW))
    store.do(create_account(BOB, store.settings, {}))
    store.do(deliver(store.open(BOB), NEW))
    assert store.copied(moment) == {"INBOX": [OLD], "Trash": []}
    assert store.copied(moment, BOB) == {"INBOX": []}


def test_what_came_before_is_in_it(store: Store) -> None:
    """Also what was written while the heads were read."""
    moment = store.begin()
    store.do(deliver(store.inbox, NEW))
    time = store.begin().time
    assert store.copied(moment._replace(time=time))["INBOX"] == [OLD, NEW]


def test_a_clock_that_was_set_back_takes_nothing_away(store: Store) -> None:
    """What was answered before the copy was begun is in it, whatever its time."""
    store.disk.clock -= 1000
    moment = store.begin()
    store.do(deliver(store.inbox, NEW))
    assert store.copied(moment)["INBOX"] == [OLD]


@pytest.mark.parametrize("how", ["lost", "torn", "of another boot"])
def test_a_head_that_does_not_tell_all_is_no_floor(store: Store, how: str) -> None:
    """Who has such a one is copied as he is later, if anything came since."""
    path = f"{store.inbox.directory}/head"
    octets = store.disk.content(path)
    if how == "of another boot":
        store.disk.boot += 1
        moment = store.begin()
        store.settings = settings_of(store.process)
        store.inbox = store.open()
    else:
        store.process.unlink(path)
        if how == "torn":
            fd = store.process.open(path, Mode.CREATE)
            store.process.pwrite(fd, octets[:20], 0)
            store.process.close(fd)
        moment = store.begin()
    assert store.copied(moment)["INBOX"] == [OLD]
    store.do(deliver(store.inbox, NEW))
    assert store.copied(moment)["INBOX"] == [OLD, NEW]


def test_after_a_deletion_nobody_is_cut(store: Store) -> None:
    """What was taken out of the deleted mailbox would be in none."""
    store.do(transferred(store.inbox, [1], store.trash, "move"))
    moment = store.begin()
    store.do(transferred(store.trash, [1], store.inbox, "move"))
    delete = delete_mailbox(ALICE, store.trash.state.copy(), TRASH, store.settings)
    store.do(delete)
    assert store.copied(moment) == {"INBOX": [OLD]}
    later = store.begin()
    store.do(deliver(store.inbox, NEW))
    assert store.copied(later) == {"INBOX": [OLD]}


def test_new_uidvalidities_keep_a_user_from_being_cut(store: Store) -> None:
    """A mailbox has the one that its account gave it."""
    moment = store.begin()
    store.do(renew_mailboxes(ALICE, store.do(begin_run()), store.settings))
    store.do(copy_user(ALICE, store.settings, moment))
    copy = store_in_copy(store.disk)
    process = copy.process(1)
    account: Account = run(open_account(settings_of(process)), process)
    session = Session(account)
    run(session.open(), process)
    given = account.state.names[INBOX].uidvalidity
    assert session.state.counts.uidvalidity == given


@pytest.mark.parametrize("method", ["list_directory", "open"])
def test_what_can_not_be_looked_at_is_not_known(store: Store, method: str) -> None:
    """Of whose heads nothing is known then, he is copied as he is later."""
    where: Callable[[str], bool] = {
        "list_directory": mailboxes_directory(ALICE).__eq__,
        "open": f"{store.inbox.directory}/head".__eq__,
    }[method]
    store.disk.faults = (Fault(frozenset({method}), 1, errno.EIO, where=where),)
    moment = store.begin()
    store.disk.faults = ()
    store.do(deliver(store.inbox, NEW))
    assert store.copied(moment)["INBOX"] == [OLD, NEW]


def test_a_file_system_that_is_gone_ends_it(store: Store) -> None:
    """It is nobody's own."""
    where = f"{store.inbox.directory}/head".__eq__
    store.disk.faults = (Fault(frozenset({"open"}), 1, errno.ESTALE, where=where),)
    with pytest.raises(OSError, match="Stale"):
        store.begin()


@pytest_twisted.ensureDeferred
async def test_what_ana_takes_from_bob_is_in_the_copy(
    open_store: Opener, tmp_path: Path
) -> None:
    """A message is moved out of what is shared, between the copies of the two."""
    store = await open_store()
    for user in (ANA, BOB):
        await store.create_account(user)
    await deliver_to(store)
    bob, ana = await both(store)
    await bob.change_rights(INBOX, ANA, give("lrswite"))
    (tmp_path / "copy").mkdir()
    files = TwoRoots(store.root, str(tmp_path / "copy"))
    settings = Settings(files.boot, files.node, files.pid)
    perform(begin_copy(), files)
    moment = perform(begin_moment(files.boot), files)
    users = perform(users_with_account(), files).users
    perform_patiently(copy_user(ANA, settings, moment), files)
    theirs = await ana.select(THEIRS, read_only=False)
    await theirs.move([1], INBOX)
    theirs.close()
    for user in users:
        if user != ANA:
            perform_patiently(copy_user(user, settings, moment), files)
    perform(end_copy(), files)
    copy = await open_store(name="copy")
    counts = [
        (await (await account_of(copy, each)).status(INBOX)) for each in (ANA, BOB)
    ]
    assert [each.messages for each in counts] == [0, 1]
