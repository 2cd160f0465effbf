"""Every answer against the grammar of RFC 9051 §9, as somebody else wrote it."""

import re
from collections.abc import Iterator

import pytest

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

rfc9051 = pytest.importorskip("abnf.grammars.rfc9051")

# What RFC 3501 has and RFC 9051 has not: RECENT, LSUB, a CAPABILITY without
# IMAP4rev2. And ID, which is RFC 2971's.
OLD = re.compile(
    rb"\* (?:[0-9]+ RECENT|LSUB .*|STATUS .*RECENT.*|CAPABILITY .*|ID .*)\r\n"
)
KINDS = {b"+": "continue-req", b"*": "response-data", b"a": "response-tagged"}
LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")

COMMANDS = (
    b"a CAPABILITY",
    b"a STARTTLS",
    b"a AUTHENTICATE PLAIN",
    b"*",
    b"a LOGIN {3}",
    b"ana secret",
    b'a LIST "" *',
    b'a LIST "" %',
    b'a LIST "" ""',
    b'a LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)',
    b"a NAMESPACE",
    b"a ID NIL",
    b'a LSUB "" *',
    b"a STATUS &APY-l (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE)",
    b'a STATUS "qu\\"oted" (MESSAGES RECENT)',
    b"a SELECT nowhere",
    b"a EXAMINE INBOX",
    b"a SELECT INBOX",
    b"a FETCH 1:2 (FLAGS UID INTERNALDATE RFC822.SIZE)",
    b"a UID FETCH 1:* (BODY[] BODY[HEADER] BODY[TEXT]<1.3>)",
    b'a FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject "Fr(om")]',
    b"a FETCH 1 ENVELOPE",
    b"a FETCH 9 FLAGS",
    b"a STORE 1:2 +FLAGS (\\Deleted $New)",
    b"a APPEND INBOX {3}",
    b"abc",
    b"a APPEND nowhere {3}",
    b"a UID EXPUNGE 2",
    b"a EXPUNGE",
    b"a IDLE",
    b"DONE",
    b"a nonsense",
    b"\x00",
    b"a UNSELECT",
    b"a SELECT INBOX",
    b"a CLOSE",
    b"a LOGOUT",
)


def responses(said: bytes) -> Iterator[bytes]:
    """Cut what was said into responses: lines, with their literals."""
    at = 0
    while at < len(said):
        end = at
        while True:
            end = said.index(b"\r\n", end) + 2
            literal = LITERAL.search(said[at:end])
            if not literal:
                break
            end += int(literal[1])
        yield said[at:end]
        at = end


def test_every_response_is_one() -> None:
    """Whatever the server says is a response by the grammar of RFC 9051 §9."""
    account = FakeAccount()
    account.boxes["öl"] = account._new_box()
    account.boxes['qu"oted'] = account._new_box()
    account.boxes["deep/er"] = account._new_box()
    account.boxes["deep/er"].special_use = "\\Archive"
    account.subscribed.add("two words")
    for number in range(2):
        account.inbox.add(b"Subject: %d\r\n\r\nbo{5}\r\ndy\r\n" % number, ["\\Seen"])
    client = Client(account)
    rules = [(rfc9051.Rule("greeting"), client.heard())]
    said = b"".join(client.say(command + b"\r\n") for command in COMMANDS)
    rules += [
        (rfc9051.Rule(KINDS[each[:1]]), each)
        for each in responses(said)
        if not OLD.fullmatch(each) and not each.startswith(b"* BYE ")
    ]
    assert len(rules) > 60
    for rule, text in rules:
        node = rule.parse_all(text.decode("latin-1"))
        assert node.value.encode("latin-1") == text
