"""The register of who gave rights to whom, mended from what accounts say."""

from typing import Final

from imapbox.index.account_operations import NO_MAILBOX
from imapbox.index.repair import Job
from imapbox.model.names import SHARED_USER, UserName
from imapbox.store.create import create_account
from imapbox.store.layout import account_directory
from imapbox.store.repair import mend_user
from imapbox.store.repair_register import mend_register
from imapbox.store.shares import owners_in
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.mailbox import ALICE, Account, open_account, settings_of
from tests.simulation.repairing import flip, frames_of, repair, with_facts

REGISTER: Final = account_directory(SHARED_USER)


def owners_for(disk: SimulatedDisk, user: str) -> set[UserName]:
    """Return whom the register names as having given rights to a user."""
    process = disk.process(60)
    found: Account = run(open_account(settings_of(process), user=SHARED_USER), process)
    disk.kill(60)
    return set(owners_in(found.state.meta.get(NO_MAILBOX, {}), user))


def test_a_register_that_is_gone() -> None:
    """Rights that no register names lead nowhere: it is made, and names them."""
    disk, _ = with_facts(["acl bob", "acl eve"])
    dry = repair(disk, 1, apply=False)
    assert [each.path for each in dry] == [REGISTER] * 2
    assert [each[:2] for each in repair(disk, 2)] == [each[:2] for each in dry]
    assert not repair(disk, 3)
    assert owners_for(disk, "bob") == owners_for(disk, "eve") == {ALICE}
    assert owners_for(disk, "ann") == set()


def test_a_register_that_lost_an_entry() -> None:
    """What the mending of the register lost is entered again; all else stays."""
    disk, _ = with_facts(["acl bob", "acl eve"])
    process = disk.process(1)
    account: Account = run(open_account(settings_of(process)), process)
    job = Job(settings_of(process), apply=True)
    run(create_account(SHARED_USER, job.settings, {}), process)
    ann = UserName("ann")
    run(mend_register(ann, account.state, job, OWNER), process)
    repair(disk, 2)
    assert owners_for(disk, "eve") == {ALICE, ann}
    frame = frames_of(disk, REGISTER, 2)[-1]
    for at in (120, 130):
        flip(disk, f"{REGISTER}/log.2", frame.start + at)
    assert not repair(disk, 3), "the register is mended first"
    run(mend_user(SHARED_USER, job, OWNER), process)
    assert owners_for(disk, "eve") == {ann}
    (said,) = repair(disk, 4)
    assert said.sentence.endswith("who gives rights to 'eve'")
    assert owners_for(disk, "bob") == owners_for(disk, "eve") == {ALICE, ann}
