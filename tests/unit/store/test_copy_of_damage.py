"""What a copy of a store holds of mail whose files were harmed before."""

import errno
import itertools
import random
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import pytest

from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Call, Steps
from imapbox.disk.two_roots import THERE
from imapbox.index.body import Span, read_bodies
from imapbox.index.log_copy import Extent, LogCopy, extent_of
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.opening import open_log
from imapbox.index.segment import segment_numbers
from imapbox.model.errors import MailError
from imapbox.model.flags import Flag
from imapbox.model.names import MailboxName
from imapbox.store.create import account_is_made
from imapbox.store.layout import (
    USERS,
    account_directory,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.store_copy import CopiedUser, copy_user, there
from tests.simulation.compaction import LATER
from tests.simulation.disk import SimulatedDisk, SimulatedFileSystem, run
from tests.simulation.fault import Fault, failure
from tests.simulation.mailbox import (
    ALICE,
    Session,
    account_on,
    compacted,
    deliver,
    new_store,
    settings_of,
)

TRASH: Final = MailboxName("Trash")
BODIES: Final = [bytes([letter]) * 180 for letter in b"abcd"]
SEGMENT: Final = 300  # octets: a message fills it
PAIRS: Final = 40  # of those that are possible, for each unit of effort
Harm: TypeAlias = tuple[str, str]
WAYS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "emptied": lambda _: b"",
    "cut": lambda data: data[: len(data) // 2],
    "noise": lambda data: bytes(octet ^ 0x5A for octet in data),
    "a bit": lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
}
GONE: Final = "gone"
INBOX_LOG: Final = account_on(new_store(), 1).directory


def harmed_store(
    harms: Iterable[Harm] = (), *, rebooted: bool = False
) -> SimulatedDisk:
    """Return a store whose INBOX has four segments, and what was done to it."""
    disk = new_store(TRASH)
    process = disk.process(70)
    account = account_on(disk, 70, segment_limit=SEGMENT)
    for body in BODIES:
        run(deliver(account, body), process)
    for path, way in harms:
        data = disk.content(path)
        process.unlink(path)
        if way != GONE:
            fd = process.open(path, Mode.CREATE)
            process.pwrite(fd, WAYS[way](data), 0)
            process.close(fd)
    for path in (THERE, f"{THERE}/{USERS}"):
        process.make_directory(path)
    disk.boot += rebooted
    disk.kill(70)
    return disk


def files() -> list[str]:
    """Return the files of INBOX, and those of the account."""
    disk = harmed_store()
    process = disk.process(1)
    found = []
    for directory in (INBOX_LOG, account_directory(ALICE)):
        names = process.list_directory(directory)
        found += [f"{directory}/{name}" for name in names]
    return found


def seen(disk: SimulatedDisk) -> list[bytes | None] | None:
    """Return what who opens INBOX there is shown; None: it can't be opened."""
    disk = disk.copy()
    process = disk.process(9)
    try:
        log = open_log(INBOX_LOG, settings_of(process), MailboxState)
        columns = run(log, process).state.columns
    except (MailError, FileNotFoundError):
        return None
    places = columns.places(columns.alive_rows())
    spans = [Span(place, 0, place.size) for place in places]
    found: list[bytes | None] = run(read_bodies(INBOX_LOG, spans), process)
    return found


def copy_in(disk: SimulatedDisk) -> SimulatedDisk:
    """Return the copy, as a store."""
    other = SimulatedDisk(boot=disk.boot)
    for path, inode in disk.names.items():
        if path.startswith(f"{THERE}/"):
            other.names[path.removeprefix(f"{THERE}/")] = inode
            other.data[inode] = disk.data[inode]
    return other


FILES: Final = files()
ONE: Final = list(itertools.product(FILES, (GONE, *WAYS)))


def copied_as_seen(disk: SimulatedDisk) -> CopiedUser:
    """Copy it; see that nobody is left out, and that nothing is shown less."""
    shown = seen(disk)
    process = disk.process(1)
    done: CopiedUser = run(copy_user(ALICE, settings_of(process)), process)
    assert done.mailboxes == 2
    assert disk.locks == {}
    if shown is not None:
        assert seen(copy_in(disk)) == shown
    return done


@pytest.mark.parametrize("rebooted", [False, True], ids=["", "rebooted"])
@pytest.mark.parametrize("harm", ONE, ids=lambda harm: " ".join(harm)[-20:])
def test_one_harmed_file_leaves_nobody_out(harm: Harm, *, rebooted: bool) -> None:
    """The copy shows what the store shows, if that shows anything."""
    copied_as_seen(harmed_store([harm], rebooted=rebooted))


def test_two_harmed_files_leave_nobody_out(effort: int, seed: int) -> None:
    """Nor do two of them."""
    pairs = [
        pair for pair in itertools.combinations(ONE, 2) if pair[0][0] != pair[1][0]
    ]
    chance = random.Random(seed)
    for pair in chance.sample(pairs, min(PAIRS * effort, len(pairs))):
        copied_as_seen(harmed_store(pair, rebooted=chance.random() < 0.5))


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_segment_that_is_lost_is_said(number: int) -> None:
    """It is said that the mailbox is damaged; what is left of it is all copied."""
    directory = INBOX_LOG
    disk = harmed_store([(f"{directory}/log.{number}", GONE)])
    assert copied_as_seen(disk).damaged == [directory]
    left = [each for each in (1, 2, 3, 4) if each != number]
    names = disk.process(1).list_directory(there(directory))
    assert [name for name in names if name.startswith("log.")] == [
        f"log.{each}" for each in left
    ]


def test_a_segment_that_is_short_is_said() -> None:
    """So is one in which less is left than its head says."""
    directory = INBOX_LOG
    disk = harmed_store([(f"{directory}/log.4", "emptied")])
    assert copied_as_seen(disk).damaged == [directory]


def test_a_damaged_account_is_copied_at_once() -> None:
    """Also if nobody knew that it is damaged, and it names no mailbox any more."""
    directory = account_directory(ALICE)
    for way in (GONE, "emptied", "cut", "noise"):
        done = copied_as_seen(harmed_store([(f"{directory}/log.1", way)]))
        assert done.damaged == [directory]
        assert done.messages == len(BODIES)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        *(("open", "/head"), ("open", "/log.2"), ("pread", "/head")),
        *(("size", "/log.3"), ("list_directory", "")),
    ],
)
@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES, errno.EISDIR])
@pytest.mark.parametrize("is_marked", [False, True], ids=["", "marked"])
def test_a_mailbox_that_can_not_be_read_is_left_out(
    method: str, name: str, error: int, *, is_marked: bool
) -> None:
    """It is said why; all others are copied, and nothing of it is."""
    disk = harmed_store()
    process = disk.process(1)
    directory = INBOX_LOG
    if is_marked:
        process.close(process.open(f"{directory}/damaged", Mode.CREATE))
    before = process.list_directory(mailboxes_directory(ALICE))
    where = f"{directory}{name}".__eq__
    disk.faults = (Fault(frozenset({method}), 1, error, stays=True, where=where),)
    done: CopiedUser = run(copy_user(ALICE, settings_of(process)), process)
    assert done.damaged == []
    assert {path: why.errno for path, why in done.left_out.items()} == {
        directory: error
    }
    assert done.mailboxes == len(before) - 1
    there_are = process.list_directory(there(mailboxes_directory(ALICE)))
    assert {*before} - {*there_are} == {directory.rpartition("/")[2]}


@pytest.mark.parametrize("moment", range(4))
def test_a_segment_that_begins_meanwhile_is_not_missed(moment: int) -> None:
    """Whenever it begins: it is there, or the log ends before it. It isn't lost."""
    disk = harmed_store()
    process = disk.process(1)
    account = account_on(disk, 1, segment_limit=SEGMENT)
    steps = extent_of(account.directory, disk.boot)
    called, result = 0, None
    try:
        while True:
            call = steps.send(result)
            assert isinstance(call, Call)
            if called == moment:
                run(deliver(account, b"e" * 180), process)
            result = getattr(process, call.method)(*call.arguments)
            called += 1
    except StopIteration as end:
        extent = end.value
    assert called > moment
    assert extent.first == 1
    assert extent.head.position.segment in {4, 5}


def remove(disk: SimulatedDisk, directory: str) -> None:
    """Remove a directory and all that is in it."""
    process = disk.process(70)
    for path in sorted(disk.names, reverse=True):
        if path.startswith(f"{directory}/"):
            is_directory = disk.data[disk.names[path]] is None
            (process.remove_directory if is_directory else process.unlink)(path)
    process.remove_directory(directory)


@pytest.mark.parametrize("way", [GONE, "empty"])
def test_the_mail_of_a_lost_account_is_copied(way: str) -> None:
    """It is said that the account is not there; of its mailboxes all is."""
    disk = harmed_store()
    account = account_directory(ALICE)
    remove(disk, account)
    process = disk.process(1)
    if way == "empty":
        process.make_directory(account)
    done: CopiedUser = run(copy_user(ALICE, settings_of(process)), process)
    assert (done.damaged, done.missing) == ([], [account])
    assert (done.mailboxes, done.messages) == (2, len(BODIES))
    assert process.list_directory(there(account)) == []
    names = process.list_directory(there(INBOX_LOG))
    assert {"log.1", "log.2", "log.3", "log.4", "head", "lock"} == {*names}


def test_who_has_no_account_in_the_copy_has_mail_there() -> None:
    """He is no user whose account was never made, however little it is."""
    disk = new_store()
    process = disk.process(70)
    run(deliver(account_on(disk, 70), b"short"), process)
    for path in (THERE, f"{THERE}/{USERS}"):
        process.make_directory(path)
    remove(disk, account_directory(ALICE))
    run(copy_user(ALICE, settings_of(process)), process)
    assert run(account_is_made(ALICE), copy_in(disk).process(1))


@pytest.mark.parametrize("way", [GONE, "marked"])
def test_a_damaged_account_without_mailboxes_is_copied(way: str) -> None:
    """It is said that they are not there, and what there is of it is copied."""
    disk = harmed_store()
    above = mailboxes_directory(ALICE)
    remove(disk, above)
    process = disk.process(1)
    account = account_directory(ALICE)
    if way == GONE:
        process.unlink(f"{account}/log.1")
    else:
        process.close(process.open(f"{account}/damaged", Mode.CREATE))
    done: CopiedUser = run(copy_user(ALICE, settings_of(process)), process)
    assert done.damaged == [account]
    assert done.missing[0] == above
    assert done.mailboxes == 0
    assert process.exists(there(f"{account}/head"))


def test_who_is_removed_is_not_copied() -> None:
    """Whose directory is gone has no mail."""
    disk = harmed_store()
    remove(disk, user_directory(ALICE))
    process = disk.process(1)
    with pytest.raises(FileNotFoundError):
        run(copy_user(ALICE, settings_of(process)), process)


def test_an_account_whose_head_finds_no_room_is_copied_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk of the store is full, and not that of the copy."""
    account = account_directory(ALICE)
    disk = harmed_store([(f"{account}/head", GONE)])
    process = disk.process(1)
    opening = SimulatedFileSystem.open

    def full(files: SimulatedFileSystem, path: str, mode: Mode) -> int:
        if path == f"{account}/head" and mode is Mode.ENSURE:
            raise failure(errno.ENOSPC, path)
        return opening(files, path, mode)

    monkeypatch.setattr(SimulatedFileSystem, "open", full)
    done: CopiedUser = run(copy_user(ALICE, settings_of(process)), process)
    assert (done.damaged, done.messages) == ([account], len(BODIES))
    monkeypatch.undo()
    assert seen(copy_in(disk)) == BODIES


def test_what_is_older_than_a_gap_and_dead_is_no_damage() -> None:
    """As `imapbox check` has it: litter, which the copy does without."""
    disk = harmed_store()
    process = disk.process(70)
    account = account_on(disk, 70, segment_limit=SEGMENT)
    old = disk.content(f"{INBOX_LOG}/log.1")
    session = Session(account)
    run(session.open(), process)
    run(session.store({1, 2}, Flag.DELETED), process)
    run(session.sync(), process)
    run(session.expunge(), process)
    disk.advance_clock(LATER)
    run(compacted(account, grace=0.0), process)
    numbers = segment_numbers(process.list_directory(INBOX_LOG))
    assert min(numbers) > 2
    fd = process.open(f"{INBOX_LOG}/log.1", Mode.CREATE)
    process.pwrite(fd, old, 0)
    process.close(fd)
    disk.kill(70)
    assert copied_as_seen(disk).damaged == []
    copied = segment_numbers(disk.process(1).list_directory(there(INBOX_LOG)))
    assert copied == numbers


def test_a_gap_that_goes_while_it_is_looked_at_is_none() -> None:
    """Somebody may be at work: what was below it is gone by now."""
    disk = harmed_store([(f"{INBOX_LOG}/log.2", GONE)])
    process = disk.process(1)
    steps = extent_of(INBOX_LOG, disk.boot)
    lists = 0
    result, extent = None, None
    try:
        while True:
            call = steps.send(result)
            assert isinstance(call, Call)
            lists += call.method == "list_directory"
            if lists == 3 and call.method == "list_directory":
                process.unlink(f"{INBOX_LOG}/log.1")
            result = getattr(process, call.method)(*call.arguments)
    except StopIteration as end:
        extent = end.value
    assert extent is not None
    assert extent.first == 3


def test_what_died_meanwhile_is_read_a_little_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However much it is: no more than a piece is held."""
    disk = new_store()
    process = disk.process(70)
    account = account_on(disk, 70)
    size = 1_000_000
    for body in (b"a", b"b", b"c"):
        run(deliver(account, body * size), process)
    for path in (THERE, f"{THERE}/{USERS}"):
        process.make_directory(path)
    session = Session(account)
    run(session.open(), process)
    run(session.store({1, 2, 3}, Flag.DELETED), process)
    run(session.sync(), process)
    extend = LogCopy.extend

    def extend_and_expunge(copy: LogCopy, extent: Extent) -> Steps[None]:
        yield from extend(copy, extent)
        if copy.source == account.directory:
            run(session.expunge(), process)

    monkeypatch.setattr(LogCopy, "extend", extend_and_expunge)
    reader = disk.process(1)
    largest = 0
    pread = SimulatedFileSystem.pread

    def noted(files: SimulatedFileSystem, fd: int, size: int, offset: int) -> bytes:
        nonlocal largest
        largest = max(largest, size)
        return pread(files, fd, size, offset)

    monkeypatch.setattr(SimulatedFileSystem, "pread", noted)
    done: CopiedUser = run(copy_user(ALICE, settings_of(reader)), reader)
    assert done.messages == 3
    assert largest < size
