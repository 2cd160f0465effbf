import pytest

from imapbox.index.account_operations import Create, Delete, Rename
from imapbox.index.account_state import ChangeAccount
from imapbox.index.binding import AccountUnsettled, Binding
from imapbox.model.errors import MailboxGone
from tests.unit.index.mail_log import DIRECTORY, AccountLog, simulated

MINE, OTHER = bytes(16), bytes([1]) * 16


def account(limit: int = 2**26) -> AccountLog:
    log = AccountLog(simulated(), segment_limit=limit).make()
    change(log, Create(MINE, 1, "mine"), Create(OTHER, 2, "other"))
    return log


def change(log: AccountLog, *operations: object) -> None:
    log.commit(ChangeAccount(log.state(), lambda _: operations))


def binding(log: AccountLog) -> Binding:
    opened, state = log.open()
    return Binding(DIRECTORY, opened.token, state.position, MINE)


def test_nothing_new_costs_two_reads() -> None:
    """An account that did not change is asked in two reads, without its lock."""
    log = account()
    bound = binding(log)
    log.files.disk.calls = []
    log.run(bound.check())
    methods = [call.method for call in log.files.disk.calls]
    assert methods == ["open", "pread", "close"] * 2


@pytest.mark.parametrize("limit", [300, 2**26])
def test_other_changes_do_not_matter(limit: int) -> None:
    """A mailbox is bound until it is deleted, whatever becomes of others."""
    log = account(limit)
    bound = binding(log)
    change(log, Rename(MINE, "renamed"), Delete(OTHER))
    change(log, Create(bytes([2]) * 16, 3, "mine"))
    log.run(bound.check())
    change(log, Delete(MINE))
    change(log, Create(bytes([3]) * 16, 4, "renamed"))
    with pytest.raises(MailboxGone):
        log.run(bound.check())


def test_a_delete_that_is_not_published_must_be_settled() -> None:
    """A DELETE behind the head may count: the account is settled first."""
    log = account()
    bound = binding(log)
    head = log.read("head")
    change(log, Delete(MINE))
    log.write("head", head)
    with pytest.raises(AccountUnsettled):
        log.run(bound.check())
    log.state()  # settles it
    with pytest.raises(MailboxGone):
        log.run(bound.check())


@pytest.mark.parametrize("head", ["torn", "older"])
def test_a_head_that_says_nothing_must_be_settled(head: str) -> None:
    """Without a head that extends what is known, nothing is known."""
    log = account()
    older = log.read("head")
    change(log, Rename(MINE, "a"))
    bound = binding(log)
    log.write("head", older if head == "older" else bytes(64))
    with pytest.raises(AccountUnsettled):
        log.run(bound.check())
