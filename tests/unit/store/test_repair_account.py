"""`imapbox repair` of an account: names, rights and facts that can be read stay."""

from typing import Final

import pytest

from imapbox.index.frame import FRAME_HEADER_SIZE
from imapbox.index.segment import ACCOUNT_META, SegmentHeader
from imapbox.store.create import SPECIAL_USE
from imapbox.store.layout import mailboxes_directory
from tests.simulation.disk import SimulatedDisk, run
from tests.simulation.mailbox import (
    ACCOUNT,
    ALICE,
    Account,
    Session,
    account_on,
    open_account,
    settings_of,
)
from tests.simulation.repairing import (
    flip,
    frames_of,
    look,
    lose,
    mailbox_with,
    put,
    repair,
    with_facts,
)
from tests.unit.store.repairs import mended

COUNT: Final = 6


def test_lost_account() -> None:
    """Of a lost account the mailboxes that held mail are found, by their ids.

    All that a new account has is made anew.
    """
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    for name in ("log.1", "head", "lock"):
        lose(disk, f"{ACCOUNT}/{name}")
    said = mended(disk, ACCOUNT)
    process = disk.process(95)
    found: Account = run(open_account(settings_of(process)), process)
    name = f"Recovered/{account.mailbox_id.hex()}"
    assert set(found.state.names) == {"INBOX", name, *SPECIAL_USE}
    uses = {each.name: each.special_use for each in found.state.names.values()}
    assert {each: use for each, use in uses.items() if use} == SPECIAL_USE
    assert found.state.names[name].uidvalidity == before.uidvalidity
    session = Session(account)
    run(session.open(), process)
    assert run(session.snapshot(), process) == before
    assert "with 7 mailboxes; 1 whose names are lost are below Recovered" in said


def test_broken_account() -> None:
    """Of a broken account all is kept that the frames say that can be read."""
    disk, account = mailbox_with(COUNT)
    before = look(disk, 90)
    content = disk.content(f"{ACCOUNT}/log.1")
    end = frames_of(disk, ACCOUNT)[-1].end.offset
    put(disk, f"{ACCOUNT}/log.1", content[: end - 10] + b"\1" * 50)
    mended(disk, ACCOUNT)
    assert look(disk, 91).messages == before.messages
    assert account_on(disk, 96).mailbox_id == account.mailbox_id


def test_no_account_is_made_of_nothing() -> None:
    """An account that was never made to the end is left to whoever makes it."""
    disk, _ = mailbox_with(COUNT)
    above = mailboxes_directory(ALICE)
    for path in [path for path in disk.names if path.startswith((ACCOUNT, above))]:
        if path not in {ACCOUNT, above}:
            lose(disk, path)
    assert not repair(disk, 1)


def tear_fact(disk: SimulatedDisk, number: int) -> None:
    """Flip more than one octet of a frame that notes a fact."""
    frame = frames_of(disk, ACCOUNT, 2)[number]
    for at in (20, 22, 23):
        flip(disk, f"{ACCOUNT}/log.2", frame.start + FRAME_HEADER_SIZE + at)


def facts_of(disk: SimulatedDisk, account: Account) -> set[str]:
    """Return the names of the facts of the mailbox."""
    process = disk.process(61)
    again: Account = run(open_account(settings_of(process)), process)
    assert again.state.meta.keys() <= {account.mailbox_id}
    number = again.state.position.segment
    header = SegmentHeader.decode(disk.content(f"{ACCOUNT}/log.{number}"))
    assert header is not None
    assert header.features == (ACCOUNT_META if again.state.meta else 0)
    disk.kill(61)
    return set(again.state.meta.get(account.mailbox_id, {}))


def test_facts_of_an_account_survive() -> None:
    """What is mended of an account has its facts, and says that it has."""
    disk, account = with_facts(["fact 0", "fact 1", "fact 2"])
    tear_fact(disk, -1)
    assert "rights" not in mended(disk, ACCOUNT)
    assert facts_of(disk, account) == {"fact 0", "fact 1"}


@pytest.mark.parametrize("cut", [False, True])
def test_rights_may_have_been_taken_back(cut: bool) -> None:
    """What let others in before a gap is gone, and is named; what follows it counts."""
    names = ["acl bob", "fact 0", "urlauth", "acl eve", "acl ann"]
    disk, account = with_facts(names)
    tear_fact(disk, -2)
    if cut:
        log = f"{ACCOUNT}/log.2"
        put(disk, log, disk.content(log)[: frames_of(disk, ACCOUNT, 2)[-1].start])
    said = mended(disk, ACCOUNT)
    assert "taken back, and are gone: of 'INBOX'" in said
    assert facts_of(disk, account) == ({"fact 0"} if cut else {"fact 0", "acl ann"})


def test_lost_account_and_mailbox() -> None:
    """A mailbox that is lost is made anew by the same run that mends the account."""
    disk, account = with_facts(["fact 0", "fact 1"])
    for path in [path for path in disk.names if account.directory in path]:
        lose(disk, path)
    tear_fact(disk, -1)
    said = mended(disk, ACCOUNT)
    assert "the account is written anew" in said
    assert "is not there; it is made anew, empty" in said
    assert not look(disk, 91).messages
