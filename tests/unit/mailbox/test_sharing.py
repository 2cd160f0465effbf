"""What one user may see of another's mail, and how that is kept."""

import gc
import weakref
from collections.abc import Awaitable
from pathlib import Path

import pytest
import pytest_twisted

from imapbox.mailbox import access_list
from imapbox.mailbox.access import Visitor
from imapbox.mailbox.sharing_account import SharingAccount, open_sharing_account
from imapbox.model.errors import (
    MailboxDamaged,
    MailboxExists,
    MailboxNameRefused,
    MailError,
    NoSuchMailbox,
    NotPermitted,
    RightsRefused,
    TooManyRights,
)
from imapbox.model.names import (
    INBOX,
    SHARED_USER,
    MailboxName,
    UserName,
    mailbox_name,
    user_name,
)
from imapbox.model.rights import (
    ALL_RIGHTS,
    NO_RIGHTS,
    Rights,
    RightsChange,
    Sign,
    named_rights,
    stored_rights,
    told_letters,
)
from imapbox.store.account import AccountLog
from imapbox.store.shares import Shares, owners_for
from imapbox.store.store import Store
from tests.support.mail_store import BOB, Opener, account_of, deliver, disk_of

ANA = UserName("ana")
WORK = mailbox_name("Work")
THEIRS = mailbox_name("Other Users/bob/INBOX")
READ = named_rights("lr")


async def both(store: Store) -> tuple[SharingAccount, SharingAccount]:
    return (
        await open_sharing_account(store, Visitor(BOB)),
        await open_sharing_account(store, Visitor(ANA)),
    )


def give(letters: str) -> RightsChange:
    return RightsChange(Sign.REPLACE, named_rights(letters))


async def names_seen(account: SharingAccount) -> set[MailboxName]:
    return {
        each.name
        for each in await account.mailboxes()
        if each.exists and not each.is_personal
    }


async def registered(store: Store) -> frozenset[UserName]:
    """Return whom the register names as having given rights to Ana."""
    account = await Shares(store).account()
    return frozenset() if account is None else owners_for(account, ANA)


def rot(path: Path, last: bytes) -> None:
    """Flip a bit where these octets are for the last time."""
    octets = bytearray(path.read_bytes())
    octets[octets.rindex(last)] ^= 1
    path.write_bytes(octets)


async def outcome(work: Awaitable[object]) -> type[Exception] | None:
    try:
        await work
    except MailError as error:
        return type(error)
    return None


def test_letters() -> None:
    """Each right is a letter; letters that nobody knows are refused, or are none."""
    assert told_letters(ALL_RIGHTS) == "lrswipkxteacd"
    assert told_letters(NO_RIGHTS) == ""
    assert told_letters(Rights.DELETE) == "xc"
    assert named_rights("dc") == named_rights("tekx")
    assert stored_rights("lr9Q") == READ
    with pytest.raises(ValueError, match="q"):
        named_rights("lrq")


def test_nobody_has_the_shared_account() -> None:
    """The account of what is nobody's own can't be any user's."""
    assert user_name(SHARED_USER) != SHARED_USER


@pytest_twisted.ensureDeferred
async def test_rights_outlive_the_process(open_store: Opener) -> None:
    """Rights are known to all processes at once, and to those that come later.

    The register has the giver for as long as there is something to find.
    """
    store = await open_store()
    bob, ana = await both(store)
    await bob.create(WORK)
    other = await open_store()
    _, elsewhere = await both(other)
    assert await names_seen(elsewhere) == set()
    await bob.change_rights(WORK, ANA, give("lr"))
    await bob.change_rights(INBOX, ANA, give("lr"))
    everything = {THEIRS, mailbox_name("Other Users/bob/Work")}
    assert await names_seen(elsewhere) == everything
    await bob.delete(WORK)
    assert await names_seen(elsewhere) == {THEIRS}
    assert await registered(store) == {BOB}
    await bob.change_rights(INBOX, ANA, give(""))
    assert await names_seen(elsewhere) == set()
    assert await registered(store) == frozenset()
    assert await outcome(ana.select(THEIRS, read_only=True)) is NoSuchMailbox


@pytest_twisted.ensureDeferred
async def test_an_entry_without_rights_does_no_harm(open_store: Opener) -> None:
    """What a crash leaves, an entry in the register, shows and opens nothing."""
    store = await open_store()
    _, ana = await both(store)
    await Shares(store).enter(BOB, ANA)
    await Shares(store).enter(UserName("nobody"), ANA)
    assert await names_seen(ana) == set()
    for name in (THEIRS, mailbox_name("Other Users/nobody/INBOX")):
        assert await outcome(ana.select(name, read_only=True)) is NoSuchMailbox
        assert await outcome(ana.status(name)) is NoSuchMailbox


@pytest_twisted.ensureDeferred
async def test_anothers_damage_is_not_told(open_store: Opener) -> None:
    """An account of somebody who gave no rights is not touched, whatever its state."""
    store = await open_store()
    await account_of(store)
    ana = await open_sharing_account(store, Visitor(ANA))
    touched: list[str] = []
    disk_of(store).steer = lambda _, path: (
        touched.append(path) if "/bob/" in path else None
    )
    for work in (
        ana.select(THEIRS, read_only=False),
        ana.status(THEIRS),
        ana.check_append(THEIRS),
        ana.my_rights(THEIRS),
        ana.access_list(THEIRS),
        ana.delete(THEIRS),
        ana.target(THEIRS),
    ):
        assert await outcome(work) is NoSuchMailbox
    for work in (ana.create(mailbox_name("Other Users/bob/x")),):
        assert await outcome(work) is NotPermitted
    await ana.mailboxes()
    assert touched == []


@pytest_twisted.ensureDeferred
async def test_anothers_damage_hides_nothing(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an account that is shared can't be read, all else is listed."""
    bob, ana = await both(await open_store())
    await bob.change_rights(INBOX, ANA, give("lr"))
    sync = AccountLog.sync

    async def fail(self: AccountLog) -> None:
        if self.user == BOB:
            raise MailboxDamaged(self.user)
        await sync(self)

    monkeypatch.setattr(AccountLog, "sync", fail)
    assert INBOX in {each.name for each in await ana.mailboxes()}
    assert await names_seen(ana) == set()
    assert await outcome(ana.status(THEIRS)) is MailboxDamaged


@pytest_twisted.ensureDeferred
async def test_who_listens_no_more_is_forgotten(open_store: Opener) -> None:
    """A NOTIFY costs nothing any more once another took its place."""
    bob, _ = await both(await open_store())
    watching = bob.watch(lambda: None)
    assert watching is not None
    known = weakref.ref(watching)
    watching.close()
    del watching
    gc.collect()
    assert known() is None


@pytest_twisted.ensureDeferred
async def test_so_many_have_rights(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mailbox has room for so many who have rights, and so has an account."""
    monkeypatch.setattr(access_list, "MOST_OF_MAILBOX", 2)
    monkeypatch.setattr(access_list, "MOST_OF_ACCOUNT", 3)
    store = await open_store()
    bob, _ = await both(store)
    await bob.create(WORK)
    for user in ("a", "b", "a"):
        await bob.change_rights(INBOX, user, give("lr"))
    assert await outcome(bob.change_rights(INBOX, "c", give("l"))) is TooManyRights
    shared = await Shares(store).account()
    assert shared is not None
    assert owners_for(shared, "c") == frozenset()
    await bob.change_rights(WORK, "c", give("l"))
    assert await outcome(bob.change_rights(WORK, "d", give("l"))) is TooManyRights
    await bob.change_rights(INBOX, "b", give(""))
    await bob.change_rights(WORK, "d", give("l"))


@pytest_twisted.ensureDeferred
async def test_who_can_not_be_a_level_shares_nothing(open_store: Opener) -> None:
    """Others could not name the mailboxes of a user called "a/b"."""
    store = await open_store()
    mail = await open_sharing_account(store, Visitor(UserName("a/b")))
    given = mail.change_rights(INBOX, ANA, give("lr"))
    assert await outcome(given) is RightsRefused


@pytest_twisted.ensureDeferred
async def test_ones_own_mailboxes_keep_their_names(open_store: Opener) -> None:
    """A mailbox that one has below "Other Users" or "Shared" already stays one's own.

    It hides others' of the same name, can be renamed away, and no other is made there.
    """
    store = await open_store()
    before = await account_of(store, ANA)
    for name in ("Other Users/bob/INBOX", "Shared", "Shared/x"):
        await before.create(mailbox_name(name))
    bob, ana = await both(store)
    await deliver(store)
    await bob.change_rights(INBOX, ANA, give("lr"))
    assert (await ana.status(THEIRS)).messages == 0
    assert await ana.my_rights(THEIRS) == ALL_RIGHTS
    assert await names_seen(ana) == set()
    assert await outcome(ana.create(THEIRS)) is MailboxExists
    assert await outcome(ana.create(mailbox_name("Shared/y"))) is NotPermitted
    below = mailbox_name("Other Users/bob")
    assert await outcome(ana.create(below)) is MailboxNameRefused
    await ana.rename(THEIRS, WORK)
    assert (await ana.status(THEIRS)).messages == 1


@pytest_twisted.ensureDeferred
async def test_nobody_is_let_into_a_damaged_account(open_store: Opener) -> None:
    """What was taken back stays so if the frame that says it rots; all else waits."""
    store = await open_store()
    bob, _ = await both(store)
    await bob.change_rights(INBOX, ANA, give("lr"))
    key = await (await account_of(store)).url_keys.need(INBOX)
    await bob.create(WORK)
    await bob.change_rights(WORK, ANA, give("lr"))
    await bob.change_rights(INBOX, ANA, give(""))
    await (await account_of(store)).url_keys.renew(INBOX)
    log = (await store.account(BOB)).log
    path = Path(store.root, log.directory, f"log.{log.state.position.segment}")
    rot(path, b"urlauth")
    other = await open_store()
    bob, ana = await both(other)
    assert await names_seen(ana) == set()
    assert await outcome(ana.select(THEIRS, read_only=True)) is NoSuchMailbox
    owner = await account_of(other)
    assert key is not None
    assert await owner.url_keys.find(INBOX) is None
    (await bob.select(INBOX, read_only=True)).close()
    assert WORK in {each.name for each in await bob.mailboxes()}
