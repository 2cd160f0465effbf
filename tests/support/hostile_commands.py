"""Commands that a client might say, and then what is left of them.

A command is made from the grammar, with arguments that mostly make sense. Then
it may be damaged: octets are changed, lost, doubled, moved, or taken from another
command. Its tag and its last CRLF stay, so that each has one answer; but what
damage does to literals is damage that counts: their octets may come to be lines.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

Make = Callable[["Words"], bytes]

BOXES: Final = (
    b"INBOX",
    b"inbox",
    b"other",
    b"other/below",
    b"Sent",
    b"&APY-l",
    b'"with space"',
)
OWN_BOXES: Final = (b"n0", b"n1", b"n2", b"n3")
FLAGS: Final = (
    b"\\Seen",
    b"\\Answered",
    b"\\Flagged",
    b"\\Deleted",
    b"\\Draft",
    b"$Forwarded",
    b"one",
    b"two",
)
PEOPLE: Final = (b"ana", b"bob", b"Carol", b"anyone", b"-ana", b"d\xc3\xb6", b"%/")
RIGHTS: Final = (b"lr", b"lrs", b"lrswipkxtea", b"cd", b"i", b"t", b"e", b"", b"q")
FIELDS: Final = (b"Subject", b"From", b"To", b"Date", b"X-None", b"Received")
TEXTS: Final = (b"one", b"hi", b"", b"example.org", b"\xc3\xb6l", b"{5}", b"x" * 60)
MESSAGES: Final = (
    b"Subject: one\r\n\r\nhi\r\n",
    b"From: a@example.org (\xc3\xb6)\r\nTo: g:b@c,d;\r\n\r\n" + b"line\r\n" * 40,
    (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n"
    ),
    b"Content-Transfer-Encoding: base64\r\n\r\naGkgdGhlcmU=\r\n",
    b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n--",
    b"\x00\xff\r\n\r\n" + bytes(range(256)),
    b"x",
)
# Larger than what is kept in memory, and than what is read at a time.
LARGE: Final = b"Subject: large\r\n\r\n" + b"0123456789abcde\n" * 20_000
ODD: Final = (
    *(b"(", b")", b"{", b"}", b'"', b"\\", b"*", b"%", b" ", b"  ", b"NIL", b"{0}"),
    *(b"{3+}\r\nabc", b"~{2+}\r\n\x00\x01", b"{99999}", b"\xff", b"\x00", b"\r"),
    *(b"4294967295", b"4294967296", b"9223372036854775808", b"0", b"-1", b"1:*,"),
    *(b"[", b"]", b"<0.0>", b"<1.99999999999>", b"BODY[", b"UID ", b"1.2.3.4.5"),
    *(b"NOT ", b"OR ", b"(" * 60, b"CHARSET zlib ", b"&-", b"+FLAGS", b"$", b"\t"),
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one client speaks of.

    Attributes:
        boxes: Names of mailboxes.
        texts: What is searched for.
        messages: What is appended.
        flags: Flags and keywords.
        people: Who might be given rights.
    """

    boxes: tuple[bytes, ...] = BOXES
    texts: tuple[bytes, ...] = TEXTS
    messages: tuple[bytes, ...] = MESSAGES
    flags: tuple[bytes, ...] = FLAGS
    people: tuple[bytes, ...] = PEOPLE


class Words:
    """Draws a command's arguments."""

    def __init__(
        self, chance: random.Random, vocabulary: Vocabulary | None = None
    ) -> None:
        self.chance = chance
        self.of = vocabulary or Vocabulary()
        self.authorized: list[bytes] = []

    def pick(self, some: tuple[bytes, ...]) -> bytes:
        """Return one of some."""
        return self.chance.choice(some)

    def several(self, some: tuple[bytes, ...], most: int = 3) -> bytes:
        """Return a few of some, with spaces between."""
        return b" ".join(self.pick(some) for _ in range(self.chance.randint(1, most)))

    def astring(self, text: bytes) -> bytes:
        """Return a text in one of the ways in which it can be said."""
        way = self.chance.random()
        if text.startswith(b'"') or (way < 0.6 and text.isalnum()):
            return text
        if way < 0.8 and text.isascii():
            return b'"%b"' % text
        return b"{%d+}\r\n%b" % (len(text), text)

    def box(self) -> bytes:
        """Return a mailbox's name; most of them exist."""
        return self.astring(self.pick(self.of.boxes))

    def who(self) -> bytes:
        """Return who might be given rights."""
        return self.astring(self.pick(self.of.people))

    def rights(self) -> bytes:
        """Return a change of rights."""
        return self.pick((b"", b"+", b"-")) + self.pick(RIGHTS)

    def set(self) -> bytes:
        """Return a sequence set; most of what it names exists."""
        if self.chance.random() < 0.05:
            return b"$"
        return b",".join(self._range() for _ in range(self.chance.randint(1, 2)))

    def _range(self) -> bytes:
        low = self.chance.randint(1, 3)
        return self.pick(
            (b"%d" % low, b"*", b"1:*", b"%d:%d" % (low, low + 1), b"*:%d" % low)
        )

    def flags(self) -> bytes:
        """Return a list of flags, perhaps an empty one."""
        return b"(%b)" % (
            self.several(self.of.flags) if self.chance.random() < 0.9 else b""
        )

    def date(self) -> bytes:
        """Return a day."""
        day = b"%d-%b-%d" % (
            self.chance.randint(1, 28),
            self.pick((b"Jan", b"feb", b"NOV")),
            self.chance.randint(1990, 2030),
        )
        return self.pick((day, b'"%b"' % day))


def _append(words: Words) -> bytes:
    command = b"APPEND " + words.box()
    way = words.chance.random()
    if way < 0.08:
        return command + words.pick((b" {0+}\r\n", b" {1+}\r\nx" * 70, b" {9999999}"))
    for _ in range(words.chance.choice((1, 1, 1, 2, 3))):
        options = b" " + words.flags() if words.chance.random() < 0.5 else b""
        if words.chance.random() < 0.3:
            options += b' "14-Nov-2023 23:13:20 +0100"'
        data = _octets(words, large=way > 0.9)
        if words.chance.random() < 0.3:
            data = _catenate(words, data)
        command += b"%b %b" % (options, data)
    return command


def _octets(words: Words, *, large: bool = False) -> bytes:
    message = LARGE if large else words.pick(words.of.messages)
    binary = b"~" if b"\0" in message else b""
    plus = words.pick((b"+", b"+", b""))
    return b"%b{%d%b}\r\n%b" % (binary, len(message), plus, message)


def _catenate(words: Words, data: bytes) -> bytes:
    parts = [b"TEXT " + data]
    if words.chance.random() < 0.5:
        place = words.chance.randrange(2)
        parts.insert(place, b"URL " + words.astring(_url(words)))
    if words.chance.random() < 0.2:
        parts.append(b"TEXT " + _octets(words))
    return b"CATENATE (%b)" % b" ".join(parts)


def _url(words: Words) -> bytes:
    """Return the URL of a message, or of a part; of some of them there are none."""
    mailbox = words.pick(
        (b"", b"INBOX/", b"/INBOX/", b"/other/", b"/Sent/", b"/o%2Fb/")
    )
    section = quote(_section(words)).encode()
    part = words.pick((b"", b"/;SECTION=" + section if section else b""))
    partial = words.pick((b"", b"", b"/;PARTIAL=3", b"/;PARTIAL=0.10"))
    uid = words.chance.choice((1, 2, 3, 3, 4, 5, 30, 2**32 - 1))
    return b"%b;UID=%d%b%b" % (mailbox, uid, part, partial)


def _replace(words: Words) -> bytes:
    if words.chance.random() < 0.7:
        return b"REPLACE * INBOX {5+}\r\nagain"
    number = words.pick((b"1", b"2", b"*", b"9"))
    return b"REPLACE %b %b" % (number, _append(words).removeprefix(b"APPEND "))


def _authorized_url(words: Words, *, token: bytes) -> bytes:
    user = words.pick((b"bob",) * 8 + (b"ana", b"nobody", b"%62ob"))
    url = _url(words).lstrip(b"/").removeprefix(b";UID")
    path = url if b";UID" in url else b"INBOX/;UID" + url
    expire = words.pick((b"", b"", b";EXPIRE=2001-01-01T00:00:00Z"))
    access = words.pick((b"authuser", b"anonymous", b"user+bob", b"submit+ana"))
    return words.astring(
        b"imap://%b@x/%b%b;URLAUTH=%b%b" % (user, path, expire, access, token)
    )


def _genurlauth(words: Words) -> bytes:
    pairs = [
        _authorized_url(words, token=b"") + words.pick((b" INTERNAL",) * 9 + (b" X",))
        for _ in range(words.chance.choice((1, 1, 2)))
    ]
    return b"GENURLAUTH " + b" ".join(pairs)


def _urlfetch(words: Words) -> bytes:
    token = words.pick((b":internal:01" + b"0" * 64, b":INTERNAL:" + b"f" * 32, b""))
    count = words.chance.choice((1, 1, 3))
    if words.authorized and words.chance.random() < 0.5:
        urls = words.chance.choices(words.authorized, k=count)
        return b"URLFETCH " + b" ".join(map(words.astring, urls))
    made = (
        _authorized_url(words, token=token)
        if words.chance.random() < 0.8
        else words.astring(_url(words))
        for _ in range(count)
    )
    return b"URLFETCH " + b" ".join(made)


def _section(words: Words) -> bytes:
    part = words.pick((b"", b"", b"", b"1", b"2", b"2.1", b"1.1.1", b"9"))
    fields = b"(%b)" % words.several(FIELDS)
    text = words.pick(
        (
            *(b"", b"HEADER", b"TEXT"),
            b"HEADER.FIELDS " + fields,
            b"HEADER.FIELDS.NOT " + fields,
            b"MIME" if part else b"",
        )
    )
    return b".".join(filter(None, (part, text)))


def _fetch(words: Words) -> bytes:
    def item() -> bytes:
        partial = words.pick((b"", b"", b"<0.10>", b"<5.100000>"))
        return words.pick(
            (
                *(b"FLAGS", b"UID", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"),
                *(b"BODY", b"BODYSTRUCTURE", b"RFC822", b"RFC822.HEADER", b"MODSEQ"),
                *(b"EMAILID", b"THREADID", b"SAVEDATE", b"PREVIEW", b"PREVIEW (LAZY)"),
                *(b"RFC822.TEXT", b"BINARY.SIZE[1]", b"BINARY.PEEK[1]" + partial),
                b"BODY.PEEK[%b]%b" % (_section(words), partial),
                b"BODY[%b]%b" % (_section(words), partial),
            )
        )

    items = b" ".join(item() for _ in range(words.chance.randint(1, 3)))
    what = words.pick((b"(%b)" % items, item(), b"ALL", b"FULL", b"FAST"))
    modseq = words.chance.randrange(1, 60)
    since = words.pick(
        (b"",) * 8
        + (b" (CHANGEDSINCE %d)" % modseq, b" (CHANGEDSINCE %d VANISHED)" % modseq)
        + (b" (PARTIAL -1:-2)", b" (PARTIAL 1:2 CHANGEDSINCE %d)" % modseq)
    )
    return b"FETCH %b %b%b" % (words.set(), what, since)


def _store(words: Words) -> bytes:
    how = words.pick((b"FLAGS", b"+FLAGS", b"-FLAGS"))
    silent = words.pick((b"", b".SILENT"))
    modseq = words.chance.randrange(60)
    since = words.pick((b"",) * 5 + (b"(UNCHANGEDSINCE %d) " % modseq,))
    return b"STORE %b %b%b%b %b" % (words.set(), since, how, silent, words.flags())


_KEYS: Final[tuple[Make, ...]] = (
    lambda words: words.pick((b"ALL", b"SEEN", b"UNSEEN", b"DELETED", b"NEW", b"OLD")),
    lambda words: b"MODSEQ %d" % words.chance.randrange(60),
    lambda words: words.pick(
        (b"EMAILID M" + b"0a" * 16, b"THREADID T" + b"0a" * 16, b"EMAILID x")
    ),
    lambda words: b"%b %b" % (words.pick((b"SAVEDON", b"SAVEDSINCE")), words.date()),
    lambda words: (
        words.pick((b"OLDER %d", b"YOUNGER %d")) % words.chance.choice((1, 10**9))
    ),
    lambda words: (
        b"%b %b"
        % (
            words.pick((b"SUBJECT", b"FROM", b"TO", b"CC", b"BCC", b"BODY", b"TEXT")),
            words.astring(words.pick(words.of.texts)),
        )
    ),
    lambda words: (
        b"%b %b"
        % (
            words.pick((b"BEFORE", b"ON", b"SINCE", b"SENTON", b"SENTSINCE")),
            words.date(),
        )
    ),
    lambda words: (
        b"HEADER %b %b"
        % (
            words.astring(words.pick(FIELDS)),
            words.astring(words.pick(words.of.texts)),
        )
    ),
    lambda words: (
        b"%b %d"
        % (
            words.pick((b"LARGER", b"SMALLER")),
            words.chance.choice((0, 1, 99, 10**6)),
        )
    ),
    lambda words: words.pick((b"UID " + words.set(), words.set(), b"KEYWORD one")),
)


def _search_key(words: Words, depth: int = 0) -> bytes:
    way = words.chance.random()
    if way < 0.6 or depth > 4:
        return words.chance.choice(_KEYS)(words)
    inner = _search_key(words, depth + 1)
    if way < 0.7:
        return words.pick((b"NOT ", b"NOT ", b"FUZZY ")) + inner
    shape = b"OR %b %b" if way < 0.85 else b"(%b %b)"
    return shape % (inner, _search_key(words, depth + 1))


_RETURNS: Final = (
    *((b"",) * 6),
    *(b"RETURN () ", b"RETURN (SAVE) ", b"RETURN (MIN ALL COUNT) "),
    *(b"RETURN (UPDATE ALL) ", b"RETURN (CONTEXT UPDATE(UID BODY[1])) "),
    *(b"RETURN (RELEVANCY ALL) ", b"RETURN (PARTIAL 1:2) "),
    *(b"RETURN (PARTIAL 1:2 RELEVANCY) ", b"RETURN (SAVE PARTIAL -1:-4294967295 MAX) "),
)
_SORT_KEYS: Final = (
    *(b"ARRIVAL", b"CC", b"DATE", b"FROM", b"SIZE", b"SUBJECT", b"TO"),
    *(b"DISPLAYFROM", b"DISPLAYTO", b"REVERSE DATE", b"REVERSE SUBJECT", b"RELEVANCY"),
)


def _search(words: Words) -> bytes:
    charset = words.pick((b"", b"", b"CHARSET UTF-8 ", b"CHARSET iso-8859-1 "))
    return b"SEARCH %b%b%b" % (words.pick(_RETURNS), charset, _search_key(words))


def _multisearch(words: Words) -> bytes:
    where = words.pick(
        (
            *(b"", b" IN (personal)", b" IN (subscribed selected)", b" IN (inboxes)"),
            b" IN (subtree %b)" % words.box(),
            b" IN (mailboxes (%b %b))" % (words.box(), words.box()),
        )
    )
    search = _search(words).removeprefix(b"SEARCH ")
    return b"ESEARCH%b %b" % (where, search)


_EVENTS: Final = (
    *(b"(MessageNew MessageExpunge)", b"(MessageNew MessageExpunge FlagChange)"),
    *(
        b"(MailboxMetadataChange ServerMetadataChange)",
        b"NONE",
        b"(X-New)",
        b"(MessageNew)",
    ),
    b"(MessageNew MessageExpunge MailboxName SubscriptionChange)",
)
_WISHES: Final = (
    *(b"NONE", b"(MessageNew MessageExpunge FlagChange)", b"(MailboxName)"),
    b"(MessageNew (FLAGS BODY[] ENVELOPE) MessageExpunge)",
    b"(MessageNew (BODY.PEEK[1]<0.9> BINARY[1] PREVIEW) MessageExpunge FlagChange)",
)


def _notify(words: Words) -> bytes:
    if words.chance.random() < 0.1:
        return b"NOTIFY NONE"
    where = words.pick(
        (
            *(b"personal", b"subscribed", b"inboxes"),
            b"subtree " + words.box(),
            b"mailboxes (%b %b)" % (words.box(), words.box()),
        )
    )
    groups = [b"(%b %b)" % (where, words.pick(_EVENTS))]
    if words.chance.random() < 0.7:
        which = words.pick((b"selected", b"selected-delayed"))
        groups.append(b"(%b %b)" % (which, words.pick(_WISHES)))
    status = words.pick((b"", b"STATUS "))
    return b"NOTIFY SET %b%b" % (status, b" ".join(groups))


def _thread(words: Words) -> bytes:
    return b"THREAD %b %b %b" % (
        words.pick((b"REFERENCES", b"ORDEREDSUBJECT")),
        words.pick((b"UTF-8", b"US-ASCII", b"x")),
        _search_key(words),
    )


def _sort(words: Words) -> bytes:
    return b"SORT %b(%b) %b %b" % (
        words.pick(_RETURNS),
        words.several(_SORT_KEYS),
        words.pick((b"UTF-8", b"US-ASCII", b"x")),
        _search_key(words),
    )


def _list(words: Words) -> bytes:
    pattern = words.pick((b"*", b"%", b'""', b"o*", b'"%/%"', b"INBOX", words.box()))
    prefix = words.pick((b'""', b'""', b"other", b'"other/"'))
    if words.chance.random() < 0.6:
        return b"%b %b %b" % (words.pick((b"LIST", b"LSUB")), prefix, pattern)
    selecting = (b"SUBSCRIBED", b"REMOTE", b"SPECIAL-USE", b"RECURSIVEMATCH")
    returning = (
        *(b"CHILDREN", b"SUBSCRIBED", b"SPECIAL-USE", b"MYRIGHTS"),
        _status_option(words),
    )
    return b"LIST%b %b %b%b" % (
        words.pick((b"", b" ()", b" (%b)" % words.several(selecting))),
        prefix,
        words.pick((pattern, b"(%b %% %b)" % (pattern, words.box()))),
        words.pick((b"", b" RETURN ()", b" RETURN (%b)" % words.several(returning))),
    )


def _status_option(words: Words) -> bytes:
    return b"STATUS (%b)" % words.several((b"MESSAGES", b"SIZE", b"HIGHESTMODSEQ"))


def _status(words: Words) -> bytes:
    atts = (
        *(b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN", b"SIZE"),
        *(b"HIGHESTMODSEQ", b"APPENDLIMIT", b"MAILBOXID", b"DELETED-STORAGE"),
    )
    return b"STATUS %b (%b)" % (words.box(), words.several(atts, 4))


def _getmetadata(words: Words) -> bytes:
    options = words.pick((b"", b"", b"(DEPTH 1) ", b"(MAXSIZE 2 DEPTH infinity) "))
    entries = words.pick((b"/private", b"(/shared/a /private/b)", b"/shared"))
    return b"GETMETADATA %b%b %b" % (options, _noted(words), entries)


def _setmetadata(words: Words) -> bytes:
    values = (b"/private/b NIL", b'/shared/a "mine"', b"/private/c ~{3+}\r\n\0ab")
    return b"SETMETADATA %b (%b)" % (_noted(words), words.several(values))


def _noted(words: Words) -> bytes:
    return words.pick((words.box(), b"INBOX", b'""'))


def _condstore(words: Words) -> bytes:
    resync = b" (QRESYNC (%d %d %b (1:2 %b)))" % (
        *(words.chance.randrange(1, 60), words.chance.randrange(1, 60)),
        *(words.set(), words.set()),
    )
    return words.pick((b"",) * 8 + (b" (CONDSTORE)", resync))


def _own_box(words: Words) -> bytes:
    """Return a name that is made, moved and removed all the time."""
    return words.astring(words.pick(OWN_BOXES))


def _new_box(words: Words) -> bytes:
    """Return a name that hardly anybody has taken yet."""
    return b"r/%d" % words.chance.randrange(10_000)


def _rename(words: Words) -> bytes:
    return b"RENAME %b %b" % (_own_box(words), _new_box(words))


def _authenticate(words: Words) -> bytes:
    right = b"AGJvYgB4"  # NUL "bob" NUL "x"
    other = b"YW5hAGJvYgB4"  # "ana" NUL "bob" NUL "x"
    response = words.pick((right,) * 6 + (b"*", b"=", other, b"!"))
    return b"AUTHENTICATE PLAIN%b%b" % (words.pick((b" ", b"\r\n")), response)


def _login(words: Words) -> bytes:
    return b"LOGIN %b %b" % (
        words.astring(b"bob"),
        words.astring(words.pick(words.of.texts)),
    )


def _carry(words: Words, verb: bytes) -> bytes:
    return b"%b %b %b" % (verb, words.set(), words.box())


GRAMMAR: Final[dict[str, Make]] = {
    "CAPABILITY": lambda _: b"CAPABILITY",
    "NOOP": lambda _: b"NOOP",
    "LOGOUT": lambda _: b"LOGOUT",
    "ID": lambda words: b"ID " + words.pick((b"NIL", b"()", b'("name" "x" "os" NIL)')),
    "ENABLE": lambda words: (
        b"ENABLE "
        + words.pick(
            (b"X CONDSTORE", b"QRESYNC", b"UTF8=ACCEPT", b"IMAP4rev2") * 4
            + (b"UIDONLY",)
        )
    ),
    "COMPRESS": lambda words: (
        b"COMPRESS "
        + words.pick((b"DEFLATE", b"deflate", b"DEFLATE", b"x", b"DEFLATE\r\n\r\n"))
    ),
    "UNAUTHENTICATE": lambda _: b"UNAUTHENTICATE",
    "SELECT": lambda words: b"SELECT " + words.box() + _condstore(words),
    "EXAMINE": lambda words: b"EXAMINE " + words.box() + _condstore(words),
    "STARTTLS": lambda words: words.pick((b"STARTTLS",) * 4 + (b"STARTTLS\r\n\r\n",)),
    "LOGIN": _login,
    "AUTHENTICATE": _authenticate,
    "CREATE": lambda words: (
        b"CREATE %b%b"
        % (
            words.pick((_own_box(words), _new_box(words))),
            words.pick((b"", b"", b" (USE (\\Sent))", b" (USE (\\All))")),
        )
    ),
    "DELETE": lambda words: b"DELETE " + _own_box(words),
    "RENAME": _rename,
    "SUBSCRIBE": lambda words: b"SUBSCRIBE " + words.box(),
    "UNSUBSCRIBE": lambda words: b"UNSUBSCRIBE " + words.box(),
    "LIST": _list,
    "NAMESPACE": lambda _: b"NAMESPACE",
    "SETACL": lambda words: (
        b"SETACL %b %b %b" % (words.box(), words.who(), words.astring(words.rights()))
    ),
    "DELETEACL": lambda words: b"DELETEACL %b %b" % (words.box(), words.who()),
    "GETACL": lambda words: b"GETACL " + words.box(),
    "LISTRIGHTS": lambda words: b"LISTRIGHTS %b %b" % (words.box(), words.who()),
    "MYRIGHTS": lambda words: b"MYRIGHTS " + words.box(),
    "STATUS": _status,
    "GETQUOTA": lambda words: b"GETQUOTA " + words.pick((b'""', words.box())),
    "GETQUOTAROOT": lambda words: b"GETQUOTAROOT " + words.box(),
    "SETQUOTA": lambda words: b"SETQUOTA %b (STORAGE 1)" % words.box(),
    "GETMETADATA": _getmetadata,
    "SETMETADATA": _setmetadata,
    "APPEND": _append,
    "GENURLAUTH": _genurlauth,
    "RESETKEY": lambda words: words.pick(
        (b"RESETKEY", b"RESETKEY %b", b"RESETKEY %b INTERNAL")
    ).replace(b"%b", words.box()),
    "URLFETCH": _urlfetch,
    "IDLE": lambda words: b"IDLE\r\n" + words.pick((b"DONE", b"done", b"DONE", b"NO")),
    "NOTIFY": _notify,
    "CHECK": lambda _: b"CHECK",
    "CLOSE": lambda _: b"CLOSE",
    "UNSELECT": lambda _: b"UNSELECT",
    "EXPUNGE": lambda _: b"EXPUNGE",
    "FETCH": _fetch,
    "STORE": _store,
    "SEARCH": _search,
    "CANCELUPDATE": lambda words: b'CANCELUPDATE "h%d"' % words.chance.randrange(100),
    "SORT": _sort,
    "ESEARCH": _multisearch,
    "THREAD": _thread,
    "COPY": lambda words: _carry(words, b"COPY"),
    "MOVE": lambda words: _carry(words, b"MOVE"),
    "REPLACE": _replace,
    "UID REPLACE": lambda words: b"UID " + _replace(words),
    "UID FETCH": lambda words: b"UID " + _fetch(words),
    "UID STORE": lambda words: b"UID " + _store(words),
    "UID SEARCH": lambda words: b"UID " + _search(words),
    "UID SORT": lambda words: b"UID " + _sort(words),
    "UID THREAD": lambda words: b"UID " + _thread(words),
    "UID COPY": lambda words: b"UID " + _carry(words, b"COPY"),
    "UID MOVE": lambda words: b"UID " + _carry(words, b"MOVE"),
    "UID EXPUNGE": lambda words: b"UID EXPUNGE " + words.set(),
}


@dataclass(frozen=True, slots=True)
class Hostile:
    """A command, and what became of it.

    Attributes:
        verb: What it was when it was made.
        text: What is said behind the tag, with its last CRLF.
        damaged: Whether it is not what was made.
    """

    verb: str
    text: bytes
    damaged: bool


_AUTHORIZED: Final = re.compile(rb'(?i)(?<=")imap://[^"\r\n]*:internal:[0-9a-f]+(?=")')
_MOST_KNOWN: Final = 50


class HostileCommands:
    """Makes commands, each verb as often as any other; some are damaged."""

    def __init__(
        self,
        chance: random.Random,
        *,
        damage: float,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._chance = chance
        self._words = Words(chance, vocabulary)
        self._damage = damage
        self._verbs = list(GRAMMAR)

    def next(self, verb: str | None = None) -> Hostile:
        """Return a command; of a verb, if it is given."""
        verb = verb or self._chance.choice(self._verbs)
        text = GRAMMAR[verb](self._words)
        damaged = self._chance.random() < self._damage
        if damaged:
            for _ in range(self._chance.choice((1, 1, 2, 5))):
                text = self._damaged(text)
        return Hostile(verb, text + b"\r\n", damaged)

    def heard(self, said: bytes) -> None:
        """Take URLs out of what a server said: nobody can guess one."""
        known = self._words.authorized
        known += _AUTHORIZED.findall(said)
        del known[:-_MOST_KNOWN]

    def _damaged(self, text: bytes) -> bytes:
        chance = self._chance
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice((1, 1, 2, 8)))
        before, here, behind = text[:at], text[at:to], text[to:]
        other = GRAMMAR[chance.choice(self._verbs)](self._words)
        instead = (
            b"",
            here * chance.choice((2, 3, 50)),
            bytes([chance.randrange(256)]),
            chance.choice(ODD) + here,
        )
        way = chance.randrange(len(instead) + 2)
        if way < len(instead):
            return before + instead[way] + behind
        if way == len(instead):
            return here + behind + before
        return before + other[chance.randrange(len(other)) :]
