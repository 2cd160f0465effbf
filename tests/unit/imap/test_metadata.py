"""METADATA: RFC 5464."""

from typing import Final

import pytest

from imapbox.mailbox.annotations import MOST_ANNOTATIONS
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

DONE: Final = b"OK That is all.\r\n"


@pytest.fixture
def client() -> Client:
    return Client(FakeAccount()).login()


def test_annotations_are_set_told_and_removed(client: Client) -> None:
    """What is noted is told, of a mailbox and of the server, until it is NIL."""
    values = b'(/private/comment "mine" /shared/comment {5+}\r\na\r\nb,)'
    assert client.say(b"a SETMETADATA INBOX " + values + b"\r\n") == b"a OK Noted.\r\n"
    assert client.say(b'b SETMETADATA "" (/private/x "")\r\n') == b"b OK Noted.\r\n"
    said = client.say(
        b"c GETMETADATA INBOX (/shared/comment /Private/Comment /x/y)\r\n"
    )
    assert said.startswith(b"c BAD")
    said = client.say(b"c GETMETADATA INBOX (/shared/comment /Private/Comment)\r\n")
    told = (
        b'* METADATA INBOX (/private/comment "mine" /shared/comment {5}\r\na\r\nb,)\r\n'
    )
    assert said == told + b"c " + DONE
    said = client.say(b'd GETMETADATA "" /private/x\r\n')
    assert said == b'* METADATA "" (/private/x "")\r\nd ' + DONE
    client.say(b"e SETMETADATA INBOX (/private/comment NIL /private/none NIL)\r\n")
    assert client.say(b"f GETMETADATA INBOX /private/comment\r\n") == b"f " + DONE


@pytest.mark.parametrize("where", [b"%b INBOX %b", b"INBOX %b %b"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (b"(DEPTH 0)", b'/private/a "1"'),
        (b"(DEPTH 1)", b'/private/a "1" /private/a/b "2"'),
        (
            b"(MAXSIZE 5 DEPTH infinity)",
            b'/private/a "1" /private/a/b "2" /private/a/b/c "3"',
        ),
    ],
)
def test_what_lies_below_is_told(
    client: Client, options: bytes, told: bytes, where: bytes
) -> None:
    """DEPTH tells what lies below, wherever the options stand: RFC 5464 §4.2.2."""
    client.say(
        b'a SETMETADATA INBOX (/private/a "1" /private/a/b "2" /private/a/b/c "3"'
        b' /private/ab "4")\r\n'
    )
    said = client.say(b"b GETMETADATA " + where % (options, b"/private/a") + b"\r\n")
    assert said == b"* METADATA INBOX (%b)\r\nb " % told + DONE


def test_all_can_be_asked_for(client: Client) -> None:
    """All private or all shared ones are told below their first word."""
    client.say(b'a SETMETADATA INBOX (/private/a/b "1" /shared/c "2")\r\n')
    said = client.say(b"b GETMETADATA (DEPTH infinity) INBOX (/private /shared)\r\n")
    told = b'* METADATA INBOX (/private/a/b "1" /shared/c "2")\r\n'
    assert said == told + b"b " + DONE


def test_long_ones_are_left_out(client: Client) -> None:
    """What is longer than MAXSIZE is not told, but how long the longest is."""
    client.say(b'a SETMETADATA INBOX (/private/a "12345" /private/b "123")\r\n')
    said = client.say(b"b GETMETADATA (MAXSIZE 2) INBOX (/private/a /private/b)\r\n")
    assert said == b"b OK [METADATA LONGENTRIES 5] That is all.\r\n"


def test_any_octets_can_be_noted(client: Client) -> None:
    """A value may hold NUL: it comes and goes as a literal8."""
    client.say(b"a SETMETADATA INBOX (/private/a ~{3+}\r\n\0\1\2)\r\n")
    said = client.say(b"b GETMETADATA INBOX /private/a\r\n")
    assert said == b"* METADATA INBOX (/private/a ~{3}\r\n\0\1\2)\r\nb " + DONE


def test_what_is_too_much_is_refused(client: Client) -> None:
    """A value may have 64 KiB, and a mailbox so many annotations, and no more."""
    large = b"{65537+}\r\n" + b"x" * 65537
    said = client.say(
        b"a SETMETADATA INBOX (/private/b {1+}\r\nx /private/a %b)\r\n" % large
    )
    assert said == (
        b"a NO [METADATA MAXSIZE 65536] This is too large for an annotation.\r\n"
    )
    assert client.say(b"b GETMETADATA INBOX /private/b\r\n") == b"b " + DONE
    for number in range(0, MOST_ANNOTATIONS, 50):
        values = b" ".join(
            b"/private/%d 1" % each for each in range(number, number + 50)
        )
        said = client.say(
            b"c SETMETADATA INBOX (%b)\r\n" % values.replace(b" 1", b' "1"')
        )
        assert said.startswith(b"c OK")
    said = client.say(b'd SETMETADATA INBOX (/private/more "1")\r\n')
    assert said.startswith(b"d NO [METADATA TOOMANY]")


def test_what_a_mailbox_is_for_is_no_note(client: Client) -> None:
    """What a mailbox is for can't be changed by a note: RFC 6154 §4."""
    for value in (b'"\\\\Bogus"', b'"\\\\Sent"', b"NIL"):
        said = client.say(
            b'a SETMETADATA INBOX (/private/SpecialUse %b /private/a "x")\r\n' % value
        )
        assert said == (
            b"a NO [CANNOT] What a mailbox is for is said when it is made.\r\n"
        )
    assert client.say(b"b GETMETADATA INBOX /private/a\r\n") == b"b " + DONE


def test_what_all_see_is_the_administrators(client: Client) -> None:
    """Nobody notes for all users of the server, and a mailbox must be there."""
    said = client.say(b'a SETMETADATA "" (/shared/comment "x" /private/a "y")\r\n')
    assert said == b"a NO [NOPERM] Only the administrator notes what all see.\r\n"
    assert client.say(b'b GETMETADATA "" /private/a\r\n') == b"b " + DONE
    none = b"NO [NONEXISTENT] No mailbox has this name.\r\n"
    assert client.say(b"c GETMETADATA nowhere /private/a\r\n") == b"c " + none
    assert client.say(b'd SETMETADATA nowhere (/private/a "x")\r\n') == b"d " + none


@pytest.mark.parametrize(
    "command",
    [
        b"GETMETADATA INBOX",
        b"GETMETADATA INBOX comment",
        b"GETMETADATA INBOX /other/comment",
        b"GETMETADATA INBOX /private/",
        b"GETMETADATA INBOX /private//a",
        b'GETMETADATA INBOX "/private/a*"',
        b'GETMETADATA INBOX "/private/a b"',
        b"GETMETADATA INBOX /private/" + b"x" * 255,
        b"GETMETADATA (DEPTH 2) INBOX /private/a",
        b"GETMETADATA (MAXSIZE x) INBOX /private/a",
        b"GETMETADATA (OTHER 1) INBOX /private/a",
        b"GETMETADATA INBOX (%b)"
        % b" ".join(b"/private/%d" % each for each in range(101)),
        b"SETMETADATA INBOX ()",
        b'SETMETADATA INBOX (/private "x")',
        b"SETMETADATA INBOX (/private/a)",
        b"SETMETADATA INBOX (/private/a atom)",
        b"SETMETADATA INBOX (/private/a ~)",
    ],
)
def test_what_is_no_annotation_is_bad(client: Client, command: bytes) -> None:
    """What is none by the grammar is answered BAD, and nothing is changed."""
    assert (client.say(b"a " + command + b"\r\n")).startswith(b"a BAD")
