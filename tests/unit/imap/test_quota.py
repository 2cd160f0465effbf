"""QUOTA: RFC 9208."""

import pytest

from imapbox.model.quota import Quota
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

MESSAGE = b"Subject: x\r\n\r\n" + b"x" * 1010  # one KiB


@pytest.fixture
def account() -> FakeAccount:
    account = FakeAccount(limits=Quota(4096, 3))
    account.inbox.add(MESSAGE)
    account.inbox.add(MESSAGE[:-1], ["\\Deleted"])
    return account


@pytest.fixture
def client(account: FakeAccount) -> Client:
    return Client(account).login()


def test_what_is_held_and_may_be_is_told(client: Client, account: FakeAccount) -> None:
    """An account has one quota root; storage is counted in KiB, rounded up."""
    quota = b'* QUOTA "" (STORAGE 2 4 MESSAGE 2 3)\r\n'
    assert client.say(b'a GETQUOTA ""\r\n') == quota + b"a OK Counted.\r\n"
    said = client.say(b"b GETQUOTAROOT nowhere\r\n")
    assert said == b'* QUOTAROOT nowhere ""\r\n' + quota + b"b OK Counted.\r\n"
    account.limits = Quota(messages=3)
    said = client.say(b'c GETQUOTA ""\r\n')
    assert said == b'* QUOTA "" (MESSAGE 2 3)\r\nc OK Counted.\r\n'


def test_what_is_not_limited_has_no_root(client: Client, account: FakeAccount) -> None:
    """Where nothing is limited there is no quota root, and one of others never is."""
    no_root = b"NO [NONEXISTENT] There is no such quota root.\r\n"
    assert client.say(b"a GETQUOTA bob\r\n") == b"a " + no_root
    account.limits = Quota()
    assert client.say(b'b GETQUOTA ""\r\n') == b"b " + no_root
    said = client.say(b"c GETQUOTAROOT INBOX\r\n")
    assert said == b"* QUOTAROOT INBOX\r\nc OK Counted.\r\n"


@pytest.mark.parametrize("limits", [b"()", b"(STORAGE 9)", b"(X-OTHER 0 MESSAGE 1)"])
def test_only_the_administrator_sets_it(client: Client, limits: bytes) -> None:
    """SETQUOTA is understood and refused; QUOTASET is not announced."""
    said = client.say(b'a SETQUOTA "" ' + limits + b"\r\n")
    assert said == b"a NO [NOPERM] Only the administrator sets quotas.\r\n"
    assert b" QUOTASET" not in client.say(b"b CAPABILITY\r\n")


def test_what_expunge_would_give_back_is_told(client: Client) -> None:
    r"""STATUS tells how many messages are \Deleted, and how large they are."""
    said = client.say(b"a STATUS INBOX (DELETED DELETED-STORAGE)\r\n")
    assert (
        said == b"* STATUS INBOX (DELETED 1 DELETED-STORAGE 1023)\r\na OK Counted.\r\n"
    )


def test_what_is_too_much_is_refused(client: Client, account: FakeAccount) -> None:
    """APPEND beyond the quota is OVERQUOTA; REPLACE counts what it frees, too."""
    literal = b"{%d+}\r\n%b\r\n" % (len(MESSAGE), MESSAGE)
    assert b"a OK" in client.say(b"a APPEND INBOX " + literal)
    refused = (
        b"NO [OVERQUOTA] The account may not hold that much: its quota is reached."
    )
    assert client.say(b"b APPEND INBOX " + literal) == b"b " + refused + b"\r\n"
    client.say(b"s SELECT INBOX\r\n")
    assert b"c OK" in client.say(b"c REPLACE 1 INBOX " + literal)
    account.limits = Quota(2048)
    assert b"d NO [OVERQUOTA]" in client.say(b"d REPLACE 1 INBOX " + literal)
    assert len(account.inbox.messages) == 3
