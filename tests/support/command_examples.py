"""Commands as clients say them: every command, with its forms, by state.

A form that only a later imapbox knows does no harm here: it is answered BAD.
"""

from typing import Final

from imapbox.imap.states import State

MESSAGE: Final = (
    b"From: Ana <ana@example.org>\r\nTo: bob@example.org\r\n"
    b"Subject: =?utf-8?q?=C3=B6l?=\r\nDate: Tue, 14 Nov 2023 23:13:20 +0100\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nfirst\r\n"
    b"--b\r\n\r\nplain {5}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n"
)
# What a command needs of the client behind its line is part of it.
EXAMPLES: Final[dict[State, tuple[bytes, ...]]] = {
    State.NOT_AUTHENTICATED: (
        b"CAPABILITY",
        b"NOOP",
        b"ID NIL",
        b'ID ("name" "probe" "version" NIL)',
        b"AUTHENTICATE PLAIN\r\nAGFuYQBzZWNyZXQ=",
        b"AUTHENTICATE PLAIN AGFuYQBzZWNyZXQ=",
        b"AUTHENTICATE PLAIN\r\n*",
        b"AUTHENTICATE PLAIN =",
        b"AUTHENTICATE UNKNOWN",
        b"LOGIN ana secret",
        b'LOGIN "ana" {6}\r\nsecret',
        b"LOGIN {3+}\r\nana {6+}\r\nsecret",
        b"LOGIN ana wrong",
        b"SELECT INBOX",
        b"FETCH 1 FLAGS",
        b"STARTTLS",
        b"LOGOUT",
    ),
    State.AUTHENTICATED: (
        b"CAPABILITY",
        b"NOOP",
        b"ID NIL",
        b"ENABLE CONDSTORE",
        b"ENABLE X-NOBODY QRESYNC",
        b"LOGIN ana secret",
        b"SELECT nowhere",
        b"SELECT {5}\r\nINBOX",
        b"EXAMINE {5+}\r\nINBOX",
        b"CREATE new",
        b'CREATE "with space"',
        b"CREATE new/below/",
        b"CREATE INBOX",
        b"CREATE sent (USE (\\Sent))",
        b"CREATE all (USE (\\All))",
        b"DELETE old",
        b"DELETE nowhere",
        b"RENAME old older",
        b"RENAME old {5}\r\nolder",
        b"SUBSCRIBE old",
        b"UNSUBSCRIBE old",
        b'LIST "" ""',
        b'LIST "" *',
        b'LIST "" {1}\r\n%',
        b'LIST (SUBSCRIBED) "" (INBOX "old") RETURN (CHILDREN SPECIAL-USE)',
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" (% {3}\r\nold)',
        b'LIST "" % RETURN (STATUS (MESSAGES HIGHESTMODSEQ) SUBSCRIBED)',
        b'LSUB "" "*"',
        b"NAMESPACE",
        b"STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)",
        b'STATUS "old" (SIZE DELETED)',
        b"STATUS INBOX (HIGHESTMODSEQ)",
        b"STATUS nowhere (MESSAGES)",
        b"SELECT INBOX (CONDSTORE)",
        b"SELECT INBOX (QRESYNC (101 1 1:3 (1 1)))",
        b"APPEND INBOX {3}\r\nabc",
        b'APPEND INBOX (\\Seen $x) "14-Nov-2023 23:13:20 +0100" {3+}\r\nabc',
        b"APPEND INBOX {3}\r\nabc (\\Seen) {4}\r\ndefg",
        b"APPEND INBOX ~{3+}\r\nabc",
        b"APPEND nowhere {3}\r\nabc",
        b"APPEND INBOX {0+}\r\n",
        b"IDLE\r\nDONE",
        b"UNKNOWN 1 2 3",
        b"",
        b"CREATE",
        b"LIST \x80 *",
    ),
    State.SELECTED: (
        b"NOOP",
        b"CHECK",
        b"CLOSE",
        b"UNSELECT",
        b"EXPUNGE",
        b"UID EXPUNGE 1:*",
        b"IDLE\r\nDONE",
        b"SELECT old",
        b"FETCH 1 FAST",
        b"FETCH 1:2 ALL",
        b"FETCH 1:* FULL",
        b"FETCH 1:2 (FLAGS UID INTERNALDATE RFC822.SIZE)",
        b"FETCH 1:2 (ENVELOPE BODY BODYSTRUCTURE)",
        b"FETCH 2 (RFC822 RFC822.HEADER RFC822.TEXT)",
        b"FETCH 2 (BODY.PEEK[] BODY[HEADER] BODY[TEXT]<1.3> BODY[1] BODY[2.HEADER])",
        b"FETCH 2 (BODY[1.MIME] BODY[2.1] BODY[2.TEXT] BODY[3] BODY[2.1.MIME])",
        b"FETCH 2 (BINARY[1] BINARY.PEEK[2.1]<0.1> BINARY.SIZE[1])",
        b'FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject "Fr(om" {2}\r\nTo)]',
        b"FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (Subject)]<0.10>",
        b"FETCH 1:* (UID MODSEQ BODY.PEEK[TEXT])",
        b"FETCH 1:* FLAGS (CHANGEDSINCE 1)",
        b"UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
        b"FETCH 9 FLAGS",
        b"FETCH 0 FLAGS",
        b"UID FETCH 1:* (UID ENVELOPE)",
        b"UID FETCH 9999 FLAGS",
        b"STORE 1:2 +FLAGS (\\Deleted $New)",
        b"STORE 1 FLAGS.SILENT ()",
        b"STORE 1 -FLAGS \\Seen",
        b"UID STORE 1:* FLAGS (\\Flagged)",
        b"STORE 1:2 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Draft)",
        b"UID STORE 1 (UNCHANGEDSINCE 1000) FLAGS (\\Draft)",
        b"SEARCH MODSEQ 2",
        b'UID SEARCH MODSEQ "/flags/\\\\draft" all 1 SEEN',
        b"SEARCH RETURN (MIN COUNT ALL MAX) ALL",
        b"UID SEARCH RETURN (SAVE) CHARSET UTF-8 SEEN",
        b"FETCH $ FLAGS",
        b"SEARCH ALL",
        b"SEARCH CHARSET UTF-8 OR SUBJECT {2}\r\n\xc3\xb6 NOT (SEEN 1:2)",
        b"SEARCH CHARSET X-UNKNOWN TEXT a",
        b'SEARCH HEADER Message-ID {1+}\r\n@ BODY "plain" SINCE 1-Jan-2020',
        b"UID SEARCH UID 1:* SMALLER 1000",
        b"SEARCH OLDER 1 NOT YOUNGER 4294967295",
        b"COPY 1:2 old",
        b"COPY 1 nowhere",
        b"UID COPY 1:* {3}\r\nold",
        b"MOVE 1 old",
        b"UID MOVE 1:* {3+}\r\nold",
        b"UID NONSENSE 1",
        b"UID",
        b"APPEND INBOX {3}\r\nabc",
    ),
    State.LOGOUT: (),
}


def name_of(example: bytes) -> bytes:
    """Return the name of a command: "FETCH", "UID FETCH"."""
    first, _, rest = example.partition(b"\r\n")[0].partition(b" ")
    return b"UID " + rest.partition(b" ")[0] if first == b"UID" else first
