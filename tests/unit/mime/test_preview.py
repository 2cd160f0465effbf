"""A preview is the first words of a message. RFC 8970."""

import pytest
from hypothesis import given

from imapbox.mime.preview import strip_tags
from tests.support.messages import ANY_MESSAGES, card_of, crlf


def preview(message: str) -> str:
    return card_of(crlf(message)).preview


def test_plain_text() -> None:
    """It is one line of at most 200 characters."""
    text = "Dear all,\n\nthis is  the text.\n" + "and more " * 100
    found = preview("\n" + text)
    assert found.startswith("Dear all, this is the text. and more and")
    assert 190 < len(found) <= 200


def test_quotes_come_last() -> None:
    """Quoted lines are left out, unless there is nothing else."""
    assert preview("\n> what?\n> when?\n\nToday.\n") == "Today."
    assert preview("\n> what?\n>> when?\n") == "what? when?"


def test_plain_before_html() -> None:
    """The first text/plain with words in it, or else the first text/html."""
    message = """\
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<html><head><title>no</title><style>p {}</style></head>
<body><p>H=E9llo<br>w&ouml;rld<p>&lt;3</body></html>
--a
Content-Type: text/plain

%s
--a--
"""
    assert preview(message % "plain") == "plain"
    assert preview(message % " ") == "Héllo wörld <3"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n",
        "Content-Type: image/png\n\nPNG",
        "Content-Type: text/plain\nContent-Transfer-Encoding: x-odd\n\nodd",
        "Content-Type: text/x-script\n\nno text for people",
    ],
)
def test_nothing_to_show(message: str) -> None:
    """A message without text has an empty preview."""
    assert preview(message) == ""


@given(ANY_MESSAGES)
def test_any_message_has_one(message: bytes) -> None:
    """A preview is one line of printable characters."""
    found = card_of(message).preview
    assert len(found) <= 200
    assert found.isprintable()
    assert found == found.strip()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<b>c</b>d", "acd"),
        ("a<br>b", "a b"),
        ("a<script>if (a<b) {}</script>b", "ab"),
        ("a<!-- x -->b", "ab"),
        ("a < b", "a "),
        ("a&amp;b&#x41;", "a&bA"),
        ("<a", ""),
    ],
)
def test_tags(html: str, text: str) -> None:
    """Tags, and what nobody is shown, are no words."""
    assert strip_tags(html) == text
