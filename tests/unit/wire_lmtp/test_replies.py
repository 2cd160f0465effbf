"""Replies are one reply each, whatever is in them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.lmtp import replies
from imapbox.wire.lmtp.commands import BadCommand, Verb
from imapbox.wire.lmtp.replies import reply

_LINE = re.compile(rb"(250)([ -])2\.1\.0 [ -~]*\r\n")


@given(st.lists(st.text(), min_size=1))
def test_nothing_splits_a_reply(texts: list[str]) -> None:
    """No text, a peer's among it, ends a reply or begins another."""
    lines = reply("250 2.1.0", *texts).splitlines(keepends=True)
    assert len(lines) == len(texts)
    marks = []
    for line in lines:
        found = _LINE.fullmatch(line)
        assert found
        assert len(line) <= 512
        marks.append(found[2])
    assert marks == [b"-"] * (len(texts) - 1) + [b" "]


def test_capabilities() -> None:
    """LHLO offers what is built and nothing else, without enhanced codes."""
    begin = (
        b"250-mx.example.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-CHUNKING\r\n"
        b"250-SMTPUTF8\r\n250-SIZE 1024\r\n"
    )
    stranger = replies.capabilities("mx.example.test", 1024, xforward=False)
    assert stranger == begin + b"250 ENHANCEDSTATUSCODES\r\n"
    trusted = replies.capabilities("mx.example.test", 1024, xforward=True)
    assert trusted == begin + (
        b"250-ENHANCEDSTATUSCODES\r\n"
        b"250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"
    )


def test_every_bad_command_can_be_worded() -> None:
    """There is a reply for each way in which a command is bad."""
    assert set(replies.BAD_COMMAND) == set(BadCommand.__subclasses__())
    assert all(text.startswith(b"5") for text in replies.BAD_COMMAND.values())


def test_enhanced_codes_agree() -> None:
    """The enhanced code has the class of the code before it. RFC 2034 §4."""
    texts = [
        *replies.BAD_COMMAND.values(),
        *replies.TO_BARE.values(),
        *(value for value in vars(replies).values() if isinstance(value, bytes)),
        *(replies.out_of_order(verb) for verb in Verb),
        replies.recipient_is_fine("a"),
    ]
    for text in texts:
        if text != replies.SEND_MESSAGE:
            assert re.match(rb"([245])[0-9][0-9][ -]\1\.", text), text
