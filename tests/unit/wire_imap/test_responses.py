"""What we send is whole lines, whatever is in them."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.model.flags import Flag
from imapbox.model.message import InternalDate
from imapbox.model.names import MailboxName
from imapbox.model.numbers import Seq, Uid, UidValidity
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.status import StatusAtt
from imapbox.wire.imap.flags import render_flag_list
from imapbox.wire.imap.responses import Attribute, Status
from imapbox.wire.imap.strings import astring, mailbox, nstring, string, text
from imapbox.wire.imap.tags import leading_tag

TAG = leading_tag(b"a NOOP")
SEEN = render_flag_list(Flag.SEEN)
EVIL = st.text() | st.sampled_from(
    ["\r\n* BYE x", "\x1b[2J", "\u2028* BYE", "[ALERT] x", "a\0b", '"', "\ud800"]
)


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (responses.tagged(TAG, Status.OK, "Done."), b"a OK Done."),
        (
            responses.tagged(TAG, Status.NO, "No.", codes.TRYCREATE),
            b"a NO [TRYCREATE] No.",
        ),
        (responses.untagged(Status.BYE, "Bye."), b"* BYE Bye."),
        (
            responses.untagged(Status.OK, "UIDs.", codes.uidvalidity(UidValidity(7))),
            b"* OK [UIDVALIDITY 7] UIDs.",
        ),
        (
            responses.untagged(Status.OK, "Next.", codes.uidnext(Uid(9))),
            b"* OK [UIDNEXT 9] Next.",
        ),
        (
            responses.untagged(Status.OK, "First.", codes.unseen(Seq(3))),
            b"* OK [UNSEEN 3] First.",
        ),
        (
            responses.untagged(Status.OK, "Flags.", codes.permanent_flags(SEEN)),
            b"* OK [PERMANENTFLAGS (\\Seen)] Flags.",
        ),
        (
            responses.untagged(
                Status.OK,
                "Hello.",
                codes.capability(responses.capability_list(["IMAP4rev1", "IDLE"])),
            ),
            b"* OK [CAPABILITY IMAP4rev1 IDLE] Hello.",
        ),
        (
            responses.capability(responses.capability_list(["AUTH=PLAIN", "LITERAL+"])),
            b"* CAPABILITY AUTH=PLAIN LITERAL+",
        ),
        (responses.continuation("Go on."), b"+ Go on."),
        (responses.challenge(b""), b"+ "),
        (responses.challenge(b"x" * 60), b"+ " + b"eHh4" * 20),
        (responses.exists(3), b"* 3 EXISTS"),
        (responses.recent(0), b"* 0 RECENT"),
        (responses.expunge(Seq(2)), b"* 2 EXPUNGE"),
        (responses.flags(SEEN), b"* FLAGS (\\Seen)"),
        (
            responses.list_mailbox(
                [Attribute.NOSELECT, Attribute.HASCHILDREN], MailboxName("ä b")
            ),
            b'* LIST (\\Noselect \\HasChildren) "/" "&AOQ- b"',
        ),
        (
            responses.lsub_mailbox((), MailboxName("INBOX")),
            b'* LSUB () "/" INBOX',
        ),
        (responses.list_delimiter(), b'* LIST (\\Noselect) "/" ""'),
        (responses.lsub_delimiter(), b'* LSUB (\\Noselect) "/" ""'),
        (
            responses.status(
                MailboxName("a"), {StatusAtt.MESSAGES: 3, StatusAtt.UIDNEXT: 4}
            ),
            b"* STATUS a (MESSAGES 3 UIDNEXT 4)",
        ),
        (
            responses.fetch(
                Seq(3),
                (
                    responses.uid_item(Uid(7)),
                    responses.flags_item(SEEN),
                    responses.size_item(2**40),
                    responses.internaldate_item(InternalDate(0, -90)),
                ),
            ),
            b"* 3 FETCH (UID 7 FLAGS (\\Seen) RFC822.SIZE 1099511627776 %b)"
            % b'INTERNALDATE "31-Dec-1969 22:30:00 -0130"',
        ),
        (
            responses.fetch(Seq(1), (responses.nil_item(b"BODY[1]<5>"),)),
            b"* 1 FETCH (BODY[1]<5> NIL)",
        ),
        (
            responses.fetch(Seq(1), (responses.number_item(b"BINARY.SIZE[1]", 5),)),
            b"* 1 FETCH (BINARY.SIZE[1] 5)",
        ),
    ],
)
def test_lines(sent, line) -> None:
    """Each response is the line that RFC 9051 §7 shows."""
    assert sent == line + b"\r\n"


def test_body_in_slices() -> None:
    """A row told item by item, bodies in slices, is a row."""
    sliced = (
        responses.fetch_start(Seq(1)),
        responses.uid_item(Uid(7)),
        b" ",
        responses.literal_item(b"BODY[1]", 4),
        b"ab",
        b"cd",
        b" ",
        responses.literal8_item(b"BINARY[1]", 2),
        b"a\0",
        responses.FETCH_END,
    )
    whole = b"* 1 FETCH (UID 7 BODY[1] {4}\r\nabcd BINARY[1] ~{2}\r\na\0)\r\n"
    assert b"".join(sliced) == whole


@given(EVIL)
def test_no_text_splits_a_response(words) -> None:
    """Whatever the text, it stays one line of ASCII and no response code."""
    for sent in (
        responses.tagged(TAG, Status.NO, words),
        responses.untagged(Status.BYE, words, codes.ALERT),
        responses.continuation(words),
    ):
        assert re.fullmatch(rb"[\x20-\x7e]+\r\n", sent)
    assert not text(words).startswith(b"[")


@given(EVIL.filter(lambda name: not re.search("[\ud800-\udfff]", name)))
def test_no_name_splits_a_response(name) -> None:
    """Whatever a mailbox is called, its LIST is one line."""
    sent = responses.list_mailbox((), MailboxName(name))
    assert re.fullmatch(rb'\* LIST \(\) "/" [\x20-\x7e]+\r\n', sent)


@pytest.mark.parametrize("name", ["", "A B", "X\r\n* BYE", "ä", "A]"])
def test_no_capability_splits_a_response(name) -> None:
    """What is no atom is no capability."""
    with pytest.raises(ValueError, match=r"^"):
        responses.capability_list([name])


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b"", b'""'),
        (b'a"\\', b'"a\\"\\\\"'),
        (b"a\tb", b"{3}\r\na\tb"),
        (b"\x7f", b"{1}\r\n\x7f"),
        (b"a\n", b"{2}\r\na\n"),
        ("ä".encode(), b"{2}\r\n\xc3\xa4"),
        (b"x" * 1025, b"{1025}\r\n" + b"x" * 1025),
    ],
)
def test_strings(data, sent) -> None:
    """A string is quoted if it is short and plain, else a literal."""
    assert string(data) == nstring(data) == sent


def test_nil() -> None:
    """NIL is nothing; a string that says so is quoted."""
    assert nstring(None) == b"NIL"
    assert astring(b"nil") == b'"nil"'
    assert astring(b"nile") == b"nile"
    assert mailbox("a]") == b'"a]"'


def test_flags_of_many_messages_are_fast() -> None:
    """10,000 FETCH responses of flags take some milliseconds."""
    began = time.process_time()
    item = responses.flags_item(SEEN)
    sent = b"".join(responses.fetch(Seq(n), (item,)) for n in range(1, 10_001))
    took = time.process_time() - began
    assert sent.count(b"\r\n") == 10_000
    assert took < 0.2
