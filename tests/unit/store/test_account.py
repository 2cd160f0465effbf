"""One user's tree of mailboxes, changed by several processes."""

import errno
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import ensureDeferred, gatherResults

from imapbox.disk.spool import MemoryContent
from imapbox.index.account_operations import Rename, Subscribe
from imapbox.index.head import DELETED, Head
from imapbox.mailbox.updates import Expunged
from imapbox.mailbox.values import NewMessage, Piece
from imapbox.model.errors import (
    MailboxExists,
    MailboxGone,
    MailboxNameRefused,
    MailError,
    NoSuchMailbox,
    StoreFailure,
    TooManyMailboxes,
    TooManySubscriptions,
)
from imapbox.model.flags import FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.names import (
    INBOX,
    MAX_LEVELS,
    MAX_NAME_BYTES,
    MailboxName,
    mailbox_name,
)
from imapbox.store import tree_changes
from imapbox.store.create import SPECIAL_USE
from imapbox.store.layout import mailbox_directory
from imapbox.store.store import Store
from tests.support.mail_store import (
    BOB,
    Fail,
    Opener,
    Stall,
    TestDisk,
    account_of,
    deliver,
    disk_of,
    new_message,
)
from tests.support.waiting import reactor, turn, until

A, B, C = (mailbox_name(name) for name in ("a", "b", "c"))


def damaged(store: Store) -> list[Path]:
    """Return the marks of damage in a store."""
    return list(Path(store.root).rglob("damaged"))


async def names(account: Any) -> list[str]:
    """Return the mailboxes, but for those that every account has."""
    listed = await account.mailboxes()
    return [each.name for each in listed if each.exists and not each.special_use]


@pytest_twisted.ensureDeferred
async def test_a_new_mailbox_is_seen_by_all(open_store: Opener) -> None:
    """What one process creates, deletes or renames is so for all of them."""
    one = await account_of(await open_store())
    other = await account_of(await open_store())
    await one.create(A)
    assert await names(other) == [INBOX, "a"]
    with pytest.raises(MailboxExists):
        await other.create(A)
    await other.rename(A, B)
    assert await names(one) == [INBOX, "b"]
    with pytest.raises(NoSuchMailbox):
        await one.delete(A)
    await one.delete(B)
    assert await names(other) == [INBOX]
    with pytest.raises(NoSuchMailbox):
        await other.status(B)


@pytest_twisted.ensureDeferred
async def test_a_new_account_has_what_clients_look_for(open_store: Opener) -> None:
    """A new account has five mailboxes besides INBOX, subscribed, each with its use."""
    account = await account_of(await open_store())
    listed = list(await account.mailboxes())
    assert {each.name: each.special_use for each in listed} == {
        "INBOX": None,
        "Archive": "\\Archive",
        "Drafts": "\\Drafts",
        "Junk": "\\Junk",
        "Sent": "\\Sent",
        "Trash": "\\Trash",
    }
    assert all(each.exists and each.subscribed for each in listed)
    given = {(await account.status(each.name)).uidvalidity for each in listed}
    assert len(given) == len(listed)


@pytest_twisted.ensureDeferred
async def test_a_use_stays_with_its_mailbox(open_store: Opener) -> None:
    """A mailbox keeps its use with another name; a new one of the old name has none."""
    store = await open_store()
    account = await account_of(store)
    sent = mailbox_name("Sent")
    await account.rename(sent, A)
    await account.create(sent)
    await account.delete(mailbox_name("Junk"))
    for each in (account, await account_of(await open_store())):
        uses = {one.name: one.special_use for one in await each.mailboxes()}
        assert (uses["a"], uses["Sent"]) == ("\\Sent", None)


@pytest_twisted.ensureDeferred
async def test_inbox_is_there_and_stays(open_store: Opener) -> None:
    """INBOX is there from the beginning, can't be made, and can't be deleted."""
    account = await account_of(await open_store())
    assert await names(account) == [INBOX]
    inbox, *_ = await account.mailboxes()
    assert inbox.subscribed
    with pytest.raises(MailboxExists):
        await account.create(mailbox_name("inbox"))
    with pytest.raises(MailboxNameRefused):
        await account.delete(INBOX)


@pytest_twisted.ensureDeferred
async def test_a_race_to_create_has_one_winner(open_store: Opener) -> None:
    """Of several who create one name at once, one does, the others are told."""
    accounts = [await account_of(await open_store()) for _ in range(3)]

    async def create(account: Any) -> bool:
        try:
            await account.create(A)
        except MailboxExists:
            return False
        return True

    won = await gatherResults([ensureDeferred(create(each)) for each in accounts * 3])
    assert sorted(won) == [False] * 8 + [True]


@pytest_twisted.ensureDeferred
async def test_a_race_of_deletions_and_renames(open_store: Opener) -> None:
    """A mailbox that is deleted and renamed at once ends as one of the two."""
    accounts = [await account_of(await open_store()) for _ in range(2)]
    for _ in range(10):
        await accounts[0].create(A)
        await accounts[1].mailboxes()
        results = await gatherResults(
            [
                ensureDeferred(tried(accounts[0].delete(A))),
                ensureDeferred(tried(accounts[1].rename(A, B))),
            ]
        )
        left = await names(accounts[0])
        assert left == await names(accounts[1])
        if results[0] is None:
            assert left == [INBOX]
            assert isinstance(results[1], NoSuchMailbox)
        else:
            assert isinstance(results[0], NoSuchMailbox)
            assert left == [INBOX, "b"]
            await accounts[0].delete(B)


async def tried(work: Any) -> MailError | None:
    try:
        await work
    except MailError as error:
        return error
    return None


@pytest_twisted.ensureDeferred
async def test_uidvalidity_only_grows(open_store: Opener) -> None:
    """Each mailbox has a greater UIDVALIDITY than any that was made before it."""
    accounts = [await account_of(await open_store()) for _ in range(3)]
    given = [(await accounts[0].status(INBOX)).uidvalidity]
    for number in range(5):
        some = [mailbox_name(f"{number}-{each}") for each in range(3)]
        await gatherResults(
            [
                ensureDeferred(account.create(name))
                for account, name in zip(accounts, some, strict=True)
            ]
        )
        new = sorted([(await accounts[0].status(name)).uidvalidity for name in some])
        given += new
        await accounts[number % 3].delete(some[0])
    assert all(one < other for one, other in pairwise(given))


@pytest_twisted.ensureDeferred
async def test_a_name_made_again_is_another_mailbox(open_store: Opener) -> None:
    """A mailbox that is deleted and made again is empty and has other numbers."""
    store = await open_store()
    account = await account_of(store)
    await account.create(A)
    await deliver(store, "bob+a")
    before = await account.status(A)
    await account.delete(A)
    await account.create(A)
    after = await account.status(A)
    assert (before.messages, after.messages) == (1, 0)
    assert after.uidvalidity > before.uidvalidity


@pytest_twisted.ensureDeferred
async def test_rename_keeps_what_is_inside(open_store: Opener) -> None:
    """A renamed mailbox and those below it keep messages and UIDVALIDITY."""
    store = await open_store()
    account = await account_of(store)
    for name in ("a", "a/b", "a/b/c", "ab"):
        await account.create(mailbox_name(name))
    await deliver(store, "bob+a/b")
    before = await account.status(mailbox_name("a/b"))
    await account.rename(A, mailbox_name("x/y"))
    assert await names(account) == [INBOX, "ab", "x/y", "x/y/b", "x/y/b/c"]
    assert await account.status(mailbox_name("x/y/b")) == before
    with pytest.raises(MailboxNameRefused):
        await account.rename(mailbox_name("x/y"), mailbox_name("x/y/z"))
    with pytest.raises(MailboxExists):
        await account.rename(mailbox_name("x/y"), mailbox_name("ab"))
    with pytest.raises(MailboxExists):
        await account.rename(mailbox_name("ab"), INBOX)
    with pytest.raises(NoSuchMailbox):
        await account.rename(C, A)


@pytest_twisted.ensureDeferred
async def test_rename_of_what_is_only_above(open_store: Opener) -> None:
    """A name that only has mailboxes below it can be renamed, too."""
    account = await account_of(await open_store())
    await account.create(mailbox_name("a/b"))
    await account.rename(A, C)
    assert await names(account) == [INBOX, "c/b"]


@pytest_twisted.ensureDeferred
async def test_a_parent_may_take_its_childs_place(open_store: Opener) -> None:
    """a/b may become a, where there is no a, with what is below it."""
    account = await account_of(await open_store())
    for name in ("a/b", "a/b/b"):
        await account.create(mailbox_name(name))
    await account.rename(mailbox_name("a/b"), A)
    assert await names(account) == [INBOX, "a", "a/b"]


@pytest_twisted.ensureDeferred
async def test_no_name_becomes_too_deep(open_store: Opener) -> None:
    """A rename that would make a name too deep to be asked for is refused."""
    account = await account_of(await open_store())
    deep = mailbox_name("/".join("a" * (MAX_LEVELS - 1)))
    await account.create(deep)
    with pytest.raises(MailboxNameRefused):
        await account.rename(A, mailbox_name("x/y/z"))
    assert await names(account) == [INBOX, deep]


@pytest_twisted.ensureDeferred
async def test_an_account_has_so_many_names(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account has room for so many mailboxes and subscriptions, and no more.

    What another process made a moment ago counts; what is removed makes room.
    """
    have = 1 + len(SPECIAL_USE)
    monkeypatch.setattr(tree_changes, "MOST_MAILBOXES", have + 1)
    monkeypatch.setattr(tree_changes, "MOST_SUBSCRIPTIONS", have + 1)
    accounts = [await account_of(await open_store()) for _ in range(2)]
    for kind, undo, error in (
        ("create", "delete", TooManyMailboxes),
        ("subscribe", "unsubscribe", TooManySubscriptions),
    ):
        both = [getattr(accounts[0], kind)(A), getattr(accounts[1], kind)(B)]
        done = await gatherResults([ensureDeferred(tried(work)) for work in both])
        assert Counter(map(type, done)) == {type(None): 1, error: 1}
        there, other = (A, B) if done[0] is None else (B, A)
        if kind == "subscribe":
            await accounts[1].subscribe(there)  # it is already
        await getattr(accounts[1], undo)(there)
        await getattr(accounts[1], kind)(other)
    (made,) = set(await names(accounts[0])) - {INBOX}
    await accounts[0].rename(mailbox_name(made), C)  # it is no new one
    assert await names(accounts[0]) == [INBOX, C]


@pytest_twisted.ensureDeferred
async def test_a_name_is_so_long(open_store: Opener) -> None:
    """A new name has so many octets at most.

    A mailbox that has a longer one from before can be read, renamed and removed.
    """
    store = await open_store()
    account = await account_of(store)
    full = "/".join(("ä" * 99, *"b" * 8))  # 214 octets
    most = mailbox_name(full + "/" + "/".join(("c" * 196,) * 4)[: MAX_NAME_BYTES - 215])
    assert len(most.encode()) == MAX_NAME_BYTES
    more = MailboxName(most + "c")
    await account.create(most)
    await account.subscribe(most)
    for work in (account.create(more), account.subscribe(more)):
        assert type(await tried(work)) is MailboxNameRefused
    assert type(await tried(account.rename(most, more))) is MailboxNameRefused
    log = await store.account(BOB)
    old = [Rename(log.named(most).mailbox_id, more), Subscribe(more)]
    await log.note(lambda _: old)
    assert (await account.status(more)).messages == 0
    assert more in {each.name for each in await account.mailboxes()}
    await account.unsubscribe(more)
    await account.subscribe(more)  # it is a mailbox's
    await account.unsubscribe(more)
    await account.rename(more, A)
    assert await names(account) == [INBOX, A]


@pytest_twisted.ensureDeferred
async def test_subscriptions_outlive_their_mailbox(open_store: Opener) -> None:
    """A subscribed name need not exist, and stays when its mailbox goes."""
    account = await account_of(await open_store())
    await account.subscribe(A)
    await account.subscribe(A)
    await account.create(A)
    await account.delete(A)
    listed = {each.name: each for each in await account.mailboxes()}
    assert listed[A].subscribed
    assert not listed[A].exists
    await account.unsubscribe(A)
    await account.unsubscribe(A)
    assert A not in {each.name for each in await account.mailboxes()}


@pytest_twisted.ensureDeferred
async def test_list_shows_the_names_above(open_store: Opener) -> None:
    """Names above a mailbox are listed as what can't be selected."""
    account = await account_of(await open_store())
    await account.create(mailbox_name("a/b/c"))
    listed = [
        (each.name, each.exists, each.has_children)
        for each in await account.mailboxes()
        if not each.special_use
    ]
    assert listed == [
        (INBOX, True, False),
        ("a", False, True),
        ("a/b", False, True),
        ("a/b/c", True, False),
    ]


@pytest_twisted.ensureDeferred
async def test_rename_inbox_moves_everything(open_store: Opener) -> None:
    """RENAME of INBOX moves messages: flags, keywords, dates, cards and octets."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    date = InternalDate(1_000_000_000, -90)
    messages = [
        NewMessage(MemoryContent(b"1", b"card"), frozenset(), None),
        new_message(b"2", "\\Seen", "k1", "K2"),
    ]
    messages.append(NewMessage(messages[0].content, frozenset({"k2"}), date))
    await account.append(INBOX, messages)
    old = await (await account_of(other)).select(INBOX, read_only=False)
    await old.set_flags([1], FlagChange.ADD, frozenset({"\\Flagged", "k3"}))
    await account.rename(INBOX, A)
    new = await account.select(A, read_only=True)

    def facts(selected: Any) -> list[Any]:
        keywords = selected.keywords()
        return [
            (
                message.seq,
                message.flags,
                {k for n, k in enumerate(keywords) if message.keywords >> n & 1},
                (message.date, message.zone, message.size),
            )
            for message in selected.by_seq([range(1, selected.exists + 1)])
        ]

    assert facts(new) == facts(old)
    pieces = [Piece(message.uid, 0, 100) for message in new.by_seq([range(1, 4)])]
    assert await new.read(pieces) == [b"1", b"2", b"1"]
    uids = [piece.uid for piece in pieces]
    assert await new.read_cards(uids) == [b"card", None, b"card"]
    updates = await old.sync(may_expunge=True)
    assert [each.seq for each in updates if isinstance(each, Expunged)] == [3, 2, 1]
    assert (await account.status(INBOX)).uidnext == 4
    emailids = [
        store.mailbox(shared, shared.named(name).mailbox_id)
        .state.columns["emailid"]
        .tolist()
        for shared in [await store.account(BOB)]
        for name in (INBOX, A)
    ]
    assert emailids[0] == emailids[1]
    new.close()
    old.close()


@pytest_twisted.ensureDeferred
async def test_rename_inbox_to_a_taken_name(open_store: Opener) -> None:
    """RENAME of INBOX to a name that exists moves nothing."""
    store = await open_store()
    account = await account_of(store)
    await account.create(A)
    await deliver(store)
    with pytest.raises(MailboxExists):
        await account.rename(INBOX, A)
    assert (await account.status(INBOX)).messages == 1


@pytest_twisted.ensureDeferred
async def test_a_change_halfway_is_waited_for(open_store: Opener) -> None:
    """A delivery waits for another process's change of the account, and succeeds."""
    store, other = await open_store(), await open_store()
    await account_of(store)
    account = await account_of(other)
    for number in range(6):
        disk_of(other).steer = stall = Stall("fdatasync", "/account/log.")
        changing = ensureDeferred(account.subscribe(mailbox_name(f"s{number}")))
        await until(lambda stall=stall: stall.stopped)
        delivered = ensureDeferred(deliver(store))
        await turn()
        assert not delivered.called
        stall.end()
        await changing
        assert await delivered == number + 1


@pytest_twisted.ensureDeferred
async def test_a_change_that_fails_changes_nothing(open_store: Opener) -> None:
    """Where the disk refuses a change, the client is told, and may try again."""
    store = await open_store()
    account = await account_of(store)
    fail = Fail("make_directory", "/mailboxes/", errno.EIO)
    disk_of(store).steer = fail
    with pytest.raises(StoreFailure):
        await account.create(A)
    fail.failing = False
    assert await names(account) == [INBOX]
    await account.create(A)


@pytest_twisted.ensureDeferred
async def test_a_deleted_mailbox_ends_its_sessions(open_store: Opener) -> None:
    """Who has a mailbox selected that another process deletes learns that."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await account.create(A)
    selected = await account.select(A, read_only=False)
    changed = selected.changed()
    await (await account_of(other)).delete(A)
    await changed.addTimeout(10, store.drivers.reactor)
    with pytest.raises(MailboxGone):
        await selected.sync(may_expunge=False)
    with pytest.raises(MailboxGone):
        await selected.set_flags([1], FlagChange.ADD, frozenset({"\\Seen"}))
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_deleted_mailbox_bears_a_mark(open_store: Opener) -> None:
    """Whoever looks at a deleted mailbox's head sees that it is deleted."""
    store = await open_store()
    account = await account_of(store)
    await account.create(A)
    shared = await store.account(BOB)
    head = f"{mailbox_directory(BOB, shared.named(A).mailbox_id)}/head"
    await account.delete(A)
    found = Head.decode((Path(store.root) / head).read_bytes())
    assert found is not None
    assert found.flags == DELETED


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("open", errno.EMFILE),
        ("open", errno.EACCES),
        ("pwrite", errno.EROFS),
        ("pwrite", errno.ENOSPC),
        ("pwrite", errno.EIO),
        ("close", errno.EIO),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_deletion_without_its_mark(
    open_store: Opener, method: str, error: int
) -> None:
    """A DELETE whose mark fails is done, and no damage; sessions learn of it, too."""
    store, other = await open_store(), await open_store()
    account = await account_of(store)
    await account.create(A)
    selected = await account.select(A, read_only=False)
    bobs = await account_of(other)
    await bobs.mailboxes()
    is_deleted = False

    def fail(called: str, path: str) -> None:
        nonlocal is_deleted
        if called == "fdatasync":
            is_deleted = True  # of the account's log
        is_head = "/mailboxes/" in path and path.endswith("/head")
        if is_deleted and called == method and is_head:
            raise OSError(error, os.strerror(error), path)

    disk_of(other).steer = fail
    await bobs.delete(A)
    disk_of(other).steer = None
    assert is_deleted
    with pytest.raises(MailboxGone):
        await selected.sync(may_expunge=True)
    assert await names(account) == [INBOX]
    assert not damaged(store)
    selected.close()


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(
    lambda levels: mailbox_name("/".join(levels))
)
CHANGES = st.tuples(
    st.sampled_from(["create", "delete", "rename", "subscribe", "unsubscribe"]),
    st.integers(0, 1),
    NAMES,
    NAMES,
)


@given(changes=st.lists(CHANGES, max_size=12))
@settings(max_examples=25)
async def test_the_tree_is_what_a_model_says(
    tmp_path_factory: pytest.TempPathFactory, changes: Any
) -> None:
    """Whatever two processes do to the tree, it is as a simple model has it."""
    root = tmp_path_factory.mktemp("tree")
    stores = [
        Store(str(root), reactor, make=True, filesystem=TestDisk(str(root)))
        for _ in range(2)
    ]
    for store in stores:
        await store.start()
    try:
        accounts = [await account_of(store) for store in stores]
        tree: set[str] = {INBOX, *SPECIAL_USE}
        subscribed = set(tree)
        for kind, who, name, other in changes:
            expected = expect(tree, subscribed, kind, name, other)
            work = getattr(accounts[who], kind)
            done = await tried(work(name, other) if kind == "rename" else work(name))
            assert (done is None) == expected, (kind, name, other, done)
        for account in accounts:
            listed = await account.mailboxes()
            assert {each.name for each in listed if each.exists} == tree
            assert {each.name for each in listed if each.subscribed} == subscribed
    finally:
        for store in stores:
            await store.stop()


def expect(
    tree: set[str], subscribed: set[str], kind: str, name: MailboxName, other: str
) -> bool:
    """Do it to the model; say whether it may be done."""
    if kind == "create":
        done = name not in tree
        tree.add(name)
        return done
    if kind == "delete":
        done = name in tree
        tree.discard(name)
        return done
    if kind == "rename":
        return expect_rename(tree, name, other)
    subscribed.add(name)
    if kind == "unsubscribe":
        subscribed.discard(name)
    return True


def expect_rename(tree: set[str], name: str, other: str) -> bool:
    moved = {each for each in tree if each == name or each.startswith(name + "/")}
    new = {other + each[len(name) :] for each in moved}
    if not moved or other == name or other.startswith(name + "/"):
        return False
    if new & (tree - moved):
        return False
    tree -= moved
    tree |= new
    return True
