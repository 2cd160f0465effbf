"""A mailbox that comes back from a copy of the store."""

import errno
from typing import Final

import pytest

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import THERE
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import AccountMeta, Create
from imapbox.index.account_state import ChangeAccount
from imapbox.index.commit import commit
from imapbox.index.segment import ACCOUNT_META
from imapbox.model.errors import (
    DiskFull,
    MailboxExists,
    NoSuchMailbox,
)
from imapbox.model.names import INBOX, MailboxName
from imapbox.store.layout import mailboxes_directory
from imapbox.store.replaced import PlaceDamaged
from imapbox.store.restore import (
    CopyDamaged,
    NotInCopy,
    Restored,
    restore_mailbox,
)
from imapbox.store.store_copy import there
from tests.simulation.disk import run
from tests.simulation.fault import WRITES, Fault
from tests.simulation.ledger import is_damaged
from tests.simulation.mailbox import ACCOUNT, ALICE, deliver, settings_of
from tests.simulation.repairing import flip, frames_of, repair
from tests.support.bad_block import let_block_go_bad
from tests.unit.store.restores import BODIES, LATER, TRASH, Stores, contents

BACK: Final = MailboxName("Back")


@pytest.fixture
def stores() -> Stores:
    """A store, and a copy from before all was expunged and mail came."""
    made = Stores()
    made.change()
    return made


def test_a_mailbox_comes_back_under_a_new_name(stores: Stores) -> None:
    """It has the messages of the copy, flags and keywords too, and is subscribed."""
    now = stores.look()
    done = stores.restore(BACK)
    assert (done.messages, done.kept, done.deleted) == (2, 0, None)
    back = stores.look(BACK)
    assert contents(back) == contents(stores.before)
    assert back.uidvalidity == done.uidvalidity > now.uidvalidity
    assert stores.look() == now, "INBOX is as it was"
    state = stores.account().state
    assert BACK in state.subscribed
    assert state.highest_uidvalidity == done.uidvalidity
    run(deliver(stores.account(BACK), b"more"), stores.process)


def test_a_mailbox_comes_back_in_its_place(stores: Stores) -> None:
    """It is a new one, and has what came since; the old one is deleted."""
    before = stores.account().mailbox_id
    done = stores.restore(INBOX)
    assert (done.messages, done.kept, done.deleted) == (2, 1, before)
    after = stores.look()
    assert contents(after) == [*contents(stores.before), (0, frozenset(), LATER)]
    assert after.uidvalidity == done.uidvalidity > stores.before.uidvalidity
    state = stores.account().state
    assert stores.account().mailbox_id != before
    assert before in state.deleted
    again = stores.restore(INBOX)
    assert (again.messages, again.kept) == (2, 1), "nothing is there twice"


def test_a_use_stays_in_its_place(stores: Stores) -> None:
    """What a mailbox is for, it is for still; one that was empty is empty."""
    done = stores.restore(TRASH, source=TRASH)
    assert (done.messages, done.kept) == (0, 0)
    names = stores.account().state.names
    assert names[TRASH].mailbox_id != done.deleted
    assert stores.look(TRASH).messages == ()


def test_what_can_not_be(stores: Stores) -> None:
    """Names that are taken, missing here or missing there; nothing is left behind."""
    before = stores.directories()
    with pytest.raises(MailboxExists):
        stores.restore(TRASH)
    with pytest.raises(NotInCopy):
        stores.restore(TRASH, source=BACK)
    stores.restore(BACK)
    copied = there(mailboxes_directory(ALICE))
    with pytest.raises(NotInCopy):
        stores.restore(BACK, source=BACK)
    assert len(stores.directories()) == len(before) + 1
    assert stores.process.list_directory(copied) == before


def test_what_is_gone_from_the_copy_is_damage_there(stores: Stores) -> None:
    """A mailbox that the copy's account names is missing to it; nothing is done."""
    directory = there(stores.account().directory)
    for name in stores.process.list_directory(directory):
        stores.process.unlink(f"{directory}/{name}")
    stores.process.remove_directory(directory)
    before = stores.directories()
    with pytest.raises(CopyDamaged) as caught:
        stores.restore(BACK)
    assert caught.value.mailbox == INBOX
    assert stores.directories() == before


def test_a_full_disk_takes_nothing(stores: Stores) -> None:
    """What was begun is removed, and the mailbox stays as it was."""
    before, directories = stores.look(), stores.directories()
    stores.disk.room = 9000
    with pytest.raises((DiskFull, OSError)):
        stores.restore(INBOX)
    stores.disk.room = None
    assert stores.look() == before
    assert stores.directories() == directories


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOSPC, errno.EIO])
def test_what_it_replaces_need_not_take_a_mark(stores: Stores, error: int) -> None:
    """The account says that it is gone; its disk may fail then."""
    head = f"{stores.account().directory}/head"
    fault = Fault(WRITES, 1, error, where=head.__eq__)
    stores.disk.faults = (fault,)
    stores.restore(INBOX)
    stores.disk.faults = ()
    assert fault.fired
    after = contents(stores.look())
    assert after == [*contents(stores.before), (0, frozenset(), LATER)]
    assert not is_damaged(stores.disk)


def test_a_message_that_is_broken_in_the_copy_is_left_out(stores: Stores) -> None:
    """It is named, and all others come back."""
    stores.rot(BODIES[0], in_copy=True)
    done = stores.restore(BACK)
    assert (done.messages, done.broken) == (1, [1])
    assert contents(stores.look(BACK)) == contents(stores.before)[1:]


def test_a_message_that_can_not_be_read_in_the_copy_is_left_out() -> None:
    """A block that went bad costs the messages that lie in it, and no other."""
    stores = Stores([b"%d" % n + b"0123456789abcdef" * 1024 for n in range(4)])
    *_, before, broken, _ = messages = stores.before.messages
    path, at = stores.place(broken.body, in_copy=True)
    let_block_go_bad(stores.process, path, at)
    done = stores.restore(BACK)
    assert (done.messages, done.broken) == (4, [before.uid, broken.uid])
    messages = tuple(each for each in messages if each.uid not in done.broken)
    kept = stores.before._replace(messages=messages)
    assert contents(stores.look(BACK)) == contents(kept)


@pytest.mark.parametrize("target", [INBOX, MailboxName("INBOX/Back"), BACK])
def test_who_may_see_it(stores: Stores, target: MailboxName) -> None:
    """In place, who may see it now may see it still; a new one is as CREATE's."""
    account = stores.account()
    facts = {"acl bob": b"lr", "metadata /shared/comment": b"ours", "urlauth": b"key"}
    noted = [AccountMeta(account.mailbox_id, *fact) for fact in facts.items()]
    change = ChangeAccount(account.state, lambda _: noted)
    log = account_log(ACCOUNT, ACCOUNT_META)
    settings = settings_of(stores.process)
    run(commit(log, settings, lambda: [change], command=""), stores.process)
    stores.restore(target, source=INBOX)
    back = stores.account(target)
    assert back.mailbox_id != account.mailbox_id
    expected = {
        INBOX: {"acl bob", "metadata /shared/comment"},
        BACK: set(),
    }.get(target, {"acl bob"})
    assert back.state.meta.get(back.mailbox_id, {}).keys() == expected


def test_a_damaged_mailbox_is_repaired_first(stores: Stores) -> None:
    """What can't be read of it is not given up: repair finds it, then it is kept."""
    for body in (b"more" * 50, b"most" * 50):
        run(deliver(stores.account(), body), stores.process)
    account = stores.account()
    broken = frames_of(stores.disk, account.directory)[-2]
    flip(stores.disk, f"{account.directory}/log.1", broken.start + 70)
    directories = stores.directories()
    with pytest.raises(PlaceDamaged):
        stores.restore(INBOX)
    assert stores.account().mailbox_id == account.mailbox_id
    assert stores.directories() == directories
    repair(stores.disk, 5)
    assert stores.restore(INBOX).kept == 3
    bodies = [message.body for message in stores.look().messages]
    assert bodies == [*BODIES, LATER, b"more" * 50, b"most" * 50]


def test_a_marked_mailbox_is_not_replaced(stores: Stores) -> None:
    """Nor is one of which only the disk is doubted."""
    path = f"{stores.account().directory}/damaged"
    stores.process.close(stores.process.open(path, Mode.CREATE))
    with pytest.raises(PlaceDamaged):
        stores.restore(INBOX)
    assert stores.restore(BACK).messages == 2


def test_a_mailbox_that_was_made_meanwhile_is_not_overtaken(stores: Stores) -> None:
    """UIDVALIDITY only grows, also if others make mailboxes while it is filled."""
    account = stores.account()
    given = account.state.highest_uidvalidity + 10
    made = Create(bytes(16), given, MailboxName("Made"))
    wish = ChangeAccount(account.state.copy(), lambda _: [made])
    settings = settings_of(stores.process)

    def one_behind_the_other() -> Steps[Restored]:
        restoring = restore_mailbox(ALICE, INBOX, BACK, settings, in_place=False)
        wanted, is_made = next(restoring), False
        while True:
            if not is_made and wanted.method == "try_lock":
                is_made = True  # it is being filled
                log = account_log(ACCOUNT)
                yield from commit(log, settings, lambda: [wish], command="create")
            result = yield wanted
            try:
                wanted = restoring.send(result)
            except StopIteration as stop:
                return stop.value

    done: Restored = run(one_behind_the_other(), stores.process)
    assert done.uidvalidity > given
    assert stores.look(BACK).uidvalidity == done.uidvalidity
    assert stores.account().state.names[BACK].uidvalidity == done.uidvalidity


def test_looking_into_a_copy_writes_nothing(stores: Stores) -> None:
    """A copy is never written to."""
    before = {
        path: data
        for path, data in stores.disk.tree().items()
        if path.startswith(THERE)
    }
    stores.restore(BACK)
    after = stores.disk.tree()
    assert {path: after[path] for path in before} == before
    with pytest.raises(NoSuchMailbox):
        run(
            restore_mailbox(
                ALICE,
                INBOX,
                MailboxName("Nowhere"),
                settings_of(stores.process),
                in_place=True,
            ),
            stores.process,
        )
