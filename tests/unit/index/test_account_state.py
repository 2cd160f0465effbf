import errno
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from imapbox.index.account_operations import (
    Create,
    Delete,
    Rename,
    Subscribe,
    Unsubscribe,
)
from imapbox.index.account_state import ChangeAccount
from imapbox.model.errors import MailboxExists, NoSuchMailbox
from imapbox.model.names import tree_order
from tests.simulation.fault import WRITES, Fault
from tests.unit.index.mail_log import AccountLog, simulated

names = st.sampled_from(["INBOX", "a", "b", "a/b", "Ü"])


class AccountMachine(RuleBasedStateMachine):
    """An account's log and a dictionary; each change is asked for with old facts."""

    def __init__(self) -> None:
        super().__init__()
        self.mailboxes: dict[str, tuple[bytes, int]] = {}
        self.deleted: set[bytes] = set()
        self.subscribed: set[str] = set()
        self.count = 0
        self.modseq = 1

    @initialize(limit=st.sampled_from([400, 2**26]))
    def make(self, limit: int) -> None:
        self.log = AccountLog(simulated(), segment_limit=limit).make()
        self.old = self.log.state()

    @rule(name=names)
    def create(self, name: str) -> None:
        self.count += 1
        new = Create(self.count.to_bytes(16, "big"), self.count, name)

        def decide(state: object) -> list:
            if name in state.names:
                raise MailboxExists
            return [new]

        if self._commit(decide, MailboxExists if name in self.mailboxes else None):
            self.mailboxes[name] = new.mailbox_id, new.uidvalidity

    @rule(one=names, other=names)
    def swap(self, one: str, other: str) -> None:
        """Rename two mailboxes to one another's names, in one frame."""

        def decide(state: object) -> list:
            if not {one, other} <= state.names.keys():
                raise NoSuchMailbox
            return [
                Rename(state.names[one].mailbox_id, other),
                Rename(state.names[other].mailbox_id, one),
            ]

        known = {one, other} <= self.mailboxes.keys()
        if self._commit(decide, None if known else NoSuchMailbox):
            found = self.mailboxes
            found[one], found[other] = found[other], found[one]

    @rule(name=names, to=names)
    def rename(self, name: str, to: str) -> None:
        def decide(state: object) -> list:
            if to in state.names or name not in state.names:
                return []
            return [Rename(state.names[name].mailbox_id, to)]

        if self._commit(decide) and name in self.mailboxes:
            self.mailboxes.setdefault(to, self.mailboxes[name])
            if self.mailboxes[to] == self.mailboxes[name] and name != to:
                del self.mailboxes[name]

    @rule(name=names)
    def delete(self, name: str) -> None:
        def decide(state: object) -> list:
            found = state.names.get(name)
            return [Delete(found.mailbox_id)] if found else []

        if self._commit(decide) and name in self.mailboxes:
            self.deleted.add(self.mailboxes.pop(name)[0])

    @rule(name=names, wanted=st.booleans())
    def subscribe(self, name: str, wanted: bool) -> None:
        kind = Subscribe if wanted else Unsubscribe
        self._commit(lambda _: [kind(name)])
        (self.subscribed.add if wanted else self.subscribed.discard)(name)

    @rule()
    def learn(self) -> None:
        self.old = self.log.state()

    def _commit(self, decide: object, refused: type | None = None) -> bool:
        """Commit with a copy of old facts; say whether it was not refused."""
        (outcome,) = self.log.commit_all(ChangeAccount(self.old.copy(), decide))
        assert type(outcome.error) is (refused or type(None))
        self.modseq += outcome.change is not None
        return outcome.error is None

    @invariant()
    def log_agrees(self) -> None:
        """The log, read anew, says what the dictionary says."""
        if not hasattr(self, "log"):
            return
        state = self.log.state()
        found = {
            name: (one.mailbox_id, one.uidvalidity) for name, one in state.names.items()
        }
        assert found == self.mailboxes
        ids = {mailbox_id for mailbox_id, _ in self.mailboxes.values()}
        assert state.mailboxes.keys() == ids
        assert state.deleted.keys() == self.deleted
        assert state.subscribed == self.subscribed
        in_order = [one.name for one in state.in_order.all()]
        assert in_order == sorted(self.mailboxes, key=tree_order)
        assert set(state.in_order.all()) == set(state.mailboxes.values())
        below_a = [one.name for one in state.in_order.all("a")]
        assert below_a == [name for name in in_order if name.startswith("a")]
        in_order = sorted(self.subscribed, key=tree_order)
        assert list(state.subscribed_in_order.all()) == in_order
        given = [*ids, *self.deleted]
        highest = max((int.from_bytes(one, "big") for one in given), default=0)
        assert state.highest_uidvalidity == highest
        assert state.counts.modseq == self.modseq
        assert state.position == self.log.head().position


@pytest.mark.slow
class TestAccount(AccountMachine.TestCase):
    """An account's log, folded, says what a dictionary of names says."""

    settings = settings(stateful_step_count=20)


def test_changes_that_are_asked_again_are_made_once() -> None:
    """Where a batch finds no room at first, each of its changes is made alone."""
    log = AccountLog(simulated()).make()
    old = log.state()
    one, two = (Create(bytes([n]) * 16, n, "a") for n in (1, 2))

    def decide(new: Create, state: object) -> list:
        if new.name in state.names:
            raise MailboxExists
        return [new]

    is_log = lambda path: path.endswith("/log.1")  # noqa: E731 - a short one
    log.files.disk.faults = (Fault(WRITES, 1, errno.ENOSPC, where=is_log),)
    outcomes = log.commit_all(
        ChangeAccount(old.copy(), partial(decide, one)),
        ChangeAccount(old.copy(), partial(decide, two)),
        ChangeAccount(old.copy(), lambda _: [Subscribe("b")]),
    )
    errors = [type(outcome.error) for outcome in outcomes]
    assert errors == [type(None), MailboxExists, type(None)]
    state = log.state()
    assert list(state.mailboxes) == [one.mailbox_id]
    assert state.subscribed == {"b"}


@pytest.mark.parametrize("operation", [Rename(bytes(16), "a"), Delete(bytes(16))])
def test_a_mailbox_that_never_was_is_damage(operation: Rename | Delete) -> None:
    """An account that renames or deletes what it never had is damaged."""
    log = AccountLog(simulated()).make()
    log.commit(ChangeAccount(log.state(), lambda _: [operation]))
    opened, _ = log.open()
    assert opened.damaged
