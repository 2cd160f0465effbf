"""URLs: RFC 5092, and what RFC 4467 adds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.fetch_items import Partial, Section, SectionText
from imapbox.wire.imap.url_syntax import MAX_URL, parse_url
from imapbox.wire.imap.urls import Access, Authorization, ImapUrl, Server
from tests.support.url_spelling import TO_THE_END, spelled, urls, without_rump

HEADER = Section((), SectionText.HEADER)


@given(urls(), st.integers())
def test_urls_come_back(url, seed) -> None:
    """What a URL says does not depend on how it is spelled."""
    text = spelled(url, random.Random(seed))
    read = parse_url(text)
    assert without_rump(read) == url
    if read.authorization is not None:
        token = url.authorization.token
        end = len(text) - (len(token) + len(b":INTERNAL:") if token else 0)
        assert read.authorization.rump == text[:end]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        # RFC 4469 §A
        (
            b"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
            ImapUrl(None, True, "Drafts", 385759045, 20, HEADER),
        ),
        (
            b"/INBOX;UIDVALIDITY=785799047/;UID=113330/;section=1.5.9",
            ImapUrl(None, True, "INBOX", 785799047, 113330, Section((1, 5, 9))),
        ),
        # RFC 5092 §9
        (
            b"imap://michael;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20x",
            ImapUrl(
                Server("michael", b"minbari.example.org", None),
                True,
                "gray council",
                search=b"SUBJECT x",
            ),
        ),
        (
            b"imap://h/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97",
            ImapUrl(Server(None, b"h", None), True, "~peter/日本語/台北"),
        ),
        # Modified UTF-7 means itself here.
        (b"/&APY-l", ImapUrl(None, True, "&APY-l")),
        (
            b"INBOX/;UID=2/;SECTION=HEADER.FIELDS%20(To%20%22a%20b%22)/;PARTIAL=7",
            None,
        ),
        (
            b"INBOX/;UID=2/;SECTION=HEADER.FIELDS%20(To%20Cc)/;PARTIAL=7",
            ImapUrl(
                None,
                False,
                "INBOX",
                None,
                2,
                Section((), SectionText.HEADER_FIELDS, (b"To", b"Cc")),
                Partial(7, TO_THE_END),
            ),
        ),
        (b";PARTIAL=0.3", ImapUrl(partial=Partial(0, 3))),
        (b"a//b:c", ImapUrl(None, False, "a//b:c")),
        (
            (
                b"imap://j@h/I/;UID=3;EXPIRE=2006-01-01T00:00:60Z;URLAUTH=submit+fr%65d"
                b":internal:91354A473744909de610943775f92038"
            ),
            ImapUrl(
                Server("j", b"h", None),
                True,
                "I",
                None,
                3,
                authorization=Authorization(
                    b"imap://j@h/I/;UID=3;EXPIRE=2006-01-01T00:00:60Z;"
                    b"URLAUTH=submit+fr%65d",
                    1136073659,
                    Access.SUBMIT,
                    "fred",
                    b"INTERNAL",
                    b"91354a473744909de610943775f92038",
                ),
            ),
        ),
        *(
            (text, None)
            for text in (
                *(b"/;UID=3", b"INBOX;UID=3", b"/I/;SECTION=1", b"I/;PARTIAL=1"),
                *(b"/I;UIDVALIDITY=0/;UID=1", b"/I/;UID=4294967296", b"/I/;UID=01"),
                *(b"/a b", b"/%zz", b"/%f", b"/%ff", b"/\xc3\xb6", b"/x\n", b"/a\\b"),
                *(b"http://h/x", b"imap:x", b"imap:/x", b"//h:99999/x"),
                *(b"/I/;UID=2/;SECTION=", b"/I/;UID=2/;SECTION=1..2", b"//h;UID=3"),
                *(b"/I/;UID=2/;SECTION=MIME", b"/I/;UID=2/;SECTION=1%00"),
                *(b"/I/;UID=2;URLAUTH=user+", b"/I/;UID=2;URLAUTH=authuserx"),
                *(b"/I;URLAUTH=authuser", b";UID=2;URLAUTH=authuser"),
                *(b"/I/;UID=1/;UID=2", b"/I/;UID=1/;PARTIAL=1/;SECTION=1"),
                *(b"/I/;UID=2?x", b"/I?", b"/I/;UID=2/", b"/I/;UID=2/;PARTIAL=1.0"),
                b"/I/;UID=2/;PARTIAL=9223372036854775808",
                b"/I/;UID=2;EXPIRE=2020-13-01T00:00:00Z;URLAUTH=authuser",
                b"/I/;UID=2;EXPIRE=2020-01-01T00:00:00;URLAUTH=authuser",
                b"/I/;UID=2;EXPIRE=2020-01-01T00:00:00Z",
                b"/I/;UID=2;URLAUTH=authuser:internal:12",
                b"/I/;UID=2;URLAUTH=authuser:internal:" + b"x" * 32,
                b"/" + b"x" * MAX_URL,
            )
        ),
    ],
)
def test_examples(text, url) -> None:
    """The RFCs' own examples are read; what they have no rule for is refused."""
    try:
        read = parse_url(text)
    except BadSyntax:
        read = None
    assert read == url
