"""PREVIEW: the first words of a message. RFC 8970."""

import pytest

from imapbox.mime.card import make_card
from imapbox.mime.scanner import Scanner
from tests.support.fake_mail import FakeAccount, FakeBox
from tests.support.imap_client import Client

PLAIN = b"Subject: one\r\n\r\nHello,\r\n\r\nworld!\r\n> said Ana\r\n"
UMLAUT = (
    b"Content-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\nSch\xf6n\r\n"
)
PICTURE = b"Content-Type: image/png\r\n\r\npicture\r\n"


def with_card(box: FakeBox) -> None:
    """Let each message have its card."""
    for stored in box.messages.values():
        scanner = Scanner()
        scanner.feed(stored.octets)
        stored.card = make_card(scanner.finish())


def client_with(*messages: bytes, cards: bool = True) -> Client:
    account = FakeAccount()
    for message in messages:
        account.inbox.add(message)
    if cards:
        with_card(account.inbox)
    return Client(account).login().select()


@pytest.mark.parametrize("item", [b"PREVIEW", b"(PREVIEW (LAZY))", b"preview (lazy)"])
def test_previews(item: bytes) -> None:
    """The first words, in UTF-8 and in one line; of what has none, no words."""
    client = client_with(PLAIN, UMLAUT, PICTURE)
    assert client.say(b"t FETCH 1:* %b\r\n" % item) == (
        b'* 1 FETCH (PREVIEW "Hello, world!")\r\n'
        b"* 2 FETCH (PREVIEW {6}\r\nSch\xc3\xb6n)\r\n"
        b'* 3 FETCH (PREVIEW "")\r\n'
        b"t OK Fetched.\r\n"
    )


def test_a_long_message_has_a_short_preview() -> None:
    """A preview has 200 characters at most."""
    client = client_with(b"\r\n" + b"word\r\n" * 10_000)
    said = client.say(b"t FETCH 1 PREVIEW\r\n")
    assert said.split(b'"')[1] == b" ".join([b"word"] * 40)


@pytest.mark.parametrize(
    ("items", "told", "is_made"),
    [
        (b"PREVIEW (LAZY)", b"PREVIEW NIL)", False),
        (b"(UID PREVIEW (LAZY))", b"UID 1 PREVIEW NIL)", False),
        (b"PREVIEW", b'PREVIEW "Hello, world!")', True),
        (b"(PREVIEW (LAZY) BODY)", b'PREVIEW "Hello, world!" BODY (', True),
    ],
)
def test_who_is_lazy_does_not_wait(items: bytes, told: bytes, is_made: bool) -> None:
    """LAZY reads no message for its preview; without LAZY, it is made."""
    client = client_with(PLAIN, cards=False)
    asked = []

    async def note(what: str) -> None:
        asked.append(what)

    client.account.pause = note
    said = client.say(b"t FETCH 1 %b\r\n" % items)
    assert said.startswith(b"* 1 FETCH (" + told)
    assert said.endswith(b"t OK Fetched.\r\n")
    assert ("make_card" in asked) is is_made


def test_a_lazy_fetch_may_ask_for_changes_only() -> None:
    """What follows LAZY may be a modifier of the FETCH."""
    client = client_with(PLAIN, PLAIN)
    client.say(b"t ENABLE CONDSTORE\r\n")
    client.say(b"t STORE 2 FLAGS ()\r\n")
    said = client.say(b"t UID FETCH 1:* PREVIEW (LAZY) (CHANGEDSINCE 3)\r\n")
    assert said.startswith(b'* 2 FETCH (UID 2 PREVIEW "Hello, world!" MODSEQ (4))\r\n')
    said = client.say(b"t UID FETCH 1:* PREVIEW (CHANGEDSINCE 3)\r\n")
    assert said.startswith(b'* 2 FETCH (UID 2 PREVIEW "Hello, world!" MODSEQ (4))\r\n')


def test_octets_and_preview() -> None:
    """A preview may be asked for together with octets, and sets no flag."""
    client = client_with(PLAIN)
    said = client.say(b"t FETCH 1 (PREVIEW BODY.PEEK[TEXT]<0.5>)\r\n")
    assert b'PREVIEW "Hello, world!" BODY[TEXT]<0> {5}\r\nHello)' in said
    assert b"\\Seen" not in client.say(b"t FETCH 1 (FLAGS PREVIEW)\r\n")


def test_mail_that_is_gone_has_none() -> None:
    """A preview of what was expunged can't be made, and is not told."""
    client = client_with(PLAIN, cards=False)
    client.account.inbox.bodies_gone.add(1)
    del client.account.inbox.messages[1]
    said = client.say(b"t FETCH 1 PREVIEW\r\n")
    assert said.startswith(b"t NO [EXPUNGEISSUED] ")
