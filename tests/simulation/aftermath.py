"""What is found behind a crash, and whether any of it is wrong.

Each mailbox is looked at by itself, and only once for all disks on which it is
alike (`parts`).
"""

from functools import lru_cache
from typing import Final, NamedTuple

from imapbox.index.account_operations import Create
from imapbox.index.account_state import AccountState
from imapbox.index.check import check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.index.check_messages import check_messages
from imapbox.index.checked_log import Finding, Severity
from imapbox.model.names import INBOX, UserName
from imapbox.store.cards import card_of_octets
from imapbox.store.layout import (
    ROOT,
    SPOOL,
    account_directory,
    mailbox_directory,
    mailboxes_directory,
)
from tests.simulation.disk import OWNER, SimulatedDisk, run
from tests.simulation.mailbox import (
    ACCOUNT,
    ALICE,
    Account,
    Session,
    Snapshot,
    open_account,
    settings_of,
)
from tests.simulation.parts import Parts, Remembered
from tests.simulation.served import Deliverer, Mail, as_sent

AFTERWARDS: Final = b"Subject: afterwards\r\n"
# Who is alice@example may have an account of that name.
_NOBODY: Final = UserName("alice@example")
_NOBODYS: Final = account_directory(_NOBODY), mailboxes_directory(_NOBODY)
_card: Final = lru_cache(1_000)(card_of_octets)
_READER: Final = 50
_CHECKER: Final = 51
_SERVER: Final = 52


class Tree(NamedTuple):
    """What the account's log says."""

    mailboxes: tuple[Create, ...]
    subscribed: frozenset[str]
    highest_uidvalidity: int
    meta: dict[bytes, dict[str, bytes]]


class Aftermath:
    """A disk behind a crash, on which nobody was yet.

    Args:
        parts: The disk.
        remembered: What came of looking at others like it.
    """

    def __init__(self, parts: Parts, remembered: Remembered) -> None:
        self._parts = parts
        self._remembered = remembered

    def read(self) -> Mail:
        """Return what somebody finds who was not there before."""
        tree = self._tree()
        found = {}
        for mailbox in tree.mailboxes:
            where = (mailbox_directory(ALICE, mailbox.mailbox_id),)
            found[str(mailbox.name)], self._parts = self._remembered.do(
                self._parts, where, _read_mailbox, mailbox
            )
        return Mail(found, tree.subscribed, tree.highest_uidvalidity, tree.meta)

    def check(self) -> None:
        """Nothing of it is damage, messages and cards included; change nothing."""
        remembered, parts = self._remembered, self._parts
        tree, _ = remembered.do(parts, (ACCOUNT,), _read_tree)
        remembered.do(parts, (ACCOUNT,), _check_account)
        for mailbox in tree.mailboxes:
            directory = mailbox_directory(ALICE, mailbox.mailbox_id)
            remembered.do(parts, (directory,), _check_mailbox, directory)

    def without_heads_and_snapshots(self) -> "Aftermath":
        """Return the same, but for what the logs can be rebuilt without."""
        left = self._parts.without(
            lambda name: name == "head" or name.startswith("snap.")
        )
        return Aftermath(left, self._remembered)

    def deliver(self) -> None:
        """Deliver a message to INBOX, as a server does."""
        (inbox,) = (each for each in self._tree().mailboxes if each.name == INBOX)
        there = mailbox_directory(ALICE, inbox.mailbox_id)
        where = (ROOT, SPOOL, *_NOBODYS, ACCOUNT, there)
        _, self._parts = self._remembered.do(self._parts, where, _deliver)

    def _tree(self) -> Tree:
        tree, self._parts = self._remembered.do(self._parts, (ACCOUNT,), _read_tree)
        return tree


def _read_tree(disk: SimulatedDisk) -> Tree:
    process = disk.process(_READER)
    account: Account = run(open_account(settings_of(process)), process)
    state = account.state
    mailboxes = tuple(state.names.values())
    subscribed = frozenset(map(str, state.subscribed))
    return Tree(mailboxes, subscribed, state.highest_uidvalidity, state.meta)


def _read_mailbox(disk: SimulatedDisk, mailbox: Create) -> Snapshot:
    process = disk.process(_READER)
    state = AccountState()
    state.names[mailbox.name] = mailbox
    session = Session(Account(settings_of(process), b"", state, mailbox.name))
    run(session.open(), process)
    assert not session.damaged, f"{mailbox.name} takes no changes"
    found: Snapshot = run(session.snapshot(), process)
    run(session.close(), process)
    assert found.uidvalidity == mailbox.uidvalidity
    return as_sent(found)


def _check_account(disk: SimulatedDisk) -> None:
    check = check_log(ACCOUNT, AccountAudit, OWNER)
    _say_what_is_wrong(run(check, disk.process(_CHECKER)).findings)


def _check_mailbox(disk: SimulatedDisk, directory: str) -> None:
    process = disk.process(_CHECKER)
    checked = run(check_log(directory, MailboxAudit, OWNER), process)
    _say_what_is_wrong(checked.findings)
    messages = check_messages(directory, checked.audit.state, _card)
    wrong = run(messages, process)
    assert not wrong, f"messages are not what was stored: {wrong}"


def _say_what_is_wrong(findings: list[Finding]) -> None:
    worst = [each for each in findings if each.severity is not Severity.NOTE]
    assert not worst, f"a crash is taken for damage: {worst}"


def _deliver(disk: SimulatedDisk) -> None:
    process = Deliverer(disk, _SERVER)
    assert process.deliver(AFTERWARDS) == "250 2.0.0"
    process.end()
