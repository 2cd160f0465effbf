"""The grammar that all tests hold the server to, and how it is applied.

That every response parses is no test of its own: `every_response_parses`, in
`tests/conftest.py`, looks at what each test has heard.
"""

import random
from collections.abc import Callable

import pytest

from tests.support.imap_grammar import ADDED, parses
from tests.support.response_checker import SHAPES, ResponseChecker, Shapes, shape
from tests.support.rfcs import abnf_of

GREETING = b"* OK [CAPABILITY IMAP4rev1 IDLE] Good day.\r\n"
# Each with an empty literal where one may be, as the checker gives them to the
# grammar.
VALID = (
    b"* 12 FETCH (FLAGS (\\Seen $New) UID 1200)\r\n",
    b'* 1 FETCH (INTERNALDATE "14-Nov-2023 23:13:20 +0100" RFC822.SIZE 44)\r\n',
    b"* 3 FETCH (BODY[1.2.HEADER.FIELDS (Subject To)]<5> {0}\r\n BODY[] NIL)\r\n",
    b"* 3 FETCH (BINARY[1] ~{0}\r\n BINARY.SIZE[2.1] 0)\r\n",
    (
        b'* 1 FETCH (BODY (("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 1 20)'
        b'("MESSAGE" "RFC822" NIL NIL NIL "8BIT" 45 (NIL "S" (("Ana" NIL "a" "b"))'
        b' NIL NIL NIL NIL NIL NIL "<1@x>") ("TEXT" "x" NIL NIL NIL "7BIT" 1 1) 1)'
        b' "MIXED"))\r\n'
    ),
    (
        b'* 1 FETCH (BODYSTRUCTURE ("IMAGE" "x" NIL NIL NIL "BASE64" 88 NIL'
        b' ("inline" ("filename" "a.png")) ("en" "de") NIL))\r\n'
    ),
    b'* LIST (\\HasNoChildren \\Sent) "/" "Sent \\"Mail\\""\r\n',
    b'* LSUB () "\\\\" INBOX\r\n',
    b"* STATUS &APY-l (MESSAGES 2 RECENT 0 UIDNEXT 10 SIZE 100)\r\n",
    b"* SEARCH\r\n",
    b"* SEARCH 1 20 3\r\n",
    b'* NAMESPACE (("" "/")) NIL NIL\r\n',
    b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared/" "/"))\r\n',
    b'* ACL INBOX ana lrs {0}\r\n "" bob lr\r\n',
    b'* LISTRIGHTS INBOX ana "" l r c\r\n',
    b"* MYRIGHTS &APY-l lrswipkxteacd\r\n",
    b'* ID ("name" "imapbox" "version" NIL)\r\n',
    b"* 5 RECENT\r\n",
    b"* OK [PERMANENTFLAGS (\\Seen \\*)] Flags.\r\n",
    b"* OK [UIDNEXT 5] Next.\r\n",
    b"t1 OK [COPYUID 5 1:3,7 20:23] Copied.\r\n",
    b"t1 OK [APPENDUID 5 20:23] Kept.\r\n",
    b"t1 NO [BADCHARSET (UTF-8 US-ASCII)] No.\r\n",
    b"t1 BAD What?\r\n",
    b"+ Go on.\r\n",
)
INVALID = (
    b"* MYRIGHTS INBOX LR\r\n",
    b"* ACL INBOX ana\r\n",
    b"* LISTRIGHTS INBOX ana\r\n",
    b"* 0 EXPUNGE\r\n",
    b"* 01 EXISTS x\r\n",
    b"* 99999999999999999999 EXISTS\r\n",
    b"* SEARCH 1 0\r\n",
    b"* SEARCH 1  2\r\n",
    b"* OK [UIDNEXT 0] Next.\r\n",
    b"* OK [UIDNXT 1] Next.\r\n",
    b"* OK [UIDNEXT 1]Next.\r\n",
    b"* OK \xc3\xb6l\r\n",
    b"* OK a\rb\r\n",
    b"* OK\r\n",
    b"+\r\n",
    b"+x OK No tag.\r\n",
    b'* LIST () "//" INBOX\r\n',
    b"* LIST () / INBOX\r\n",
    b'* LIST () "/" two words\r\n',
    b'* 1 FETCH (INTERNALDATE "1-Nov-2023 23:13:20 +0100")\r\n',
    b"* 1 FETCH ()\r\n",
    b"* 1 FETCH (BODY[] {2}\r\na\0)\r\n",
    b"* 1 FETCH (BODY[] {2}\r\nabc)\r\n",
    b'* 1 FETCH (BODY ("TEXT" "PLAIN" NIL NIL NIL 7BIT 1 1))\r\n',
    b'* 1 FETCH (ENVELOPE (NIL "\xff" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n',
    b"a OK [CAPABILITY IDLE] No IMAP4rev1.\r\n",
    b"* PREAUTH Twice.\r\n",
    b"* ID (name)\r\n",
)


def rule_of(response: bytes) -> str:
    return {b"*": "response-data", b"+": "continue-req"}.get(
        response[:1], "response-tagged"
    )


def faults(*said: bytes) -> list[str]:
    """What is found in pieces of what a server says behind its greeting."""
    checker = ResponseChecker(Shapes())
    for piece in (GREETING, *said):
        checker.receive(piece)
    return checker.shapes.take_faults()


@pytest.mark.parametrize("response", VALID)
def test_a_good_response_passes(response: bytes) -> None:
    """What the RFCs allow is no fault."""
    assert faults(response) == []


@pytest.mark.parametrize("response", INVALID)
def test_a_bad_response_is_found(response: bytes) -> None:
    """A response that no grammar has is a fault, whatever cache is before it."""
    assert len(faults(response)) == 1, response


def test_arrival_does_not_matter() -> None:
    """However the network cuts what the server says, the faults are the same."""
    said = b"".join((*INVALID, *VALID))
    whole = faults(said)
    assert len(whole) == len(INVALID)
    for size in (1, 2, 3, 7, 64):
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        assert faults(*pieces) == whole


def test_a_shape_is_as_valid_as_its_response(
    seed: int, effort: int, tell: Callable[[object], None]
) -> None:
    """The cache decides nothing: a response parses just if its shape does."""
    chance = random.Random(seed)
    alphabet = [
        bytes([each]) for each in b'a10 "\\(){}[]<>.:,*+-~%\r\n\x00\x7f\xe9N'
    ] + [b"\\\\", b'\\"', b'""', b'"x"', b"01", b"10", b"NIL", b'"TEXT"', b"()"]
    outcomes = {True: 0, False: 0}
    for _ in range(1500 * effort):
        text = chance.choice(VALID)
        rule = rule_of(text)
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            at = chance.randrange(len(text) + 1)
            gone = chance.choice((0, 0, 1, 1, 2))
            text = text[:at] + chance.choice([b"", *alphabet]) + text[at + gone :]
        if text.count(b"\r\n") != text.count(b"{0}\r\n") + 1:
            continue  # not one response, as it is cut
        valid = parses(rule, text)
        outcomes[valid] += 1
        assert parses(rule, shape(text)) == valid, text
    tell(f"{outcomes[True]} valid and {outcomes[False]} invalid responses")
    assert min(outcomes.values()) > 300


def test_a_deep_body_is_read() -> None:
    """A body in a body, 300 times over, is no deeper to the grammar than 40."""
    body = b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)'
    for _ in range(300):
        body = b"(" + body + b' "MIXED")'
    assert faults(b"* 1 FETCH (BODY " + body + b")\r\n") == []
    bad = body.replace(b"7BIT", b"7B\xffT")
    assert len(faults(b"* 1 FETCH (BODY " + bad + b")\r\n")) == 1


def test_the_rules_added_are_the_rfcs() -> None:
    """What is put over RFC 9051's grammar stands in the RFC that it names."""
    for source, rules in ADDED.items():
        text = abnf_of(source)
        for rule in rules:
            for part in rule.replace(" =/", " =").split(" / "):
                words = "".join(part.rpartition(" = ")[2].split())
                assert words in text, (source, part)


def test_a_fault_fails_the_test_that_saw_it() -> None:
    """A fault waits for the end of the test, since the server must not see it."""
    ResponseChecker().receive(b"* 5 GREETING\r\n")
    (fault,) = SHAPES.take_faults()
    assert "no greeting" in fault


@pytest.mark.parametrize("name", [b"%d", b"r/x[%d", b"%d]"])
@pytest.mark.parametrize(
    "response",
    [
        b'* LIST (\\HasNoChildren) "/" %b\r\n',
        b'* LSUB () "/" %b\r\n',
        b"* STATUS %b (MESSAGES 1)\r\n",
    ],
)
def test_a_mailbox_may_be_named_by_a_number(response: bytes, name: bytes) -> None:
    """What is in a mailbox's name is no number, however many digits it has."""
    assert parses("response-data", shape(response % (name % 10**60)))
    with pytest.raises(ValueError, match="63 bits"):
        shape(b"* STATUS 7 (MESSAGES %d)\r\n" % 10**60)
