"""NOTIFY: RFC 5465."""

import pytest

from imapbox.imap import notices
from imapbox.imap.notifying import AGAIN_SECONDS
from imapbox.model.errors import StoreFailure
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client

ALL = b"(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)"
KNOWN = ALL[:-1] + b" MailboxMetadataChange ServerMetadataChange)"


@pytest.fixture
def account() -> FakeAccount:
    account = FakeAccount()
    for name in ("lists", "lists/one", "work"):
        account.boxes[name] = account._new_box()
    return account


@pytest.fixture
def client(account: FakeAccount) -> Client:
    return Client(account).login()


def notify(client: Client, groups: bytes) -> bytes:
    said = client.say(b"n NOTIFY SET %b\r\n" % groups)
    assert b"n OK You will be told.\r\n" in said
    return said


def other(client: Client, *commands: bytes) -> None:
    """Let another session of the same user do something."""
    session = Client(client.account).login()
    for command in commands:
        assert b"o OK" in session.say(b"o %b\r\n" % command)
    session.drop()


def append(client: Client, name: bytes) -> None:
    other(client, b"APPEND %b {6+}\r\na: b\r\n" % name)


def test_the_selected_mailbox(client: Client) -> None:
    """What happens in the selected mailbox is told at once, new messages as wished."""
    client.account.inbox.add(b"Subject: old\r\n\r\n")
    client.select()
    notify(
        client,
        b"(selected (MessageNew (FLAGS BODY[HEADER.FIELDS (Subject)]) "
        b"MessageExpunge FlagChange))",
    )
    client.account.inbox.add(b"Subject: new\r\n\r\n")
    assert client.turn() == (
        b"* 2 EXISTS\r\n* 2 RECENT\r\n"
        b"* 2 FETCH (UID 2 FLAGS (\\Recent) BODY[HEADER.FIELDS (Subject)] {16}\r\n"
        b"Subject: new\r\n\r\n)\r\n"
    )
    other(client, b"SELECT INBOX", b"STORE 1 +FLAGS (\\Deleted)")
    assert client.turn() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))\r\n"
    other(client, b"SELECT INBOX", b"EXPUNGE")
    assert client.turn() == b"* 1 EXPUNGE\r\n"
    assert client.account.inbox.messages[2].flags == 0
    assert client.say(b"t NOOP\r\n") == b"t OK Nothing more.\r\n"


def test_expunges_may_wait(client: Client) -> None:
    """With SELECTED-DELAYED an EXPUNGE waits for a command that lets it be told."""
    for _ in range(2):
        client.account.inbox.add(b"x")
    client.select()
    notify(client, b"(selected-delayed (MessageNew MessageExpunge FlagChange))")
    other(client, b"SELECT INBOX", b"STORE 2 +FLAGS (\\Deleted)", b"EXPUNGE")
    assert client.turn() == b"* 2 FETCH (UID 2 FLAGS (\\Deleted \\Recent))\r\n"
    other(client, b"SELECT INBOX", b"STORE 1 +FLAGS (\\Seen)")
    assert b"* 1 FETCH (UID 1 FLAGS (\\Seen" in client.turn()
    assert b"EXPUNGE" not in client.say(b"f FETCH 2 UID\r\n")
    assert b"* 2 EXPUNGE\r\n" in client.say(b"i IDLE\r\n")


def test_an_expunge_waits_for_the_command_only(client: Client) -> None:
    """With SELECTED no position moves within a command, and any right behind it."""
    for _ in range(2):
        client.account.inbox.add(b"x")
    client.select()
    notify(client, b"(selected (MessageNew MessageExpunge))")
    del client.account.inbox.messages[1]
    said = client.say(b"f FETCH 1:2 UID\r\n")
    told, behind = said.split(b"f OK Fetched.\r\n")
    assert b"EXPUNGE" not in told
    assert behind == b"* 1 EXPUNGE\r\n"


def test_what_is_not_wished_is_not_told(client: Client) -> None:
    """Flags, or all that others do, are told to nobody who leaves them out."""
    client.account.inbox.add(b"x")
    client.select()
    notify(client, b"(selected (MessageNew MessageExpunge))")
    other(client, b"SELECT INBOX", b"STORE 1 +FLAGS (\\Seen)")
    assert client.say(b"t NOOP\r\n") == b"t OK Nothing more.\r\n"
    for said in (
        b"n NOTIFY NONE\r\n",
        b"n NOTIFY SET (personal (MailboxName))\r\n",
        b"n NOTIFY SET (selected NONE)\r\n",
    ):
        assert b"n OK" in client.say(said)
        append(client, b"INBOX")
        assert client.turn() == b""
        assert client.say(b"t NOOP\r\n") == b"t OK Nothing more.\r\n"
        assert client.say(b"i IDLE\r\n") == b"+ idling\r\n"
        append(client, b"INBOX")
        assert client.turn() == b""
        client.say(b"DONE\r\n")
    # Its own EXPUNGE it is told, and with it all.
    client.say(b"s STORE 1 +FLAGS.SILENT (\\Deleted)\r\n")
    assert client.say(b"e EXPUNGE\r\n").startswith(b"* 1 EXPUNGE\r\n* 6 EXISTS\r\n")


def test_what_happened_before_is_told_first(client: Client) -> None:
    """NOTIFY SET tells what happened until then, like a NOOP."""
    client.account.inbox.add(b"x")
    client.select()
    client.say(b"n NOTIFY NONE\r\n")
    del client.account.inbox.messages[1]
    client.account.inbox.add(b"y")
    said = notify(client, b"(selected (MessageNew (FLAGS) MessageExpunge))")
    assert said.startswith(b"* 1 EXPUNGE\r\n* 1 EXISTS\r\n* 1 RECENT\r\n")
    assert b"FETCH" not in said


def test_what_is_its_own(client: Client) -> None:
    """Of a message that the client itself brings it is told EXISTS, and no FETCH."""
    client.select()
    notify(client, b"(selected (MessageNew (FLAGS) MessageExpunge))")
    said = client.say(b"a APPEND INBOX {1+}\r\nx\r\n")
    assert said.startswith(b"* 1 EXISTS\r\n")
    assert b"FETCH" not in said
    assert b"FETCH" not in client.say(b"a COPY 1 INBOX\r\n")
    client.account.inbox.add(b"y")
    assert b"* 3 FETCH (UID 3" in client.turn()


def test_another_mailbox(client: Client) -> None:
    """Of other mailboxes the counts are told, and nothing twice."""
    client.select()
    notify(client, b"(personal (MessageNew MessageExpunge))")
    append(client, b"work")
    assert client.turn() == b"* STATUS work (MESSAGES 1 UIDNEXT 2 UNSEEN 1)\r\n"
    append(client, b"INBOX")  # which is selected, and that is another matter
    assert client.turn() == b""
    other(client, b"SELECT work", b"STORE 1 +FLAGS (\\Seen \\Deleted)")
    assert client.turn() == b""
    other(client, b"SELECT work", b"EXPUNGE")
    assert client.turn() == b"* STATUS work (MESSAGES 0 UIDNEXT 2)\r\n"
    client.account.boxes["work"].changed()
    assert client.turn() == b""


def test_status_at_once(client: Client) -> None:
    """STATUS tells how many messages there are, but in the selected mailbox."""
    client.select()
    said = notify(
        client,
        b'STATUS (mailboxes (INBOX work nowhere "#no") (MessageNew MessageExpunge))'
        b" (subtree lists (FlagChange MessageNew MessageExpunge))",
    )
    none = b"MESSAGES 0 UIDNEXT 1 UIDVALIDITY"
    assert said.split(b"\r\n")[:-2] == [
        b"* STATUS lists (%b 102 UNSEEN 0 HIGHESTMODSEQ 1)" % none,
        b"* STATUS lists/one (%b 103 UNSEEN 0 HIGHESTMODSEQ 1)" % none,
        b"* STATUS work (%b 104 UNSEEN 0)" % none,
    ]


def test_flags_elsewhere(client: Client) -> None:
    """Flags of other mailboxes are told as far as counts show them, or as modseqs."""
    client.account.boxes["work"].add(b"x")
    notify(client, b"(mailboxes work (MessageNew MessageExpunge FlagChange))")
    other(client, b"SELECT work", b"STORE 1 +FLAGS (\\Flagged)")
    assert client.turn() == b""
    other(client, b"SELECT work", b"STORE 1 +FLAGS (\\Seen)")
    assert client.turn() == b"* STATUS work (UNSEEN 0 UIDVALIDITY 104)\r\n"
    client.say(b"e ENABLE CONDSTORE\r\n")
    other(client, b"SELECT work", b"STORE 1 -FLAGS (\\Flagged)")
    assert client.turn() == b"* STATUS work (HIGHESTMODSEQ 5 UIDVALIDITY 104)\r\n"
    append(client, b"work")
    assert client.turn() == (
        b"* STATUS work (MESSAGES 2 UIDNEXT 3 UNSEEN 1 HIGHESTMODSEQ 6 "
        b"UIDVALIDITY 104)\r\n"
    )
    box = client.account.boxes["work"]
    box.uidvalidity, box.modseq = 999, box.modseq + 1
    box.changed()
    assert client.turn() == (
        b"* STATUS work (MESSAGES 2 UIDNEXT 3 UNSEEN 1 HIGHESTMODSEQ 7 "
        b"UIDVALIDITY 999)\r\n"
    )


def test_messages_that_it_brings_elsewhere(client: Client) -> None:
    """Of what the client itself brings to other mailboxes it is told nothing."""
    notify(client, b"(mailboxes work (MessageNew MessageExpunge))")
    assert b"STATUS" not in client.say(b"a APPEND work {1+}\r\nx\r\n")
    append(client, b"work")
    assert client.turn() == b"* STATUS work (MESSAGES 2 UIDNEXT 3 UNSEEN 2)\r\n"
    client.account.inbox.add(b"x")
    client.select()
    assert b"STATUS" not in client.say(b"c COPY 1 work\r\n")


def test_a_mailbox_that_was_selected(client: Client) -> None:
    """What was not told while a mailbox was selected is told once it is left."""
    client.account.inbox.add(b"x")
    client.select()
    notify(client, b"(personal (MessageNew MessageExpunge))")
    assert b"STATUS" not in client.say(b"u UNSELECT\r\n")
    client.select()
    append(client, b"INBOX")
    assert client.say(b"u UNSELECT\r\n") == (
        b"u OK Mailbox left.\r\n* STATUS INBOX (MESSAGES 2 UIDNEXT 3)\r\n"
    )


def test_names(client: Client) -> None:
    """Names that others make, change and remove are told, with what is above them."""
    notify(client, b"(personal (MailboxName))")
    other(client, b"CREATE a/b")
    assert client.turn() == (
        b'* LIST (\\NonExistent \\HasChildren) "/" a\r\n'
        b'* LIST (\\HasNoChildren) "/" a/b\r\n'
    )
    other(client, b"RENAME lists news")
    assert b'"/" news ("OLDNAME" (lists))\r\n' in client.turn()
    other(client, b"DELETE a/b")
    assert client.turn() == (
        b'* LIST (\\NonExistent \\HasNoChildren) "/" a\r\n'
        b'* LIST (\\NonExistent \\HasNoChildren) "/" a/b\r\n'
    )
    other(client, b"SUBSCRIBE work")
    assert client.turn() == b""


def test_subscriptions(client: Client) -> None:
    """Subscriptions are told, and who watches what is subscribed watches that."""
    notify(client, b"(subscribed (MessageNew MessageExpunge SubscriptionChange))")
    append(client, b"work")
    assert client.turn() == b""
    other(client, b"SUBSCRIBE work")
    assert client.turn() == (
        b'* LIST (\\Subscribed \\HasNoChildren) "/" work\r\n'
        b"* STATUS work (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 104)\r\n"
    )
    append(client, b"work")
    assert b"* STATUS work (MESSAGES 2 UIDNEXT 3 UNSEEN 2)" in client.turn()
    other(client, b"UNSUBSCRIBE work")
    assert client.turn() == b'* LIST (\\HasNoChildren) "/" work\r\n'
    append(client, b"work")
    assert client.turn() == b""


def test_its_own_changes_of_names(client: Client) -> None:
    """The client is not told of names that it made, changed or removed itself."""
    notify(client, b"(personal %b)" % ALL)
    for command in (
        b"CREATE own",
        b"RENAME own mine",
        b"SUBSCRIBE mine",
        b"UNSUBSCRIBE mine",
        b"DELETE mine",
    ):
        said = client.say(b"t %b\r\n" % command) + client.turn()
        assert b"t OK" in said
        assert b"* " not in said


def test_a_new_mailbox_is_watched(client: Client) -> None:
    """A mailbox that comes to be meant is told of as others are."""
    notify(client, b"(subtree lists (MessageNew MessageExpunge))")
    other(client, b"CREATE lists/two", b"APPEND lists/two {1+}\r\nx")
    assert client.turn() == (
        b"* STATUS lists/two (MESSAGES 1 UIDNEXT 2 UNSEEN 1 UIDVALIDITY 105)\r\n"
    )
    other(client, b"RENAME lists/two work2", b"APPEND work2 {1+}\r\nx")
    assert client.turn() == b""


def test_none_leaves_out(client: Client) -> None:
    """NONE leaves mailboxes out of what other groups mean."""
    said = notify(
        client,
        b"STATUS (subtree lists NONE) (personal (MessageNew MessageExpunge))",
    )
    assert b"lists" not in said
    assert b"* STATUS work " in said


def test_idle_tells_the_same(client: Client) -> None:
    """While a client idles it is told what NOTIFY says, and no less."""
    client.select()
    notify(
        client,
        b"(selected-delayed (MessageNew (FLAGS) MessageExpunge)) (personal "
        b"(MessageNew MessageExpunge MailboxName))",
    )
    client.say(b"i IDLE\r\n")
    client.account.inbox.add(b"x")
    append(client, b"work")
    other(client, b"CREATE new")
    said = client.turn()
    assert b"* 1 EXISTS\r\n* 1 RECENT\r\n* 1 FETCH (UID 1 FLAGS (\\Recent))" in said
    assert b"* STATUS work " in said
    assert b'* LIST (\\HasNoChildren) "/" new\r\n' in said
    del client.account.inbox.messages[1]
    client.account.inbox.changed()
    assert client.turn() == b"* 1 EXPUNGE\r\n"
    assert client.say(b"DONE\r\n") == b"i OK IDLE ended.\r\n"


def test_idle_hears_what_notify_can_not(client: Client) -> None:
    """Where nobody can listen to the selected mailbox any more, IDLE tells of it."""
    notify(client, b"(selected (MessageNew MessageExpunge))")
    client.account.watches_left = 0
    client.select()
    client.account.inbox.add(b"x")
    assert client.turn() == b""
    assert b"* 1 EXISTS\r\n" in client.say(b"i IDLE\r\n")
    client.account.inbox.add(b"x")
    assert client.turn().startswith(b"* 2 EXISTS\r\n")
    assert client.say(b"DONE\r\n") == b"i OK IDLE ended.\r\n"


def test_results_and_new_messages(client: Client) -> None:
    """What UPDATE and NOTIFY want of a new message is told at once, behind ADDTO."""
    client.select()
    client.say(b"a SEARCH RETURN (UPDATE(RFC822.SIZE)) FLAGGED\r\n")
    client.say(b"b SEARCH RETURN (UPDATE (RFC822.SIZE)) SEEN\r\n")
    notify(client, b"(selected (MessageNew (FLAGS) MessageExpunge))")
    client.account.inbox.add(b"xy", ["\\Flagged"])
    assert client.turn() == (
        b"* 1 EXISTS\r\n* 1 RECENT\r\n"
        b'* ESEARCH (TAG "a") ADDTO (0 1)\r\n'
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent) RFC822.SIZE 2)\r\n"
    )
    client.account.inbox.add(b"z")
    assert b"* 2 FETCH (UID 2 FLAGS (\\Recent))\r\n" in client.turn()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" SET",
        b" SET STATUS",
        b" NONE x",
        b" SET (selected MessageNew)",
        b" SET (selected ())",
        b" SET (selected (MessageNew))",
        b" SET (personal (MessageExpunge))",
        b" SET (personal (FlagChange))",
        b" SET (personal (MessageNew (UID) MessageExpunge))",
        b" SET (selected (MessageNew () MessageExpunge))",
        b" SET (selected (MessageNew (NONE) MessageExpunge))",
        b" SET (selected (MailboxName))",
        b" SET (selected NONE) (selected-delayed NONE)",
        b" SET (subtree () (MailboxName))",
        b" SET (everything (MailboxName))",
        b" SET (personal (MailboxName))" + b" (personal NONE)" * 100,
        b" SET (mailboxes (" + b" ".join([b"x"] * 1001) + b") NONE)",
        b" SET (selected (MessageNew (" + b" ".join([b"UID"] * 101) + b") "
        b"MessageExpunge))",
    ],
)
def test_what_is_bad(client: Client, text: bytes) -> None:
    """What doesn't go together is BAD, and what was told before is told still."""
    client.select()
    notify(client, b"(selected (MessageNew MessageExpunge))")
    assert client.say(b"t NOTIFY%b\r\n" % text).startswith(b"t BAD ")
    client.account.inbox.add(b"x")
    assert client.turn().startswith(b"* 1 EXISTS\r\n")


@pytest.mark.parametrize("event", [b"AnnotationChange", b"X-New"])
def test_what_we_can_not_tell(client: Client, event: bytes) -> None:
    """An event that we don't know is NO [BADEVENT], with those that we do."""
    said = client.say(b"t NOTIFY SET (personal (MailboxName %b))\r\n" % event)
    assert said.startswith(b"t NO [BADEVENT %b] " % KNOWN)
    said = client.say(b"t NOTIFY SET (selected (%b))\r\n" % event)
    assert said.startswith(b"t NO [BADEVENT %b] " % KNOWN)


def test_annotations(client: Client) -> None:
    """Annotations that others change are told by name, the client's own are not."""
    client.say(b'm SETMETADATA work (/private/comment "a")\r\n')
    notify(
        client,
        b"(mailboxes work (MailboxMetadataChange)) "
        b"(mailboxes lists (ServerMetadataChange))",
    )
    other(client, b'SETMETADATA work (/private/comment "b" /shared/comment "c")')
    assert client.turn() == b"* METADATA work /private/comment /shared/comment\r\n"
    other(client, b"SETMETADATA work (/private/comment NIL)")
    assert client.turn() == b"* METADATA work /private/comment\r\n"
    other(client, b'SETMETADATA "" (/private/vendor/x "y")')
    assert client.turn() == b'* METADATA "" /private/vendor/x\r\n'
    other(client, b'SETMETADATA lists (/private/comment "b")')
    assert client.turn() == b""
    for own in (b"work", b'""'):
        assert b"* " not in client.say(
            b'm SETMETADATA %b (/private/comment "own")\r\n' % own
        )
        assert client.turn() == b""
    other(client, b"SUBSCRIBE work", b"DELETE work")
    assert client.turn() == b""


def test_where_nobody_can_annotate() -> None:
    """Without METADATA its events are none that can be told."""
    client = Client(FakeAccount(lacks=frozenset({"METADATA"}))).login()
    said = client.say(b"t NOTIFY SET (personal (MailboxMetadataChange))\r\n")
    assert said.startswith(b"t NO [BADEVENT %b] " % ALL)


def test_too_many(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many mailboxes are NO [NOTIFICATIONOVERFLOW], at first and later on."""
    monkeypatch.setattr(notices, "MOST_FOLLOWED", 4)
    client.select()
    notify(
        client,
        b"(selected (MessageNew MessageExpunge)) (personal (MessageNew "
        b"MessageExpunge))",
    )
    other(client, b"CREATE fifth")
    said = client.turn()
    assert said.startswith(b"* OK [NOTIFICATIONOVERFLOW] ")
    append(client, b"INBOX")
    append(client, b"work")
    assert client.say(b"t NOOP\r\n") == b"t OK Nothing more.\r\n"
    assert client.account.watches == []
    said = client.say(b"n NOTIFY SET (personal (MessageNew MessageExpunge))\r\n")
    assert b"n NO [NOTIFICATIONOVERFLOW] " in said
    notify(client, b"(subtree lists (MessageNew MessageExpunge))")
    for left in (1, 0):
        client.account.watches_left = left
        said = client.say(
            b"n NOTIFY SET (subtree lists (MessageNew MessageExpunge))\r\n"
        )
        assert said.startswith(b"n NO [NOTIFICATIONOVERFLOW] ")
        assert client.account.watches_left == left
    append(client, b"lists/one")
    assert client.turn().startswith(b"* STATUS lists/one ")


@pytest.mark.parametrize(
    "end", [b"n NOTIFY NONE\r\n", b"u UNAUTHENTICATE\r\n", b"l LOGOUT\r\n", b""]
)
def test_all_is_given_back(client: Client, end: bytes) -> None:
    """Nothing listens for who wants nothing any more, or is gone."""
    account = client.account
    client.select()
    before = account.watches_left
    notify(client, b"(selected (MessageNew MessageExpunge)) (personal %b)" % ALL)
    assert account.watches_left < before
    notify(client, b"(selected (MessageNew MessageExpunge))")
    assert account.watches_left == before - 1
    assert len(account.watches) == 1
    notify(client, b"(personal %b)" % ALL)
    if end:
        client.say(end)
    else:
        client.drop()
    assert account.watches == []
    assert account.watches_left == before
    assert [box.listeners for box in account.boxes.values()] == [[]] * 4


def test_who_comes_next_is_told_as_ever(client: Client) -> None:
    """What one user wished is nobody else's wish."""
    client.say(b"n NOTIFY NONE\r\nu UNAUTHENTICATE\r\n")
    client.login()
    client.select()
    append(client, b"INBOX")
    assert client.say(b"t NOOP\r\n").startswith(b"* 1 EXISTS\r\n")


def test_a_deleted_mailbox_ends_the_session(client: Client) -> None:
    """Who is told at once is told BYE at once when its mailbox is deleted."""
    client.say(b"s SELECT work\r\n")
    notify(client, b"(selected (MessageNew MessageExpunge))")
    other(client, b"DELETE work")
    assert client.turn().startswith(b"* BYE [NONEXISTENT] ")
    assert client.closed


def test_what_failed_is_told_later(client: Client) -> None:
    """What could not be found out is told with what happens next, or in a while."""
    client.select()
    notify(client, b"(selected (MessageNew MessageExpunge)) (personal %b)" % ALL)
    client.account.pause = refusing(StoreFailure(), "mailboxes")
    client.account.boxes["new"] = client.account._new_box()
    client.account._written()
    assert client.turn() == b""
    client.account.pause = type(client.account).pause
    append(client, b"work")
    said = client.turn()
    assert b'* LIST (\\HasNoChildren) "/" new\r\n' in said
    assert b"* STATUS work " in said
    client.account.pause = refusing(StoreFailure(), "sync")
    client.account.inbox.add(b"x")
    assert client.turn() == b""
    assert client.turn(AGAIN_SECONDS) == b""
    client.account.pause = type(client.account).pause
    assert client.turn(AGAIN_SECONDS).startswith(b"* 1 EXISTS\r\n")
    assert client.turn(AGAIN_SECONDS) == b""


def test_a_server_that_stops_says_so(client: Client) -> None:
    """Who is told something when the server stops is told BYE, too."""
    client.select()
    notify(client, b"(selected (MessageNew MessageExpunge))")
    client.protocol.stop()
    assert client.turn() == b"* BYE [UNAVAILABLE] The server is shutting down.\r\n"
    assert client.closed
    assert client.account.watches == []


def test_by_uid(client: Client) -> None:
    """Who knows QRESYNC or UIDONLY is told what went and came by UID."""
    client.say(b"e ENABLE QRESYNC UIDONLY\r\n")
    client.account.inbox.add(b"x")
    client.select()
    notify(client, b"(selected (MessageNew (FLAGS) MessageExpunge))")
    client.account.inbox.add(b"y")
    assert b"* 2 UIDFETCH (FLAGS (\\Recent) MODSEQ (3))\r\n" in client.turn()
    del client.account.inbox.messages[1]
    client.account.inbox.changed()
    assert client.turn() == b"* VANISHED 1\r\n"
