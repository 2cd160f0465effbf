"""Whole commands become values, or say what is wrong with them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.criteria import And, BodyHas, HasSeq
from imapbox.model.errors import MailboxNameRefused
from imapbox.model.flags import FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.names import UserName
from imapbox.model.rights import Rights, RightsChange, Sign
from imapbox.model.sorting import SortBy, SortKey, ThreadAlgorithm
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.acl import (
    DeleteAcl,
    GetAcl,
    Identifier,
    ListRights,
    MyRights,
    SetAcl,
)
from imapbox.wire.imap.commands.any_state import Capability, Logout, Noop
from imapbox.wire.imap.commands.append import (
    Append,
    Coming,
    MessageFacts,
    Passage,
    Replace,
)
from imapbox.wire.imap.commands.authenticated import (
    Create,
    Delete,
    Examine,
    Idle,
    Namespace,
    Rename,
    Select,
    Subscribe,
    Unauthenticate,
    Unsubscribe,
)
from imapbox.wire.imap.commands.cancel_update import CancelUpdate
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.commands.compress import Compress
from imapbox.wire.imap.commands.copying import Copy, Move
from imapbox.wire.imap.commands.enable import Enable
from imapbox.wire.imap.commands.identity import Id
from imapbox.wire.imap.commands.listing import List, Lsub
from imapbox.wire.imap.commands.metadata import GetMetadata, SetMetadata
from imapbox.wire.imap.commands.multisearch import MultiSearch
from imapbox.wire.imap.commands.not_authenticated import (
    Authenticate,
    Login,
    StartTls,
)
from imapbox.wire.imap.commands.notify import (
    COUNTS,
    MESSAGES,
    Event,
    EventGroup,
    Notify,
)
from imapbox.wire.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from imapbox.wire.imap.commands.search import Search
from imapbox.wire.imap.commands.selected import (
    Check,
    Close,
    Expunge,
    Fetch,
    Store,
    Unselect,
)
from imapbox.wire.imap.commands.sort import Sort
from imapbox.wire.imap.commands.status import Status, StatusAtt
from imapbox.wire.imap.commands.thread import Thread
from imapbox.wire.imap.commands.urlauth import GenUrlAuth, ResetKey, UrlFetch
from imapbox.wire.imap.events import AppendAnnounced, CommandReady
from imapbox.wire.imap.fetch_items import FetchAtt
from imapbox.wire.imap.framer import AFTER_LOGIN
from imapbox.wire.imap.list_options import Returning, Selecting
from imapbox.wire.imap.mailbox_filters import Source, Where
from imapbox.wire.imap.mailbox_names import MailboxArgument
from imapbox.wire.imap.mod_sequences import Since
from imapbox.wire.imap.parser import (
    GRAMMAR,
    UID_GRAMMAR,
    parse_append,
    parse_command,
)
from imapbox.wire.imap.return_options import Return, Returns
from imapbox.wire.imap.select_parameters import Resync, SelectParameters
from imapbox.wire.imap.sequence_set import SequenceSet

INBOX = MailboxArgument(b"INBOX")
ANYWHERE = MailboxArgument(b"")
ONE = SequenceSet(((1, 1),))
ALL = SequenceSet(((1, None),))
NONE: frozenset[str] = frozenset()
OEL = Identifier("öl".encode(), UserName("öl"))
LRD = Rights.LOOKUP | Rights.READ | Rights.MARK_DELETED | Rights.EXPUNGE
FEB = InternalDate(1769943600, 60)
SEEN = frozenset({"\\Seen"})


def fetch(*items, by_uid=False, since=None) -> Fetch:
    return Fetch(b"a", ALL, by_uid, items, since)


def store(change, *flags, by_uid=False, silent=False, since=None) -> Store:
    return Store(b"a", ONE, by_uid, change, frozenset(flags), silent, since)


COMMANDS: dict[bytes, Command] = {
    b"a CAPABILITY\r\n": Capability(b"a"),
    b"001 noop\r\n": Noop(b"001"),
    b"100A LogOut\r\n": Logout(b"100A"),
    b"a.1 STARTTLS\r\n": StartTls(b"a.1"),
    b"a] STARTTLS\r\n": StartTls(b"a]"),
    b"a LOGIN user pass\r\n": Login(b"a", b"user", b"pass"),
    b'a login "us er" "p\\"\\\\w"\r\n': Login(b"a", b"us er", b'p"\\w'),
    b"a LOGIN {4+}\r\nuser {4+}\r\n\xc3\xa4\r\n\r\n": Login(
        b"a", b"user", b"\xc3\xa4\r\n"
    ),
    b'a LOGIN u] ""\r\n': Login(b"a", b"u]", b""),
    b"a authenticate PLAIN\r\n": Authenticate(b"a", "PLAIN", None),
    b"a AUTHENTICATE plain =\r\n": Authenticate(b"a", "PLAIN", b""),
    b"a AUTHENTICATE SCRAM-SHA-256 AHUAcA==\r\n": Authenticate(
        b"a", "SCRAM-SHA-256", b"\0u\0p"
    ),
    b"a SELECT INBOX\r\n": Select(b"a", INBOX),
    b'a select "INBOX"\r\n': Select(b"a", INBOX),
    b"a SELECT {5+}\r\nINBOX\r\n": Select(b"a", INBOX),
    b"a select INBOX (Condstore)\r\n": Select(
        b"a", INBOX, SelectParameters(condstore=True)
    ),
    b"a EXAMINE INBOX\r\n": Examine(b"a", INBOX),
    b"a EXAMINE INBOX (CONDSTORE)\r\n": Examine(
        b"a", INBOX, SelectParameters(condstore=True)
    ),
    b"a SELECT INBOX (QRESYNC (7 9))\r\n": Select(
        b"a", INBOX, SelectParameters(resync=Resync(7, 9))
    ),
    b"a SELECT INBOX (qresync (7 9 1) CONDSTORE)\r\n": Select(
        b"a", INBOX, SelectParameters(True, Resync(7, 9, ONE))
    ),
    b"a SELECT INBOX (QRESYNC (7 9 1:4 (1 1)))\r\n": Select(
        b"a",
        INBOX,
        SelectParameters(resync=Resync(7, 9, SequenceSet(((1, 4),)), ONE, ONE)),
    ),
    b"a EXAMINE INBOX (QRESYNC (7 9 (1 1)))\r\n": Examine(
        b"a", INBOX, SelectParameters(resync=Resync(7, 9, None, ONE, ONE))
    ),
    b"a enable CONDSTORE x-Y=Z\r\n": Enable(b"a", (b"CONDSTORE", b"X-Y=Z")),
    b"a compress deflate\r\n": Compress(b"a", b"DEFLATE"),
    b"a UNAUTHENTICATE\r\n": Unauthenticate(b"a"),
    b"a CREATE INBOX\r\n": Create(b"a", INBOX),
    b"a CREATE a/b/\r\n": Create(b"a", MailboxArgument(b"a/b")),
    b"a DELETE INBOX\r\n": Delete(b"a", INBOX),
    b"a RENAME INBOX &U,BTFw-\r\n": Rename(b"a", INBOX, MailboxArgument(b"&U,BTFw-")),
    b"a SUBSCRIBE INBOX\r\n": Subscribe(b"a", INBOX),
    b"a UNSUBSCRIBE INBOX\r\n": Unsubscribe(b"a", INBOX),
    b'a list "" "*"\r\n': List(b"a", ANYWHERE, (MailboxArgument(b"*"),)),
    b'a LIST "" ""\r\n': List(b"a", ANYWHERE, (ANYWHERE,)),
    b"a LIST a/ %]*\r\n": List(
        b"a", MailboxArgument(b"a/"), (MailboxArgument(b"%]*"),)
    ),
    b'a LSUB "" {1+}\r\n%\r\n': Lsub(b"a", ANYWHERE, (MailboxArgument(b"%"),)),
    b"a STATUS INBOX (uidnext MESSAGES UNSEEN RECENT uidvalidity UIDNEXT)\r\n": Status(
        b"a",
        INBOX,
        (
            StatusAtt.UIDNEXT,
            StatusAtt.MESSAGES,
            StatusAtt.UNSEEN,
            StatusAtt.RECENT,
            StatusAtt.UIDVALIDITY,
        ),
    ),
    b"a status INBOX (deleted SIZE)\r\n": Status(
        b"a", INBOX, (StatusAtt.DELETED, StatusAtt.SIZE)
    ),
    b"a NAMESPACE\r\n": Namespace(b"a"),
    b"a GENURLAUTH imap://x INTERNAL\r\n": GenUrlAuth(
        b"a", ((b"imap://x", b"INTERNAL"),)
    ),
    b"a RESETKEY\r\n": ResetKey(b"a"),
    b"a URLFETCH {1+}\r\nx y\r\n": UrlFetch(b"a", (b"x", b"y")),
    b'a GETQUOTA ""\r\n': GetQuota(b"a", b""),
    b"a GETQUOTAROOT INBOX\r\n": GetQuotaRoot(b"a", INBOX),
    b'a SETQUOTA "" (STORAGE 10)\r\n': SetQuota(b"a", b"", ((b"STORAGE", 10),)),
    b"a GETMETADATA INBOX /Private/comment\r\n": GetMetadata(
        b"a", INBOX, ("/private/comment",)
    ),
    b'a SETMETADATA "" (/shared/x NIL)\r\n': SetMetadata(
        b"a", None, (("/shared/x", None),)
    ),
    b"a SetAcl INBOX Bob lrd\r\n": SetAcl(
        b"a",
        INBOX,
        Identifier(b"Bob", UserName("bob")),
        RightsChange(Sign.REPLACE, LRD),
    ),
    b'a SETACL INBOX {3+}\r\n\xc3\xb6l "-"\r\n': SetAcl(
        b"a", INBOX, OEL, RightsChange(Sign.REMOVE, Rights(0))
    ),
    b"a DELETEACL INBOX {3+}\r\n\xc3\xb6l\r\n": DeleteAcl(b"a", INBOX, OEL),
    b"a GETACL INBOX\r\n": GetAcl(b"a", INBOX),
    b"a LISTRIGHTS INBOX {3+}\r\n\xc3\xb6l\r\n": ListRights(b"a", INBOX, OEL),
    b"a MYRIGHTS INBOX\r\n": MyRights(b"a", INBOX),
    b'a LIST "" % RETURN (MyRights)\r\n': List(
        b"a",
        ANYWHERE,
        (MailboxArgument(b"%"),),
        returning=Returning(my_rights=True),
        extended=True,
    ),
    b'a ID ("name" NIL "os" {1+}\r\n")\r\n': Id(b"a", ((b"name", None), (b"os", b'"'))),
    b"a id nil\r\n": Id(b"a", ()),
    b'a LIST (SPECIAL-USE) "" * RETURN ()\r\n': List(
        b"a",
        ANYWHERE,
        (MailboxArgument(b"*"),),
        frozenset({Selecting.SPECIAL_USE}),
        extended=True,
    ),
    b'a list (recursivematch REMOTE subscribed) "" (a/% {1+}\r\n* "")\r\n': List(
        b"a",
        ANYWHERE,
        (MailboxArgument(b"a/%"), MailboxArgument(b"*"), ANYWHERE),
        frozenset({Selecting.RECURSIVEMATCH, Selecting.REMOTE, Selecting.SUBSCRIBED}),
        extended=True,
    ),
    b'a LIST "" % return (status (unseen SIZE unseen) Children subscribed)\r\n': List(
        b"a",
        ANYWHERE,
        (MailboxArgument(b"%"),),
        returning=Returning(subscribed=True, status=(StatusAtt.UNSEEN, StatusAtt.SIZE)),
        extended=True,
    ),
    b"a CREATE new/ (use (\\Sent \\x))\r\n": Create(
        b"a", MailboxArgument(b"new"), (b"\\Sent", b"\\x")
    ),
    b"a CREATE new (USE ())\r\n": Create(b"a", MailboxArgument(b"new")),
    b"a COPY 1 INBOX\r\n": Copy(b"a", ONE, by_uid=False, mailbox=INBOX),
    b"a uid copy 1:* {5+}\r\nINBOX\r\n": Copy(b"a", ALL, by_uid=True, mailbox=INBOX),
    b"a MOVE 1 INBOX\r\n": Move(b"a", ONE, by_uid=False, mailbox=INBOX),
    b'a UID move 1:* "INBOX"\r\n': Move(b"a", ALL, by_uid=True, mailbox=INBOX),
    b"a UNSELECT\r\n": Unselect(b"a"),
    b"a UID EXPUNGE 1:*\r\n": Expunge(b"a", ALL),
    b"a IDLE\r\n": Idle(b"a"),
    b"a NOTIFY NONE\r\n": Notify(b"a", None),
    b"a notify set status (selected (messageexpunge MessageNew (UID)))"
    b" (Subtree (a b) NONE)\r\n": Notify(
        b"a",
        (
            EventGroup(Source(Where.SELECTED), COUNTS, (FetchAtt.UID,)),
            EventGroup(
                Source(Where.SUBTREE, (MailboxArgument(b"a"), MailboxArgument(b"b"))),
                Event(0),
            ),
        ),
        status=True,
    ),
    b"a NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName"
    b" SubscriptionChange)) (mailboxes x (X-NEW MailboxName))\r\n": Notify(
        b"a",
        (
            EventGroup(
                Source(Where.PERSONAL),
                MESSAGES | Event.MAILBOX_NAME | Event.SUBSCRIPTION_CHANGE,
            ),
            EventGroup(
                Source(Where.MAILBOXES, (MailboxArgument(b"x"),)),
                Event.MAILBOX_NAME,
                knows_all=False,
            ),
        ),
    ),
    b"a CHECK\r\n": Check(b"a"),
    b"a CLOSE\r\n": Close(b"a"),
    b"a EXPUNGE\r\n": Expunge(b"a"),
    b"a FETCH 1:* FLAGS\r\n": fetch(FetchAtt.FLAGS),
    b"a UID fetch 1:* (flags UID)\r\n": fetch(
        FetchAtt.FLAGS, FetchAtt.UID, by_uid=True
    ),
    b'a CANCELUPDATE "b" "c"\r\n': CancelUpdate(b"a", (b"b", b"c")),
    b"a esearch in (subtree-one (a b) selected) return (min) ALL\r\n": MultiSearch(
        b"a",
        by_uid=True,
        criterion=And(()),
        returns=Returns(frozenset({Return.MIN})),
        sources=(
            Source(Where.SUBTREE_ONE, (MailboxArgument(b"a"), MailboxArgument(b"b"))),
            Source(Where.SELECTED),
        ),
    ),
    b"a thread references utf-8 BODY x\r\n": Thread(
        b"a",
        by_uid=False,
        criterion=BodyHas("x"),
        algorithm=ThreadAlgorithm.REFERENCES,
    ),
    b"a UID THREAD ORDEREDSUBJECT US-ASCII ALL\r\n": Thread(
        b"a",
        by_uid=True,
        criterion=And(()),
        algorithm=ThreadAlgorithm.ORDEREDSUBJECT,
    ),
    b"a SORT (SUBJECT reverse date) utf-8 BODY x\r\n": Sort(
        b"a",
        by_uid=False,
        criterion=BodyHas("x"),
        by=(SortBy(SortKey.SUBJECT), SortBy(SortKey.DATE, descending=True)),
    ),
    b'a UID sort return (min) (CC) "x-no" ALL\r\n': Sort(
        b"a",
        by_uid=True,
        criterion=And(()),
        known_charset=False,
        by=(SortBy(SortKey.CC),),
        returns=Returns(frozenset({Return.MIN})),
    ),
    b"a SEARCH ALL\r\n": Search(b"a", by_uid=False, criterion=And(())),
    b"a uid search charset utf-8 body {2+}\r\n\xc3\xa4 1\r\n": Search(
        b"a",
        by_uid=True,
        criterion=And((BodyHas("ä"), HasSeq(ONE))),
        names_charset=True,
    ),
    b"a SEARCH CHARSET rot13 BODY x\r\n": Search(
        b"a",
        by_uid=False,
        criterion=BodyHas("x"),
        known_charset=False,
        names_charset=True,
    ),
    b"a FETCH 1:* (MODSEQ) (changedsince 9223372036854775807)\r\n": fetch(
        FetchAtt.MODSEQ, since=Since(2**63 - 1)
    ),
    b"a UID FETCH 1:* UID (VANISHED CHANGEDSINCE 1)\r\n": fetch(
        FetchAtt.UID, by_uid=True, since=Since(1, vanished=True)
    ),
    b"a STORE 1 (UNCHANGEDSINCE 0) FLAGS ()\r\n": store(FlagChange.REPLACE, since=0),
    b"a STORE 1 FLAGS ()\r\n": store(FlagChange.REPLACE),
    b"a STORE 1 +FLAGS (\\Seen)\r\n": store(FlagChange.ADD, "\\Seen"),
    b"a uid store 1 -flags.silent \\Seen $a\r\n": store(
        FlagChange.REMOVE, "\\Seen", "$a", by_uid=True, silent=True
    ),
    b"a STORE 1 flags.SILENT (\\Recent \\Foo kw)\r\n": store(
        FlagChange.REPLACE, "\\Recent", "\\Foo", "kw", silent=True
    ),
}


def octets(flags=NONE, date=None, *urls: bytes, **rest) -> Passage:
    """A message that begins, and octets of it that come."""
    coming = rest.pop("coming", Coming.OCTETS)
    return Passage(MessageFacts(flags, date), urls, coming, **rest)


def append(*passages: Passage) -> Append:
    return Append(b"a", INBOX, passages)


URL = b"/x;UIDVALIDITY=1/;UID=2"
APPENDS = {
    b"a APPEND INBOX {1+}\r\nx\r\n": append(octets()),
    b"a append {5+}\r\nINBOX {1+}\r\nx\r\n": append(octets()),
    b"a APPEND INBOX () ~{1+}\r\nx\r\n": append(octets()),
    b"a APPEND INBOX (\\Seen) {1+}\r\nx\r\n": append(octets(SEEN)),
    b'a APPEND INBOX " 1-Feb-2026 12:00:00 +0100" {1+}\r\nx\r\n': append(
        octets(NONE, FEB)
    ),
    b"a APPEND INBOX () utf8 (~{1+}\r\nx)\r\n": append(octets(coming=Coming.UTF8)),
    b"a REPLACE 1 INBOX {1+}\r\nx\r\n": Replace(
        b"a", INBOX, (octets(),), ONE, by_uid=False
    ),
    b"a uid replace 1 {5+}\r\nINBOX (\\Seen) {1+}\r\nx\r\n": Replace(
        b"a", INBOX, (octets(SEEN),), ONE, by_uid=True
    ),
    b'a APPEND "INBOX" (\\Seen a) "01-feb-2026 12:00:00 +0100" {1}\r\nx\r\n': append(
        octets(SEEN | {"a"}, FEB)
    ),
    # RFC 4469 §5
    b"a APPEND INBOX CATENATE (TEXT {1+}\r\nx)\r\n": append(octets(ends=False)),
    b'a APPEND INBOX (\\Seen) catenate (url "%b" URL {2+}\r\n/y TEXT ~{1}\r\nx)\r\n'
    % URL: append(octets(SEEN, None, URL, b"/y", ends=False)),
    b"a APPEND INBOX CATENATE (URL y UTF8 (~{1+}\r\nx))\r\n": append(
        octets(NONE, None, b"y", coming=Coming.UTF8, ends=False)
    ),
    b"a APPEND INBOX CATENATE (URL %b)\r\n" % URL: append(
        octets(NONE, None, URL, coming=Coming.NOTHING)
    ),
    b"a APPEND INBOX CATENATE (URL y) (\\Seen) CATENATE (URL z) {1+}\r\nx\r\n": append(
        octets(NONE, None, b"y", coming=Coming.NOTHING),
        octets(SEEN, None, b"z", coming=Coming.NOTHING),
        octets(),
    ),
    b"a UID REPLACE 1 INBOX CATENATE (URL y)\r\n": Replace(
        b"a",
        INBOX,
        (octets(NONE, None, b"y", coming=Coming.NOTHING),),
        ONE,
        by_uid=True,
    ),
}

BAD = {
    # Row 21 of the attack table: one answer, and tagged where there is a tag.
    b"": None,
    b" ": None,
    b"* NOOP": None,
    b"+ NOOP": None,
    b"a+ NOOP": None,
    b'a"b NOOP': None,
    b"\xff NOOP": None,
    b" a NOOP": None,
    b"a": b"a",
    b"a ": b"a",
    b"a \xff\xfe": b"a",
    b"a NOOP ": b"a",
    b"a  NOOP": b"a",
    b"a NOOP x": b"a",
    b"a NOOP" + b" (" * 4000: b"a",
    b"a FOO": b"a",
    b"a APPEND": b"a",
    b"a APPEND INBOX ": b"a",
    b"a APPEND INBOX x": b"a",
    b"a APPEND INBOX CATENATE": b"a",
    b"a APPEND INBOX CATENATE ()": b"a",
    b"a APPEND INBOX CATENATE (URL)": b"a",
    b"a APPEND INBOX CATENATE (URL x": b"a",
    b"a APPEND INBOX CATENATE (URL x )": b"a",
    b"a APPEND INBOX CATENATE (URL x TEXT)": b"a",
    b"a APPEND INBOX CATENATE (URL x TEXT ": b"a",
    b"a APPEND INBOX CATENATE (URL x URI y)": b"a",
    b"a APPEND INBOX CATENATE (URL x))": b"a",
    b"a APPEND INBOX CATENATE (URL x) ": b"a",
    b"a APPEND INBOX CATENATE (URL x) (": b"a",
    b"a LOGIN": b"a",
    b"a LOGIN u": b"a",
    b"a LOGIN u  p": b"a",
    b"a LOGIN u (p": b"a",
    b'a LOGIN u "p': b"a",
    b'a LOGIN u "p\\x"': b"a",
    b'a LOGIN u "p\\': b"a",
    b'a LOGIN u "\xc3\xa4"': b"a",
    b"a LOGIN u p\xc3\xa4": b"a",
    b'a LOGIN u "p"x': b"a",
    b"a AUTHENTICATE": b"a",
    b"a AUTHENTICATE PLAIN ": b"a",
    b"a AUTHENTICATE PLAIN ==": b"a",
    b"a AUTHENTICATE PLAIN AHUAcA": b"a",
    b"a AUTHENTICATE PLAIN AHUAc-==": b"a",
    b"a AUTHENTICATE PLAIN AHUAcA== x": b"a",
    b"a SELECT": b"a",
    b"a SELECT a b": b"a",
    b"a SELECT a ()": b"a",
    b"a SELECT a (CONDSTORE FOO)": b"a",
    b"a SELECT a (CONDSTORE CONDSTORE)": b"a",
    b"a SELECT a (QRESYNC)": b"a",
    b"a SELECT a (QRESYNC (0 1))": b"a",
    b"a SELECT a (QRESYNC (1 0))": b"a",
    b"a SELECT a (QRESYNC (1 1 1:*))": b"a",
    b"a SELECT a (QRESYNC (1 1 1 (1)))": b"a",
    b"a SELECT a (QRESYNC (1 1 1 (1 *)))": b"a",
    b"a SELECT a (QRESYNC (1 1 1 (1 1))": b"a",
    b"a ENABLE": b"a",
    b"a ENABLE ": b"a",
    b"a ENABLE (CONDSTORE)": b"a",
    b"a SELECT {-1}": b"a",
    b"a SELECT {+5}": b"a",
    b"a SELECT { 5}": b"a",
    b"a SELECT {1_0}": b"a",
    b"a SELECT a%b*": b"a",
    b"a RENAME a": b"a",
    b'a LIST ""': b"a",
    b'a LIST "" (': b"a",
    b'a LIST "" ' + b"*" * 1025: b"a",
    b"a LIST " + b"x" * 1025 + b" *": b"a",
    b'a LIST (RECURSIVEMATCH) "" *': b"a",
    b'a LIST (REMOTE RECURSIVEMATCH) "" *': b"a",
    b'a LIST (SPECIAL-USE RECURSIVEMATCH) "" *': b"a",
    b'a LIST (FOO) "" *': b"a",
    b'a LIST SUBSCRIBED "" *': b"a",
    b'a LIST "" ()': b"a",
    b'a LIST "" (*) ': b"a",
    b'a LIST "" * RETURN': b"a",
    b'a LIST "" * (CHILDREN)': b"a",
    b'a LIST "" * RETURN (FOO)': b"a",
    b'a LIST "" * RETURN (REMOTE)': b"a",
    b'a LIST "" * RETURN (STATUS)': b"a",
    b'a LIST "" * RETURN (STATUS ())': b"a",
    b'a LIST "" * RETURN (STATUS (FOO))': b"a",
    b'a LIST "" (' + b"xxxxxxxx " * 1024 + b"x)": b"a",
    b"a LIST " + b"x" * 1000 + b" (" + b"* " * 8 + b"*)": b"a",
    b'a LSUB (SUBSCRIBED) "" *': b"a",
    b'a LSUB "" (*)': b"a",
    b"a CREATE a ()": b"a",
    b"a CREATE a (USE)": b"a",
    b"a CREATE a (USE (Sent))": b"a",
    b"a CREATE a (USE (\\))": b"a",
    b"a CREATE a (USE (\\Sent) USE (\\Sent))": b"a",
    b"a CREATE a (FOO (\\Sent))": b"a",
    b"a SETACL INBOX ana": b"a",
    b"a SETACL INBOX ana lrq": b"a",
    b"a SETACL INBOX ana LR": b"a",
    b"a SETACL INBOX ana +-l": b"a",
    b"a SETACL INBOX ana 1": b"a",
    b'a SETACL INBOX "" lr': b"a",
    b'a SETACL INBOX ana "l r"': b"a",
    b"a SETACL INBOX " + b"x" * 256 + b" lr": b"a",
    b"a DELETEACL INBOX": b"a",
    b"a GETACL INBOX ana": b"a",
    b"a MYRIGHTS": b"a",
    b"a LISTRIGHTS INBOX": b"a",
    b"a STATUS INBOX": b"a",
    b"a STATUS INBOX ()": b"a",
    b"a STATUS INBOX MESSAGES": b"a",
    b"a STATUS INBOX (FOO)": b"a",
    b"a STATUS (FOO)": b"a",
    b"a STATUS INBOX (MESSAGES": b"a",
    b"a APPEND INBOX": b"a",
    b'a APPEND INBOX "text"': b"a",
    b"a FETCH": b"a",
    b"a FETCH 1": b"a",
    b"a FETCH 0 FLAGS": b"a",
    b"a FETCH 4294967296 FLAGS": b"a",
    b"a FETCH 1:99999999999999999999999 FLAGS": b"a",
    b"a FETCH 1: FLAGS": b"a",
    b"a FETCH , FLAGS": b"a",
    b"a FETCH " + b"1," * 5000 + b"1 FLAGS": b"a",
    b"a FETCH 1 FLAGS (CHANGEDSINCE 0)": b"a",
    b"a FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)": b"a",
    b"a FETCH 1 FLAGS (UNCHANGEDSINCE 1)": b"a",
    b"a FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)": b"a",
    b"a FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 1)": b"a",
    b"a UID FETCH 1 FLAGS (VANISHED)": b"a",
    b"a UID FETCH 1 FLAGS (VANISHED VANISHED CHANGEDSINCE 1)": b"a",
    b"a FETCH 1 FLAGS ()": b"a",
    b"a STORE 1 (UNCHANGEDSINCE -1) FLAGS ()": b"a",
    b"a STORE 1 (CHANGEDSINCE 1) FLAGS ()": b"a",
    b"a STORE 1 (UNCHANGEDSINCE 1)FLAGS ()": b"a",
    b"a REPLACE 1 INBOX": b"a",
    b"a UID REPLACE 1 INBOX (\\Seen)": b"a",
    b"a COMPRESS": b"a",
    b"a COMPRESS DEFLATE x": b"a",
    b"a UNAUTHENTICATE x": b"a",
    b"a FETCH 1 PREVIEW (FOO)": b"a",
    b"a FETCH 1 (PREVIEW (FOO))": b"a",
    b"a FETCH 1 (PREVIEW ())": b"a",
    b"a FETCH 1 PREVIEW (LAZY": b"a",
    b"a FETCH 1 EMAILID (LAZY)": b"a",
    b"a SEARCH EMAILID": b"a",
    b'a SEARCH EMAILID "M1"': b"a",
    b"a SEARCH THREADID " + b"x" * 256: b"a",
    b"a SEARCH SAVEDON 0": b"a",
    b"a SEARCH RETURN (FOO) ALL": b"a",
    b"a SEARCH RETURN (ALL)": b"a",
    b"a SEARCH RETURN (ALL)ALL": b"a",
    b"a SEARCH RETURN ALL": b"a",
    b"a FETCH $,1 FLAGS": b"a",
    b"a FETCH 1:$ FLAGS": b"a",
    b"a SELECT a (QRESYNC (1 1 $))": b"a",
    b"a SEARCH MODSEQ": b"a",
    b'a SEARCH MODSEQ "/flags/a" 1': b"a",
    b'a SEARCH MODSEQ "/notes/a" all 1': b"a",
    b"a SEARCH": b"a",
    b"a SEARCH ": b"a",
    b"a UID SEARCH (": b"a",
    b"a STORE 1 FLAGS": b"a",
    b"a STORE 1 FLAGS ": b"a",
    b"a STORE 1 *FLAGS ()": b"a",
    b"a STORE 1 FLAGS.LOUD ()": b"a",
    b"a STORE 1 FLAGS(\\Seen)": b"a",
    b"a STORE 1 FLAGS (\\)": b"a",
    b"a STORE 1 FLAGS (\\*)": b"a",
    b"a STORE 1 FLAGS (a": b"a",
    b"a STORE 1 FLAGS (a  b)": b"a",
    b"a STORE 1 FLAGS (a) b": b"a",
    b'a STORE 1 FLAGS ("a")': b"a",
    b"a STORE 1 FLAGS (\xc3\xa4)": b"a",
    b"a STORE 1 FLAGS ((((a))))": b"a",
    b"a STORE 1 FLAGS (" + b"x" * 256 + b")": b"a",
    b"a UID": b"a",
    b"a UID NOOP": b"a",
    b"a UID UID FETCH 1 FLAGS": b"a",
}

BAD_APPENDS = [
    b"a APPEND INBOX\t{1}",
    b"a APPEND INBOX{1}",
    b"a APPEND INBOX  {1}",
    b"a APPEND INBOX~{1}",
    b"a APPEND ~{1}",
    b"a APPEND INBOX ~ {1}",
    b"a APPEND INBOX (\\Seen){1}",
    b"a APPEND INBOX (\\Seen {1}",
    b"a APPEND INBOX () () {1}",
    b'a APPEND INBOX "1-Feb-2026 12:00:00 +0100" {1}',
    b'a APPEND INBOX " 1-Feb-2026 12:00:00 +0100" (\\Seen) {1}',
    b'a APPEND "INBOX {1}',
]

NOT_NAMES = [
    b"../../x",
    b"a/../b",
    b"a/./b",
    b"a//b",
    b"/a",
    b'""',
    b"&AAA-",
    b"&AC8-",
    b"&Jjo",
    b"&Jjo!",
    b"&U,BTFw-&ZeVnLIqe-",
    b"&AGEAYg-",
    b"&2AA-",
    b"&U,BTFx-",
    b"&U-",
    b"&&&&",
    b"&U=BTFw-",
    b"#news",
    b'"a%b*"',
    b'"\x1b[2J"',
    b"&ICg-",
    b"{6+}\r\na\r\nb*x",
    b"{4+}\r\n\xc3\xa4\xff\xfe",
    b"x" * 256,
    b"a/" * 20 + b"a",
]


def commands(events: list[object]) -> list[Command]:
    """Return the commands that were framed, parsed."""
    parsed: list[Command] = []
    for event in events:
        if isinstance(event, CommandReady):
            parsed.append(parse_command(event.parts))
        elif isinstance(event, AppendAnnounced):
            parsed.append(parse_append(event.parts))
    return parsed


@pytest.mark.parametrize("line", COMMANDS, ids=repr)
def test_commands(line, three_ways) -> None:
    """Each command is read for what it is, however it arrives."""
    (command,) = commands(three_ways(line))
    assert command == COMMANDS[line]
    assert type(command) is type(COMMANDS[line])


@pytest.mark.parametrize("line", APPENDS, ids=repr)
def test_appends(line, three_ways) -> None:
    """All of an APPEND but its message is read before the message comes."""
    assert commands(three_ways(line)) == [APPENDS[line]]


@pytest.mark.parametrize("line", BAD, ids=lambda line: repr(line[:60]))
def test_bad_commands(line, three_ways) -> None:
    """What is not in the grammar is refused by its tag, and nothing follows."""
    (event,) = three_ways(line + b"\r\n", AFTER_LOGIN)
    with pytest.raises(BadSyntax) as caught:
        parse_command(event.parts)
    assert caught.value.tag == BAD[line]
    assert caught.value.sentence().isascii()


@pytest.mark.parametrize("line", BAD_APPENDS, ids=repr)
def test_bad_appends(line, three_ways) -> None:
    """What is wrong with an APPEND is found before its message is invited."""
    announced = three_ways(line + b"\r\n", accept=False)[0]
    with pytest.raises(BadSyntax) as caught:
        parse_append(announced.parts)
    assert caught.value.tag == b"a"


def test_append_with_a_bad_tag() -> None:
    """An APPEND without a tag is refused without one."""
    with pytest.raises(BadSyntax) as caught:
        parse_append((b"* APPEND x ",))
    assert caught.value.tag is None


@pytest.mark.parametrize("name", NOT_NAMES, ids=lambda name: repr(name[:40]))
@pytest.mark.parametrize("command", ["SELECT", "CREATE", "DELETE", "STATUS"])
def test_names_that_cannot_be(command, name, three_ways) -> None:
    """A name that no mailbox can have is well-formed syntax, and refused."""
    items = b" (MESSAGES)" if command == "STATUS" else b""
    line = b"a %b %b%b\r\n" % (command.encode(), name, items)
    (parsed,) = commands(three_ways(line))
    with pytest.raises(MailboxNameRefused):
        parsed.mailbox.name()


def test_nul_is_no_name() -> None:
    """A NUL in a literal is bad syntax: CHAR8 has none."""
    with pytest.raises(BadSyntax):
        parse_command((b"a CREATE ", b"a\0b", b""))


@pytest.mark.parametrize(
    "parts",
    [
        (b"a LOGIN u", b"p", b""),
        (b"a LOGIN u ", b"p", b"x"),
        (b"a LOGIN ", b"u", b"p"),
        (b"a NOOP ", b"x", b""),
        (b"a NOOP", b"", b""),
        (b"a ", b"NOOP", b""),
        (b"a SELECT ~", b"x", b""),
        (b"", b"a NOOP", b""),
        (b"a STORE 1 FLAGS ", b"(a)", b""),
        (b"a FETCH ", b"1", b" FLAGS"),
        (b"a STATUS INBOX (", b"MESSAGES", b")"),
    ],
)
def test_literals_are_strings_only(parts) -> None:
    """A literal stands where a string may, and is never read as syntax."""
    with pytest.raises(BadSyntax):
        parse_command(parts)


def test_utf8_in_quotes_when_it_was_enabled() -> None:
    """UTF-8 stands in quotes only if it was agreed on and is UTF-8."""
    line = 'a LOGIN u "pä"'.encode()
    assert parse_command((line,), utf8=True) == Login(b"a", b"u", "pä".encode())
    with pytest.raises(BadSyntax):
        parse_command((b'a LOGIN u "p\xc3"',), utf8=True)


def test_secrets_are_not_shown() -> None:
    """Neither a password nor a SASL response is in the repr of its command."""
    login = parse_command((b"a LOGIN u secret",))
    plain = parse_command((b"a AUTHENTICATE PLAIN AHUAcA==",))
    assert "secret" not in repr(login)
    assert r"\x00p" not in repr(plain)


def test_every_command_is_covered() -> None:
    """Each row of the table has a vector here."""
    seen = {line.split()[1].upper() for line in (*COMMANDS, *APPENDS)}
    assert seen == set(GRAMMAR)
    by_uid = {
        line.split()[2].upper()
        for line in (*COMMANDS, *APPENDS)
        if b"uid" in line.lower()
    }
    assert by_uid >= set(UID_GRAMMAR)


def test_commands_know_their_names() -> None:
    """A command's name is the word that the client used for it."""
    for line, command in (*COMMANDS.items(), *APPENDS.items()):
        assert command.name.encode() in line.upper().split()[1:3]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_any_bytes_are_a_command_or_bad_syntax(parts) -> None:
    """No bytes make the parser raise anything but BadSyntax."""
    for line in (parts, [b"a APPEND x " + parts[0], *parts[1:]]):
        for parse in (parse_command, parse_append):
            with suppress(BadSyntax):
                parse(line)


@given(st.sampled_from(sorted(COMMANDS)), st.integers(0, 80), st.binary(max_size=3))
def test_damaged_commands_are_a_command_or_bad_syntax(line, at, damage) -> None:
    """A command with some bytes changed is read, or BadSyntax."""
    text = line[: at % len(line)] + damage + line[at % len(line) + len(damage) :]
    try:
        command = parse_command((text,))
    except BadSyntax:
        return
    assert isinstance(command, Command)
