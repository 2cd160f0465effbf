"""`imapbox repair` gives nobody what was another's, and says what is gone."""

from typing import Final

import pytest

from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.mailbox import ACCOUNT, Session, account_on, new_store
from tests.simulation.repairing import (
    deliver_carded,
    deliver_more,
    frames_of,
    look,
    mailbox_with,
    message,
    put,
    repair,
    segments,
    worst,
)

COUNT: Final = 6
SECRET: Final = b"SECRET"


def others_files() -> dict[str, bytes]:
    """Return the log and the head of another's mailbox, and of another's account."""
    disk = new_store(seed=7)
    account = account_on(disk, 70)
    process = disk.process(70)
    for number in range(1, COUNT + 1):
        octets = message(number).replace(b"number", SECRET)
        run(deliver_carded(account, octets), process)
    disk.kill(70)
    return {
        f"{kind} {name}": disk.content(f"{directory}/{name}")
        for kind, directory in (("mailbox", account.directory), ("account", ACCOUNT))
        for name in ("log.1", "head")
    }


OTHERS: Final = others_files()


def said_of(disk: SimulatedDisk, directory: str, *, deep: bool = False) -> str:
    """Mend, see that it is sound then, and return what was said."""
    said = repair(disk, 101, deep=deep)
    assert not worst(disk, 102, directory)
    assert not repair(disk, 103, deep=deep), "a second run has something to do"
    return " ".join(each.sentence for each in said)


def kept(disk: SimulatedDisk) -> dict[str, bytes]:
    """Return what is below lost+found, by its name there."""
    return {
        path.rpartition("/")[2]: content
        for path, content in disk.tree().items()
        if path.startswith("lost+found/") and content is not None
    }


def test_a_log_of_another_mailbox() -> None:
    """A log that is another mailbox's goes to lost+found; nobody gets its mail."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    log = f"{account.directory}/log.1"
    put(disk, log, OTHERS["mailbox log.1"])
    said = said_of(disk, account.directory)
    assert "1 segments are another log's and are not read" in said
    assert "at least 5 are gone of which nothing is left" in said
    seen = look(disk, 91)
    assert not seen.messages
    assert seen.uidvalidity >= before.uidvalidity
    assert seen.uidnext >= before.uidnext
    assert OTHERS["mailbox log.1"] in kept(disk).values()


def test_a_log_of_which_nothing_says_whose_it_is() -> None:
    """So does one whose beginning is broken, if the head names another."""
    disk, account = mailbox_with(COUNT)
    first = frames_of(disk, account.directory)[0]
    broken = bytearray(OTHERS["mailbox log.1"])
    broken[first.start + 100] ^= 1
    put(disk, f"{account.directory}/log.1", bytes(broken))
    assert "another log's" in said_of(disk, account.directory)
    assert not look(disk, 91).messages


def test_a_block_of_another_log() -> None:
    """A message of another's that lies in a broken log is kept out of the mailbox."""
    disk, account = mailbox_with(COUNT)
    log = f"{account.directory}/log.1"
    content, others = disk.content(log), OTHERS["mailbox log.1"]
    ours = {each.body for each in look(disk, 90).messages}
    found = 0
    for frame in frames_of(disk, account.directory)[1:3]:
        for at in range(frame.start, frame.end.offset - 140, 23):
            end = frame.end.offset
            broken = disk.copy()
            put(broken, log, content[:at] + others[at:end] + content[end:])
            said = said_of(broken, account.directory, deep=True)
            assert {each.body for each in look(broken, 91).messages} <= ours, at
            strays = [
                octets
                for name, octets in kept(broken).items()
                if name.endswith(".eml") and SECRET in octets
            ]
            assert bool(strays) == ("may be another mailbox's" in said)
            found += len(strays)
    assert found, "no message of another's was met"


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_another_logs_beginning(*, with_snapshot: bool) -> None:
    """What lies behind the beginning of another's log is not taken for that one's."""
    disk, account = mailbox_with(COUNT)
    if with_snapshot:
        process = disk.process(93)
        session = Session(account)
        run(session.open(), process)
        run(session.save(), process)
        disk.kill(93)
    log = f"{account.directory}/log.1"
    content, others = disk.content(log), OTHERS["mailbox log.1"]
    before = look(disk, 90).messages
    frames = frames_of(disk, account.directory)
    for frame in frames:
        for end in (frame.start, frame.start + 100, frame.end.offset):
            broken = disk.copy()
            put(broken, log, others[:end] + content[end:])
            said_of(broken, account.directory, deep=True)
            bodies = {each.body for each in look(broken, 91).messages}
            assert bodies <= {each.body for each in before}
            # Without a snapshot, what a frame says is gone with its beginning.
            whole = [each.start for each in frames if each.start >= end]
            start = end if with_snapshot else min(whole, default=len(content))
            left = {each.body for each in before if each.body in content[start:]}
            assert bodies == left, end


def test_an_account_of_another_user() -> None:
    """Nor does a user get another's mailboxes: his own are found by their ids."""
    disk, account = mailbox_with(COUNT)
    put(disk, f"{ACCOUNT}/log.1", OTHERS["account log.1"])
    said = said_of(disk, ACCOUNT)
    assert "whose names are lost are below Recovered" in said
    assert len(look(disk, 91, account.mailbox_id).messages) == COUNT - 1


@pytest.mark.parametrize("directory", ["account", "mailbox"])
def test_a_head_of_another_log(directory: str) -> None:
    """A head that is another's costs nothing: all is in the log."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    path = ACCOUNT if directory == "account" else account.directory
    put(disk, f"{path}/head", OTHERS[f"{directory} head"])
    said = said_of(disk, path)
    assert "gone" not in said
    assert "Recovered" not in said
    assert look(disk, 91).messages == before.messages


def test_an_account_of_another_user_with_its_head() -> None:
    """If all of an account's log is another's, it is left to whoever moved it."""
    disk, _ = mailbox_with(COUNT)
    for name in ("log.1", "head"):
        put(disk, f"{ACCOUNT}/{name}", OTHERS[f"account {name}"])
    before = {path: data for path, data in disk.tree().items() if "lock" not in path}
    (said,) = repair(disk, 101)
    assert said.left
    assert said.sentence == "another user's log is in it"
    after = {path: data for path, data in disk.tree().items() if "lock" not in path}
    assert after == before


@pytest.mark.parametrize(("number", "other"), [(-1, 0), (0, -1)])
def test_a_segment_in_anothers_place(number: int, other: int) -> None:
    """Where a segment is another's copy, the head still tells which UIDs are given."""
    disk, account = mailbox_with(COUNT, segment_limit=1000)
    deliver_more(disk, account, range(COUNT + 1, COUNT + 3))
    before = look(disk, 90)
    numbers = segments(disk, account.directory)
    source, target = numbers[other], numbers[number]
    content = disk.content(f"{account.directory}/log.{source}")
    put(disk, f"{account.directory}/log.{target}", content)
    said_of(disk, account.directory)
    seen = look(disk, 91)
    assert seen.messages
    assert seen.uidvalidity > before.uidvalidity or seen.uidnext >= before.uidnext


@pytest.mark.parametrize("place", [4096, 9 * 4096])
def test_a_block_in_anothers_place(place: int) -> None:
    """Frames that were moved into a message hide none that lie behind it."""
    disk, account = mailbox_with(3)
    process = disk.process(93)
    run(deliver_carded(account, message(4) + b"x" * 10 * 4096), process)
    disk.kill(93)
    deliver_more(disk, account, range(5, 8))
    before = look(disk, 90)
    log = f"{account.directory}/log.1"
    content = disk.content(log)
    block, other = content[:4096], content[place : place + 4096]
    moved = other + content[4096:place] + block + content[place + 4096 :]
    assert sorted(moved) == sorted(content)
    put(disk, log, moved)
    said_of(disk, account.directory)
    assert {each.uid for each in look(disk, 91).messages} == {
        each.uid for each in before.messages if each.uid != 4
    }


def test_what_is_gone_is_told() -> None:
    """Messages are told as gone of which not even the index is left."""
    disk, account = mailbox_with(COUNT)
    log = f"{account.directory}/log.1"
    put(
        disk, log, disk.content(log)[: frames_of(disk, account.directory)[0].end.offset]
    )
    said = said_of(disk, account.directory)
    assert "0 messages keep their UIDs" in said
    assert "at least 5 are gone of which nothing is left" in said


def test_a_head_that_is_too_long() -> None:
    """What is behind a head's end is cut off, and said once."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    head = f"{account.directory}/head"
    put(disk, head, disk.content(head) + b"x" * 8)
    assert said_of(disk, account.directory) == "its end is found again"
    assert look(disk, 91) == before
    assert segments(disk, account.directory) == [1]
