"""Questions for SEARCH: every key, with words taken from the messages themselves."""

import email
import email.header
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from tests.corpus.corpus import Mail

_FLAGS: Final = (
    *("ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "NEW", "OLD", "RECENT", "SEEN"),
    *("UNANSWERED", "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNSEEN"),
    *("KEYWORD $Kept", "UNKEYWORD $kept", "KEYWORD $None", "UNKEYWORD $None"),
)
_ADDRESSED: Final = ("FROM", "TO", "CC", "BCC")
_NAMES: Final = ("Message-ID", "Content-Type", "X-Spam", "Received", "reply-to")
_WORD: Final = re.compile(r"[^\W_]{3,}")
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_LITTLE: Final = 20_000  # octets; larger mails are not searched for words


@dataclass(frozen=True)
class Question:
    """The argument of a SEARCH, with its literals inside."""

    text: bytes

    @property
    def key(self) -> str:
        """It without a charset and without the sizes of literals, on one line."""
        text = re.sub(rb"\{[0-9]+\+\}\r\n", b"", self.text)
        return text.removeprefix(b"CHARSET UTF-8 ").decode("utf-8")


def questions(mails: Sequence[Mail], seed: int, count: int) -> Iterator[Question]:
    """Yield all kinds of questions; those after words for ``count`` of the mails."""
    chance = random.Random(seed)
    plain = [*_plain(mails, chance)]
    yield from map(_question, plain)
    for _ in range(count):
        yield _question(_combined([*_FLAGS, *_sets(mails, chance)], chance))
    little = [mail for mail in mails if len(mail.octets) < _LITTLE]
    for mail in chance.sample(little, min(count, len(little))):
        yield from _words_of(mail, chance)


def _question(text: str) -> Question:
    return Question(text.encode())


def _plain(mails: Sequence[Mail], chance: random.Random) -> Iterator[str]:
    yield from _FLAGS
    yield from _sets(mails, chance)
    for _ in range(10):
        size = len(chance.choice(mails).octets)
        yield f"LARGER {size}"
        yield f"SMALLER {size}"
    for day in (1, 2, 3, 14, 28):
        for key in ("BEFORE", "ON", "SINCE"):
            yield f"{key} {day}-Feb-2024"
        ago = datetime.now(UTC) - datetime(2024, 2, day, tzinfo=UTC)
        yield f"OLDER {ago // timedelta(seconds=1)}"
        yield f"YOUNGER {ago // timedelta(seconds=1)}"
    for mail in chance.sample(mails, 40):
        if date := _sent(mail):
            for key in ("SENTBEFORE", "SENTON", "SENTSINCE"):
                yield f"{key} {date}"


def _sets(mails: Sequence[Mail], chance: random.Random) -> Iterator[str]:
    for _ in range(10):
        low, high = (chance.randrange(1, len(mails) + 1) for _ in range(2))
        yield f"{low}:{high},{high // 2 + 1}"
        yield f"UID {high}:*,{low}"


def _sent(mail: Mail) -> str | None:
    header = email.message_from_bytes(mail.octets)["Date"]
    try:
        sent = parsedate_to_datetime(str(header))
        day = (sent.replace(tzinfo=timezone.utc)).date()  # noqa: UP017 - 3.11 has no more
    except (ValueError, TypeError, IndexError):
        return None
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}"


def _combined(simple: Sequence[str], chance: random.Random) -> str:
    a, b, c = (chance.choice(simple) for _ in range(3))
    return chance.choice(
        (f"NOT {a}", f"OR {a} {b}", f"{a} {b}", f"OR (NOT {a} {b}) (OR {b} NOT {c})")
    )


def _words_of(mail: Mail, chance: random.Random) -> Iterator[Question]:
    message = email.message_from_bytes(mail.octets)
    for key in ("SUBJECT", *_ADDRESSED):
        if word := _word(_decoded(message[key]), chance):
            yield _asking(key, word)
    name = chance.choice(_NAMES)
    yield _asking(f"HEADER {name}", _word(str(message[name] or ""), chance))
    if word := _word(_text(message), chance):
        yield _asking("BODY", word)
        yield _asking("TEXT", word)
    yield _asking("TEXT", _word(_decoded(message["Subject"]), chance) or "none")


def _decoded(value: object) -> str:
    try:
        return str(
            email.header.make_header(email.header.decode_header(str(value or "")))
        )
    except (LookupError, ValueError):
        return ""


def _text(message: email.message.Message) -> str:
    for part in message.walk():
        if part.get_content_maintype() == "text":
            octets = part.get_payload(decode=True) or b""
            assert isinstance(octets, bytes)
            return octets.decode("utf-8", "ignore")
    return ""


def _word(text: str, chance: random.Random) -> str:
    """Return a word or a piece of one, with its case changed now and then."""
    words = _WORD.findall(text)
    if not words:
        return ""
    word: str = chance.choice(words)[:40]
    begin = chance.choice((0, 0, 0, min(1, len(word) - 3)))
    word = word[begin : begin + chance.choice((3, 5, 40))]
    return chance.choice((word, word, word.upper(), word.swapcase()))


def _asking(key: str, word: str) -> Question:
    octets = word.encode("utf-8", "ignore")
    literal = b"{%d+}\r\n%b" % (len(octets), octets)
    charset = b"" if octets.isascii() else b"CHARSET UTF-8 "
    return Question(charset + key.encode() + b" " + literal)
