"""COPY and MOVE over a real store, by several processes."""

import errno
from collections.abc import Awaitable
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, ensureDeferred

from imapbox.index.damage import DAMAGED
from imapbox.mailbox import transfer
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.transfer import Transfer
from imapbox.mailbox.updates import Exists, Expunged
from imapbox.mailbox.values import NewMessage, Piece
from imapbox.model.errors import (
    DiskFull,
    MailboxGone,
    MailboxReadOnly,
    MailError,
    MessageGone,
    NoSuchMailbox,
    StoreFailure,
    TooMuchAtOnce,
)
from imapbox.model.flags import FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.names import INBOX, MailboxName, mailbox_name
from imapbox.store.store import Store
from tests.support.mail_store import (
    Fail,
    Opener,
    Stall,
    TestDisk,
    account_of,
    disk_of,
    new_message,
)
from tests.support.waiting import reactor, until

A, B = mailbox_name("a"), mailbox_name("b")
DATE = InternalDate(1_000_000_000, -90)
Facts = tuple[bytes, int, frozenset[str], int, int]


async def facts(account: UserAccount, name: MailboxName) -> list[Facts]:
    """Return all that makes a message what it is, for all of a mailbox."""
    selected = await account.select(name, read_only=True)
    messages = list(selected.by_seq([range(1, selected.exists + 1)]))
    pieces = [Piece(each.uid, 0, each.size) for each in messages]
    bodies = await selected.read(pieces)
    table = selected.keywords()
    selected.close()
    found = []
    for message, body in zip(messages, bodies, strict=True):
        assert body is not None
        words = {word for n, word in enumerate(table) if message.keywords >> n & 1}
        row = (body, message.flags, frozenset(words), message.date, message.zone)
        found.append(row)
    return found


async def filled(account: UserAccount, *bodies: bytes) -> Selected:
    """Put messages into a new mailbox "a", make "b", and select "a"."""
    for name in (A, B):
        await account.create(name)
    messages = [
        NewMessage(new_message(body).content, frozenset({"\\Seen", f"k{n}"}), DATE)
        for n, body in enumerate(bodies, start=1)
    ]
    await account.append(A, messages)
    return await account.select(A, read_only=False)


@pytest_twisted.ensureDeferred
async def test_copies_are_as_their_originals(open_store: Opener) -> None:
    """A copy has octets, flags, keywords and date; every process sees it."""
    store = await open_store()
    account, other = await account_of(store), await account_of(await open_store())
    large = bytes(range(256)) * 8192
    selected = await filled(account, b"1", large, b"3")
    await other.append(B, [new_message(b"first", "K3", "own")])
    copied = await selected.copy([1, 2, 3], B)
    assert copied is not None
    assert list(copied.originals) == [1, 2, 3]
    assert list(copied.uids) == [2, 3, 4]
    assert copied.uidvalidity == (await account.status(B)).uidvalidity
    originals = await facts(account, A)
    for each in (account, other):
        first, *copies = await facts(each, B)
        assert first[0] == b"first"
        assert [row[0] for row in copies] == [b"1", large, b"3"]
        for copy, original in zip(copies, originals, strict=True):
            assert {word.lower() for word in copy[2]} == original[2]
            assert (copy[:2], copy[3:]) == (original[:2], original[3:])
    status = await other.status(B)
    assert status.size == len(b"first") + 2 + len(large)
    assert (status.recent, status.unseen) == (4, 1)
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_copy_into_its_own_mailbox(open_store: Opener) -> None:
    """What is copied or moved into its own mailbox is there with a new UID."""
    account = await account_of(await open_store())
    selected = await filled(account, b"1", b"2")
    copied = await selected.copy([1], A)
    assert copied is not None
    assert list(copied.uids) == [3]
    (exists,) = await selected.sync(may_expunge=True)
    assert isinstance(exists, Exists)
    moved = await selected.move([1, 2], A)
    assert moved is not None
    assert list(moved.uids) == [4, 5]
    updates = list(await selected.sync(may_expunge=True))
    assert updates[:2] == [Expunged(2), Expunged(1)]
    bodies = [row[0] for row in await facts(account, A)]
    assert bodies == [b"1", b"1", b"2"]
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_move_is_one_change(open_store: Opener) -> None:
    """What is moved is there and no longer here, for every process."""
    account, other = [await account_of(await open_store()) for _ in "12"]
    selected = await filled(account, b"1", b"2", b"3", b"4")
    far = await other.select(A, read_only=True)
    before = await facts(account, A)
    moved = await selected.move([1, 3, 4], B)
    assert moved is not None
    assert (list(moved.originals), list(moved.uids)) == ([1, 3, 4], [1, 2, 3])
    for session in (selected, far):
        updates = await session.sync(may_expunge=True)
        gone = [each.seq for each in updates if isinstance(each, Expunged)]
        assert gone == [4, 3, 1]
        session.close()
    assert await facts(other, B) == [before[0], *before[2:]]
    assert await facts(other, A) == [before[1]]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("how", ["copy", "move"])
async def test_nothing_is_nothing(open_store: Opener, how: str) -> None:
    """To copy or move no message does nothing, but the mailbox must be there."""
    account = await account_of(await open_store())
    selected = await filled(account, b"1")
    assert await getattr(selected, how)([], B) is None
    with pytest.raises(NoSuchMailbox):
        await getattr(selected, how)([], mailbox_name("nowhere"))
    selected.close()


@pytest_twisted.ensureDeferred
async def test_what_is_read_only_is_copied_not_moved(open_store: Opener) -> None:
    """From a mailbox opened with EXAMINE messages are copied, and never moved."""
    account = await account_of(await open_store())
    (await filled(account, b"1")).close()
    selected = await account.select(A, read_only=True)
    await selected.copy([1], B)
    with pytest.raises(MailboxReadOnly):
        await selected.move([1], B)
    assert len(await facts(account, A)) == len(await facts(account, B)) == 1
    selected.close()


async def outcome(work: Awaitable[Any]) -> type[MailError] | None:
    try:
        await work
    except MailError as error:
        return type(error)
    return None


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ("flags", None),
        ("expunge", MessageGone),
        ("delete target", NoSuchMailbox),
        ("delete source", MailboxGone),
        ("rename target", None),
    ],
)
async def test_what_happens_before_the_lock_counts(
    open_store: Opener, meanwhile: str, expected: type[MailError] | None
) -> None:
    """A MOVE is of what is true once it has the locks, in whatever process."""
    store = await open_store()
    account, other = await account_of(store), await account_of(await open_store())
    selected = await filled(account, b"1", b"2")
    far = await other.select(A, read_only=False)
    disk_of(store).steer = stall = Stall("try_lock", "/account/lock")
    moving = ensureDeferred(outcome(selected.move([1, 2], B)))
    await until(lambda: stall.stopped)
    if meanwhile in {"flags", "expunge"}:
        await far.set_flags([2], FlagChange.ADD, frozenset({"\\Deleted", "new"}))
    if meanwhile == "expunge":
        await far.expunge()
    elif meanwhile.startswith("delete"):
        await other.delete(B if meanwhile.endswith("target") else A)
    elif meanwhile == "rename target":
        await other.rename(B, mailbox_name("c"))
    stall.end()
    assert await moving is expected
    if meanwhile == "flags":
        _, second = await facts(other, B)
        assert second[1:3] == (0b1100, frozenset({"k2", "new"}))
        assert await facts(other, A) == []
    elif meanwhile == "expunge":
        assert [row[0] for row in await facts(other, A)] == [b"1"]
        assert await facts(other, B) == []
    elif meanwhile == "rename target":
        assert len(await facts(other, mailbox_name("c"))) == 2
    selected.close()
    far.close()


@pytest_twisted.ensureDeferred
async def test_no_message_is_moved_twice(open_store: Opener) -> None:
    """Of two processes that move the same message at once one does, one doesn't."""
    accounts = [await account_of(await open_store()) for _ in range(2)]
    first = await filled(accounts[0], *(b"%d" % n for n in range(1, 11)))
    second = await accounts[1].select(A, read_only=False)
    for uid in range(1, 11):
        both = [ensureDeferred(outcome(s.move([uid], B))) for s in (first, second)]
        outcomes = [await each for each in both]
        assert sorted(outcomes, key=str) == [MessageGone, None]
    assert await facts(accounts[0], A) == []
    bodies = [row[0] for row in await facts(accounts[1], B)]
    assert bodies == [b"%d" % n for n in range(1, 11)]
    first.close()
    second.close()


@pytest_twisted.ensureDeferred
async def test_moves_against_one_another(open_store: Opener) -> None:
    """Processes that move in opposite directions at once both get there."""
    accounts = [await account_of(await open_store()) for _ in range(2)]
    one = await filled(accounts[0], *(b"%d" % n for n in range(1, 7)))
    await accounts[1].append(B, [new_message(b"b%d" % n) for n in range(1, 7)])
    two = await accounts[1].select(B, read_only=False)
    work = [
        ensureDeferred(outcome(session.move([uid], target)))
        for uid in range(1, 7)
        for session, target in ((one, B), (two, A))
    ]
    assert [await each for each in work] == [None] * 12
    for name, start in ((A, b"b"), (B, b"")):
        bodies = {row[0] for row in await facts(accounts[0], name)}
        assert bodies == {start + b"%d" % n for n in range(1, 7)}
    one.close()
    two.close()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("how", ["copy", "move"])
async def test_a_full_disk_takes_none(open_store: Opener, how: str) -> None:
    """Where there is no room, nothing is copied or moved, and all is as it was."""
    store = await open_store()
    account = await account_of(store)
    selected = await filled(account, b"1", b"x" * 300_000)
    before = await facts(account, A)
    # What SELECT writes of recent messages may still be on its way.
    await until(lambda: not store.drivers.write.runs)
    fail = Fail("pwrite", "/log.", errno.ENOSPC)
    disk_of(store).steer = fail
    assert await outcome(getattr(selected, how)([1, 2], B)) is DiskFull
    fail.failing = False
    assert await facts(account, A) == before
    assert await facts(account, B) == []
    await getattr(selected, how)([1, 2], B)
    assert await facts(account, B) == before
    selected.close()


@pytest_twisted.ensureDeferred
async def test_a_source_that_fails_harms_no_target(open_store: Opener) -> None:
    """Where the source can't be read, the copy is refused, and nothing else."""
    store = await open_store()
    account = await account_of(store)
    selected = await filled(account, b"x" * 300_000)
    writes = []

    def fail(method: str, path: str) -> None:
        if method == "pwrite" and path == f"{target}/log.1":
            writes.append(path)
        elif method == "pread" and path == source and writes:
            raise OSError(errno.EIO, "broken")

    boxes = [(await account.target(name)).mailbox for name in (A, B)]
    source = f"{boxes[0].directory}/log.1"
    target = boxes[1].directory
    disk_of(store).steer = fail
    assert await outcome(selected.copy([1], B)) is StoreFailure
    disk_of(store).steer = None
    assert writes
    assert DAMAGED not in disk_of(store).list_directory(target)
    assert await facts(account, B) == []
    await selected.copy([1], B)
    assert len(await facts(account, B)) == 1
    selected.close()


@pytest_twisted.ensureDeferred
async def test_too_many_are_not_copied(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COPY is one frame, so it has a limit, in messages and in octets."""
    account = await account_of(await open_store())
    selected = await filled(account, b"123", b"456", b"789")
    monkeypatch.setattr(transfer, "MOST_COPIED", 2)
    assert await outcome(selected.copy([1, 2, 3], B)) is TooMuchAtOnce
    monkeypatch.setattr(transfer, "MOST_COPIED_OCTETS", 5)
    assert await outcome(selected.copy([1, 2], B)) is TooMuchAtOnce
    assert await facts(account, B) == []
    assert await outcome(selected.copy([1], B)) is None
    selected.close()


@pytest_twisted.ensureDeferred
async def test_many_are_moved_bit_by_bit(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MOVE gives the locks back between bounded steps, in messages and octets."""
    account = await account_of(await open_store())
    selected = await filled(account, b"12", b"345", b"678", b"9", b"0")
    monkeypatch.setattr(transfer, "MOST_MOVED", 2)
    monkeypatch.setattr(transfer, "MOST_MOVED_OCTETS", 4)
    left, steps = [1, 2, 3, 4, 5], []
    while left:
        moved = await selected.move(left, B)
        assert moved is not None
        steps.append(list(moved.originals))
        left = left[len(moved.originals) :]
    assert steps == [[1], [2], [3, 4], [5]]
    monkeypatch.setattr(transfer, "MOST_MOVED_OCTETS", 1)
    selected = await account.select(B, read_only=False)
    moved = await selected.move([2], A)
    assert moved is not None, "a message larger than a step is a step"
    await account.rename(INBOX, mailbox_name("empty"))
    selected.close()


@pytest_twisted.ensureDeferred
async def test_rename_inbox_moves_what_is_left(open_store: Opener) -> None:
    """RENAME of INBOX moves what nobody expunges meanwhile, into what is there."""
    store = await open_store()
    account, other = await account_of(store), await account_of(await open_store())
    await account.append(INBOX, [new_message(b"%d" % n, "one") for n in range(4)])
    far = await other.select(INBOX, read_only=False)
    disk_of(store).steer = stall = Stall("try_lock", "/mailboxes/")
    renaming = ensureDeferred(account.rename(INBOX, A))
    await until(lambda: stall.stopped)
    await other.append(A, [new_message(b"new", "two")])
    await far.set_flags([2], FlagChange.ADD, frozenset({"\\Deleted"}))
    await far.expunge()
    stall.end()
    await renaming
    rows = [(row[0], set(row[2])) for row in await facts(other, A)]
    assert rows == [(b"new", {"two"}), *((b"%d" % n, {"one"}) for n in (0, 2, 3))]
    assert await facts(other, INBOX) == []
    far.close()


@pytest_twisted.ensureDeferred
async def test_a_rename_of_inbox_that_ends_halfway(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the client of a RENAME of INBOX goes, each message is in one of both."""
    store = await open_store()
    account = await account_of(store)
    bodies = [b"%d" % number for number in range(6)]
    await account.append(INBOX, [new_message(body) for body in bodies])
    monkeypatch.setattr(transfer, "MOST_MOVED", 1)
    move, moves = Transfer.move, 0

    async def move_until_cancelled(*args: Any) -> Any:
        nonlocal moves
        moves += 1
        if moves == 4:
            reactor.callLater(0, renaming.cancel)
        return await move(*args)

    monkeypatch.setattr(Transfer, "move", move_until_cancelled)
    renaming = ensureDeferred(account.rename(INBOX, A))
    with pytest.raises(CancelledError):
        await renaming
    monkeypatch.undo()
    await until(lambda: not store.drivers.write.runs)
    left = [row[0] for row in await facts(account, INBOX)]
    moved = [row[0] for row in await facts(account, A)]
    assert sorted(left + moved) == bodies
    assert left
    assert moved
    selected = await account.select(INBOX, read_only=False)
    await selected.move(selected.uids.tolist(), A)
    assert [row[0] for row in await facts(account, A)] == bodies
    selected.close()


NAMES = [A, B]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "flag", "copy", "move", "expunge"]),
        st.integers(0, 1),  # which process
        st.integers(0, 1),  # from which mailbox
        st.integers(0, 1),  # to which
        st.sets(st.integers(1, 8), max_size=4),  # which of its messages
    ),
    max_size=14,
)


Rows = list[tuple[bytes, bool]]


def play(what: str, here: Rows, there: Rows, chosen: list[int]) -> None:
    """Do to lists what is done to mailboxes; rows are bodies, and who is Deleted."""
    copies = [here[seq - 1] for seq in chosen]
    if what == "flag":
        for seq in chosen:
            here[seq - 1] = (here[seq - 1][0], True)
    elif what == "expunge":
        here[:] = [row for row in here if not row[1]]
    elif what == "move":
        kept = enumerate(here, start=1)
        here[:] = [row for seq, row in kept if seq not in chosen]
    if what in {"copy", "move"}:
        there += copies


async def act(
    what: str, account: UserAccount, here: MailboxName, there: MailboxName, seqs: Any
) -> None:
    """Do it to mailboxes, in a session of its own."""
    selected = await account.select(here, read_only=False)
    uids = [each.uid for each in selected.by_seq([range(s, s + 1) for s in seqs])]
    if what == "flag":
        await selected.set_flags(uids, FlagChange.ADD, frozenset({"\\Deleted"}))
    elif what == "expunge":
        await selected.expunge()
    else:
        await getattr(selected, what)(uids, there)
    selected.close()


@given(STEPS)
@settings(max_examples=25)
async def test_copies_and_moves_are_as_a_model_has_them(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    """Whatever two processes copy and move, mailboxes are as two lists would be."""
    root = str(tmp_path_factory.mktemp("transfer"))
    stores = [
        Store(root, reactor, make=True, filesystem=TestDisk(root)) for _ in range(2)
    ]
    for store in stores:
        await store.start()
    try:
        accounts = [await account_of(store) for store in stores]
        for name in NAMES:
            await accounts[0].create(name)
        model: list[Rows] = [[], []]
        for number, (what, who, source, target, which) in enumerate(steps):
            here = model[source]
            if what == "append":
                body = b"%d" % number
                await accounts[who].append(NAMES[source], [new_message(body)])
                here.append((body, False))
                continue
            chosen = sorted(each for each in which if each <= len(here))
            await act(what, accounts[who], NAMES[source], NAMES[target], chosen)
            play(what, here, model[target], chosen)
        for account in accounts:
            for name, rows in zip(NAMES, model, strict=True):
                found = await facts(account, name)
                assert [(row[0], bool(row[1] & 4)) for row in found] == rows
                status = await account.status(name)
                assert status.messages == len(rows)
                assert status.size == sum(len(body) for body, _ in rows)
    finally:
        for store in stores:
            await store.stop()
