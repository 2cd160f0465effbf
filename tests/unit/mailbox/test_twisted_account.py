"""An account behind twisted.mail's IAccount."""

import pytest
from twisted.internet.defer import Deferred
from twisted.mail.imap4 import MailboxException

from imapbox.disk.blocking import result_of
from imapbox.model.errors import MailboxBusy
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.twisted_mail import Listener, StockClient, avatar_of


def with_tree() -> FakeAccount:
    account = FakeAccount()
    avatar = avatar_of(account)
    for name in ("a/b/c", "d", "Grüße"):
        assert avatar.create(name) is True
    return account


def test_changes_are_done_when_they_return() -> None:
    """The stock server answers when create and its like return, and not later."""
    account = with_tree()
    avatar = avatar_of(account)
    assert avatar.create("new/") is True
    assert avatar.addMailbox("added") is True
    assert avatar.rename("d", "e/") is True
    assert avatar.delete("a/b/c") is True
    assert avatar.subscribe("e") is True
    assert avatar.subscribe("new") is True
    assert avatar.unsubscribe("new") is True
    assert set(account.boxes) == {"INBOX", "new", "added", "e", "Grüße"}
    assert account.subscribed == {"e"}


def test_a_server_that_can_wait_gets_deferreds() -> None:
    """After answerWithDeferreds nothing keeps the reactor waiting."""
    account = FakeAccount()
    avatar = avatar_of(account)
    avatar.answerWithDeferreds()
    gate: Deferred[None] = Deferred()
    account.pause = lambda _: gate
    done = avatar.create("a")
    assert isinstance(done, Deferred)
    assert not done.called
    gate.callback(None)
    assert result_of(done) is True


@pytest.mark.parametrize("defers", [False, True])
@pytest.mark.parametrize("name", ["", "a//b", "a*", "\0", b"a&b", "x" * 300])
def test_names_that_can_not_be(name: str | bytes, *, defers: bool) -> None:
    """A name that no mailbox can have is refused in one sentence."""
    avatar = avatar_of(FakeAccount())
    if defers:
        avatar.answerWithDeferreds()
    with pytest.raises(MailboxException, match="can not have this name"):
        done = avatar.create(name)
        result_of(done)


def test_refusals_are_sentences() -> None:
    """Whatever the store refuses, the client reads why."""
    account = FakeAccount()
    avatar = avatar_of(account)
    with pytest.raises(MailboxException, match="No mailbox has this name"):
        avatar.delete("a")
    account.pause = refusing(MailboxBusy("pid 7"))
    with pytest.raises(MailboxException, match="longer than we were willing"):
        avatar.subscribe("a")
    with pytest.raises(MailboxException, match="longer than we were willing"):
        result_of(avatar.select("INBOX"))
    with pytest.raises(MailboxException, match="Only mailboxes of this store"):
        avatar.addMailbox("a", object())


@pytest.mark.parametrize("name", ["nothing", "a", "*", b"a&b"])
def test_what_is_not_there_can_not_be_selected(name: str | bytes) -> None:
    """Selecting a name that no mailbox has gives None, as the stock server expects."""
    assert result_of(avatar_of(with_tree()).select(name)) is None


def listed(account: FakeAccount, reference: str, pattern: str) -> dict[str, list[str]]:
    rows = result_of(avatar_of(account).listMailboxes(reference, pattern))
    return {name: info.getFlags() for name, info in rows}


def test_list() -> None:
    """Listed are the mailboxes, and with % the names above them."""
    account = with_tree()
    assert listed(account, "", "*") == {
        "INBOX": ["\\HasNoChildren"],
        "Grüße": ["\\HasNoChildren"],
        "a/b/c": ["\\HasNoChildren"],
        "d": ["\\HasNoChildren"],
    }
    assert listed(account, "", "%")["a"] == ["\\Noselect", "\\HasChildren"]
    assert list(listed(account, "a/", "%/c")) == ["a/b/c"]
    assert list(listed(account, "", "in")) == []
    assert listed(account, "", "") == {"": ["\\Noselect"]}


def test_the_stock_server_lists() -> None:
    """Names are modified UTF-7; what is told of them are attributes."""
    client = StockClient(with_tree())
    said = client.say(b'a LIST "" G*')
    assert b'* LIST (\\HasNoChildren) "/" "Gr&APwA3w-e"\r\n' in said
    assert client.say(b'b LIST "" ""').startswith(b'* LIST (\\Noselect) "/" ""\r\n')


def test_subscriptions() -> None:
    """isSubscribed tells what was so when the names were last listed."""
    account = with_tree()
    avatar = avatar_of(account)
    avatar.subscribe("d")
    result_of(avatar.listMailboxes("", "*"))
    assert avatar.isSubscribed("d")
    assert not avatar.isSubscribed("a/b/c")
    assert not avatar.isSubscribed("*")
    client = StockClient(account)
    assert client.say(b'a LSUB "" *').startswith(b'* LSUB (\\HasNoChildren) "/" "d"')


def test_namespaces() -> None:
    """There is the personal namespace, and no other."""
    said = StockClient(FakeAccount()).say(b"a NAMESPACE")
    assert said.startswith(b'* NAMESPACE (("" "/")) NIL NIL\r\n')


def test_a_logout_closes_everything() -> None:
    """The stock server closes no mailbox when a client goes; the logout does."""
    account = FakeAccount()
    avatar = avatar_of(account)
    mailboxes = [result_of(avatar.select("INBOX", True)) for _ in range(3)]
    for mailbox in mailboxes:
        assert mailbox is not None
        mailbox.addListener(Listener())
    avatar.logout()
    avatar.logout()
    assert account.open == []
    assert account.inbox.waiting == []
