"""A mailbox behind twisted.mail's IMailbox, and the stock server on it."""

import gc
from io import BytesIO

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.mail.imap4 import MailboxException, MessageSet, ReadOnlyMailbox

from imapbox.disk.blocking import result_of
from imapbox.model.errors import MailboxBusy, MailboxGone, StoreFailure
from tests.support.fake_mail import FakeAccount, at_once, refusing
from tests.support.twisted_mail import (
    Listener,
    StockClient,
    avatar_of,
    fetched,
    opened,
)

TEXT = b"Subject: hello\r\n\r\nbody\r\n"


def with_mail(count: int = 3) -> FakeAccount:
    account = FakeAccount()
    for number in range(count):
        account.inbox.add(TEXT + b"x" * number)
    return account


def expunge(account: FakeAccount, *uids: int) -> None:
    """Remove messages, as another session does."""
    for uid in uids:
        del account.inbox.messages[uid]
    account.inbox.modseq += 1
    account.inbox.changed()


def test_new_mail_is_told_at_once() -> None:
    """A listener is told of new messages without being asked."""
    account = with_mail()
    mailbox, listener = opened(account), Listener()
    mailbox.addListener(listener)
    account.inbox.add(TEXT)
    account.inbox.add(TEXT)
    assert listener.heard == [(4, 4), (5, 5)]


def test_flags_of_others_are_told() -> None:
    """A listener is told of flags that another session changed."""
    account = with_mail()
    mailbox, other, listener = opened(account), opened(account), Listener()
    mailbox.addListener(listener)
    result_of(other.store(MessageSet(2), ["\\Seen"], 1, False))
    assert listener.heard == [{2: ["\\Seen", "\\Recent"]}]


def test_who_does_not_listen_any_more_is_told_nothing() -> None:
    """A listener that was removed hears nothing, and nothing waits for it."""
    account = with_mail()
    mailbox, listener = opened(account), Listener()
    mailbox.addListener(listener)
    mailbox.removeListener(listener)
    account.inbox.add(TEXT)
    assert listener.heard == []
    assert account.inbox.waiting == []
    with pytest.raises(ValueError, match="not in list"):
        mailbox.removeListener(listener)


def test_who_listens_keeps_the_mailbox_open() -> None:
    """A listener is told though nobody refers to the mailbox; until that is closed."""
    account, listener = with_mail(), Listener()
    opened(account).addListener(listener)
    gc.collect()
    account.inbox.add(TEXT)
    assert listener.heard == [(4, 4)]
    mailbox = opened(account)
    mailbox.addListener(listener)
    mailbox.removeListener(listener)
    del mailbox
    assert len(account.open) == 1
    closed = opened(account)
    closed.addListener(listener)
    closed.close()
    closed.addListener(listener)
    del closed
    assert len(account.open) == 1
    assert len(account.inbox.waiting) == 1


def test_expunges_of_others_keep_their_numbers_until_told() -> None:
    """A number means the same message until an EXPUNGE can be told."""
    account = with_mail(4)
    mailbox, listener = opened(account), Listener()
    mailbox.addListener(listener)
    expunge(account, 1, 3)
    account.inbox.add(TEXT)
    assert listener.heard == [(5, 3)]
    assert mailbox.getMessageCount() == 5
    assert [message.getUID() for message in fetched(mailbox)] == [2, 4, 5]
    assert [message.getUID() for message in fetched(mailbox, 2)] == [2]
    assert fetched(mailbox, 1) == []
    assert mailbox.getUID(4) == 4
    assert result_of(mailbox.expunge()) == [3, 1]
    assert [mailbox.getUID(seq) for seq in (1, 2, 3)] == [2, 4, 5]


def test_flags_behind_an_untold_expunge_have_told_numbers() -> None:
    """STORE and changed flags name messages by the numbers that the client has."""
    account = with_mail()
    mailbox, other, listener = opened(account), opened(account), Listener()
    mailbox.addListener(listener)
    expunge(account, 1)
    stored = result_of(mailbox.store(MessageSet(2, 3), ["\\Seen"], 0, False))
    assert stored == {2: ["\\Seen", "\\Recent"], 3: ["\\Seen", "\\Recent"]}
    result_of(other.store(MessageSet(3), ["\\Draft"], 1, True))
    assert listener.heard[-1] == {3: ["\\Seen", "\\Draft", "\\Recent"]}


def test_an_idling_stock_server_tells_expunges() -> None:
    """While its client idles, the stock server tells an EXPUNGE at once."""
    account = with_mail()
    client = StockClient(account)
    client.say(b"a SELECT INBOX")
    expunge(account, 2)
    assert client.heard() == b""
    client.say(b"b IDLE")
    expunge(account, 1)
    assert client.heard() == b"* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n"
    assert client.say(b"DONE") == b"b OK IDLE terminated\r\n"
    assert client.server.mbox.getMessageCount() == 1


def test_what_was_asked_first_is_done_first() -> None:
    """STORE, EXPUNGE and FETCH are done in order, though nobody waited for them."""
    account = with_mail()
    mailbox = opened(account)
    gates: list[Deferred[None]] = []

    def pause(_what: str) -> Deferred[None]:
        gates.append(Deferred())
        return gates[-1]

    account.pause = pause
    results: list[object] = []
    mailbox.store(MessageSet(2), ["\\Deleted"], 1, False).addCallback(results.append)
    mailbox.expunge().addCallback(results.append)
    mailbox.fetch(MessageSet(1, None), False).addCallback(
        lambda found: results.append([message.getUID() for _, message in found])
    )
    while gates:
        assert len(gates) == 1
        gates.pop().callback(None)
    assert results == [{2: ["\\Deleted", "\\Recent"]}, [2], [1, 3]]


def test_an_append_to_another_mailbox_tells_what_is_selected() -> None:
    """The stock server's EXISTS behind an APPEND is the selected mailbox's."""
    account = with_mail(3)
    client = StockClient(account)
    client.say(b"a CREATE other")
    client.say(b"b SELECT INBOX")
    append = b"c APPEND other () {%d}" % len(TEXT)
    assert client.say(append).startswith(b"+ ")
    assert client.say(TEXT) == b"* 3 EXISTS\r\nc OK APPEND complete\r\n"
    assert len(account.boxes["other"].messages) == 1


def test_an_append_to_the_selected_mailbox_is_told() -> None:
    """After an APPEND to the selected mailbox the session knows the message."""
    account = with_mail(3)
    client = StockClient(account)
    client.say(b"a SELECT INBOX")
    client.say(b"b APPEND INBOX (\\Seen) {%d}" % len(TEXT))
    assert b"* 4 EXISTS\r\n" in client.say(TEXT)
    assert b"FLAGS (\\Seen" in client.say(b"c FETCH 4 FLAGS")


def test_what_the_stock_server_forgets_is_closed() -> None:
    """STATUS, APPEND and COPY leave no mailbox open."""
    account = with_mail(3)
    client = StockClient(account)
    client.say(b"a SELECT INBOX")
    assert client.say(b"b STATUS INBOX (MESSAGES)").startswith(b"* STATUS INBOX")
    client.say(b"c COPY 1 INBOX")
    gc.collect()
    assert len(account.open) == 1
    client.server.account.logout()
    assert account.open == []
    assert account.inbox.waiting == []


def test_only_select_takes_recent() -> None:
    r"""STATUS, APPEND and COPY leave what is \Recent recent to the next SELECT."""
    account = with_mail(3)
    assert opened(account, rw=None).getRecentCount() == 3
    assert opened(account, rw=False).getRecentCount() == 3
    assert opened(account, rw=True).getRecentCount() == 3
    assert opened(account, rw=True).getRecentCount() == 0


def test_status_is_always_answered() -> None:
    """An item that nobody knows is left out, or the client would wait for ever."""
    client = StockClient(with_mail(2))
    said = client.say(b"a STATUS INBOX (MESSAGES NONSENSE uidnext)")
    assert said == b"* STATUS INBOX (MESSAGES 2 uidnext 3)\r\na OK STATUS complete\r\n"


def test_a_mailbox_that_was_examined_is_not_changed() -> None:
    """EXAMINE refuses STORE, EXPUNGE and APPEND, as twisted.mail words it."""
    mailbox = opened(with_mail(), rw=False)
    assert not mailbox.isWriteable()
    assert mailbox.getPermanentFlags() == []
    with pytest.raises(ReadOnlyMailbox):
        result_of(mailbox.store(MessageSet(1), ["\\Seen"], 1, False))
    with pytest.raises(ReadOnlyMailbox):
        result_of(mailbox.expunge())
    with pytest.raises(ReadOnlyMailbox):
        mailbox.addMessage(BytesIO(TEXT))


@pytest.mark.parametrize(
    "error", [MailboxGone(), MailboxBusy("pid 7"), StoreFailure("disk")]
)
def test_a_refusal_says_why_and_nothing_secret(error: Exception) -> None:
    """What the store refuses is a MailboxException with a sentence for the client."""
    account = with_mail()
    mailbox = opened(account)
    account.pause = refusing(error)
    for work in (
        mailbox.fetch(MessageSet(1), False),
        mailbox.store(MessageSet(1), [], 0, False),
        mailbox.addMessage(BytesIO(TEXT)),
        mailbox.sync(),
    ):
        with pytest.raises(MailboxException) as refusal:
            result_of(work)
        assert str(refusal.value) == error.sentence()
    account.pause = at_once
    assert len(fetched(mailbox)) == 3


def test_a_mailbox_that_is_gone_is_not_told_for_ever() -> None:
    """A listener of a mailbox that was deleted waits for nothing any more."""
    account = with_mail()
    mailbox = opened(account)
    mailbox.addListener(Listener())
    account.inbox.gone = True
    account.inbox.changed()
    assert account.inbox.waiting == []


@pytest.mark.parametrize("date", [None, b"17-Jul-1996 02:44:25 -0700"])
def test_add_message(date: bytes | None) -> None:
    """A message keeps its octets, flags and date, and its UID is told."""
    account = with_mail(0)
    mailbox = opened(account)
    uid = result_of(mailbox.addMessage(BytesIO(TEXT), ["\\Seen", "$Work"], date))
    (message,) = fetched(mailbox)
    assert message.getUID() == uid
    assert message.open().read() == TEXT
    assert message.getFlags() == ["\\Seen", "$Work", "\\Recent"]
    if date:
        assert message.getInternalDate() == "Wed, 17 Jul 1996 02:44:25 -0700"


@pytest.mark.parametrize(
    ("flags", "date"), [(["two words"], None), ([b"\xff"], None), ([], "yesterday")]
)
def test_add_message_of_nonsense(flags: list[str], date: str | None) -> None:
    """What can't be a flag or a date is refused, and nothing is added or kept."""
    account = with_mail(0)
    with pytest.raises(MailboxException):
        result_of(opened(account).addMessage(BytesIO(TEXT), flags, date))
    assert account.inbox.messages == {}
    assert account.spools == set()


def test_an_append_that_fails_leaves_no_spool() -> None:
    """A file that can't be read to its end leaves nothing behind."""

    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(size)

    account = with_mail(0)
    mailbox = opened(account)
    with pytest.raises(OSError, match="65536"):
        result_of(mailbox.addMessage(Broken(TEXT)))
    assert account.spools == set()


def test_copy() -> None:
    """A copy has the octets, the flags and the date of its message."""
    account = with_mail(1)
    source = opened(account)
    result_of(source.store(MessageSet(1), ["\\Flagged", "$Work"], 0, False))
    (message,) = fetched(source)
    target = opened(account, rw=None)
    uid = result_of(target.copy(message))
    copy = account.inbox.messages[uid]
    original = account.inbox.messages[1]
    assert (copy.octets, copy.flags, copy.date) == (TEXT, original.flags, original.date)


def test_copies_of_one_turn_are_one_change() -> None:
    """Messages that are copied in one turn are copied together, or none of them."""
    account, clock = with_mail(3), Clock()
    avatar = avatar_of(account, clock)
    source = result_of(avatar.select("INBOX", True))
    target = result_of(avatar.select("INBOX"))
    messages = fetched(source)
    steps: list[str] = []

    async def pause(what: str) -> None:
        steps.append(what)

    account.pause = pause
    copies = [target.copy(message) for message in reversed(messages)]
    clock.advance(0)
    assert [result_of(copied) for copied in copies] == [6, 5, 4]
    assert steps == ["copy"]
    expunge(account, 2)
    failing = [target.copy(message) for message in messages]
    clock.advance(0)
    for copied in failing:
        with pytest.raises(MailboxException):
            result_of(copied)
    assert sorted(account.inbox.messages) == [1, 3, 4, 5, 6]


def test_a_copy_from_another_account() -> None:
    """A message of somebody else's is copied octet by octet, by who has it."""
    theirs, ours = with_mail(1), with_mail(0)
    (message,) = fetched(opened(theirs))
    uid = result_of(opened(ours).copy(message))
    assert ours.inbox.messages[uid].octets == TEXT
    assert len(theirs.inbox.messages) == 1


@pytest.mark.parametrize(
    ("ranges", "by_uid", "found"),
    [
        ((None,), False, [3]),
        ((None,), True, [3]),
        ((2, None), False, [2, 3]),
        ((2, 2**32 - 1), True, [2, 3]),
        ((9, None), True, [3]),
        ((7, 9), True, []),
    ],
)
def test_sets(ranges: tuple[int | None, ...], by_uid: bool, found: list[int]) -> None:
    """Sets are met with what is there, and never counted through."""
    rows = result_of(opened(with_mail()).fetch(MessageSet(*ranges), by_uid))
    assert [seq for seq, _ in rows] == found


@pytest.mark.parametrize(("count", "ranges"), [(3, (4,)), (3, (1, 9)), (0, (1,))])
def test_numbers_of_nobody(count: int, ranges: tuple[int, ...]) -> None:
    """A sequence number beyond the last message's is refused."""
    mailbox = opened(with_mail(count))
    with pytest.raises(MailboxException):
        result_of(mailbox.fetch(MessageSet(*ranges), False))


@pytest.mark.parametrize("by_uid", [False, True])
def test_all_of_an_empty_mailbox(by_uid: bool) -> None:
    """``1:*`` of an empty mailbox is nothing, and no mistake."""
    mailbox = opened(with_mail(0))
    assert result_of(mailbox.fetch(MessageSet(1, None), by_uid)) == []
