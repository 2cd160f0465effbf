"""SEARCH as somebody would write it in an afternoon, with the standard library.

One message at a time, all of it in memory, every key looked at. Messages are
those that `MESSAGES` makes: good MIME, which the standard library reads well.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import format_datetime, parsedate_to_datetime

from hypothesis import strategies as st

from imapbox.model.criteria import (
    And,
    Arrived,
    BodyHas,
    Criterion,
    FieldHas,
    HasFlag,
    HasKeyword,
    HasSeq,
    HasUid,
    IsRecent,
    Larger,
    Not,
    Or,
    Sent,
    Smaller,
    TextHas,
    When,
)
from imapbox.model.flags import FLAG_NAMES
from imapbox.model.message import InternalDate
from imapbox.model.sequence_set import SequenceSet
from tests.support.criteria import SETS, trees

WORDS = ["Ana", "straße", "STRASSE", "naïve", "ﬁne", "学", "a=b", "x", "İ", "ß"]
KEYWORDS = ["Junk", "$Forwarded"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
DAYS = st.dates(date(2026, 1, 30), date(2026, 2, 3))
CHARSETS = ("utf-8", "utf-16", "gb18030")


@st.composite
def messages(draw: st.DrawFn, *, depth: int = 0) -> EmailMessage:
    """A message that programs of good manners would send."""
    message = EmailMessage(policy=policy.SMTP)
    if draw(st.booleans()):
        message["Subject"] = draw(TEXTS)
    if draw(st.booleans()):
        message["From"] = f"{draw(st.sampled_from(WORDS[:4]))} <ana@example.org>"
    if draw(st.booleans()):
        message["X-Mine"] = draw(TEXTS)
    if draw(st.booleans()):
        zone = timezone(timedelta(hours=draw(st.integers(-11, 11))))
        clock = datetime.combine(draw(DAYS), datetime.min.time(), zone)
        message["Date"] = format_datetime(clock + timedelta(hours=13))
    encoding = draw(st.sampled_from(["base64", "quoted-printable"]))
    charset = draw(st.sampled_from(CHARSETS))
    message.set_content(draw(TEXTS), charset=charset, cte=encoding)
    if draw(st.booleans()):
        text = draw(TEXTS)
        message.add_alternative(f"<b>{text}</b>", subtype="html", cte=encoding)
    if draw(st.booleans()):
        message.add_attachment(
            draw(TEXTS).encode(), maintype="application", subtype="x", filename="a.bin"
        )
    if depth < 2 and draw(st.booleans()):
        message.add_attachment(draw(messages(depth=depth + 1)))
    for number, part in enumerate(message.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            part.set_boundary(f"=_{depth}_{number}")  # or it would be by chance
    return message


@dataclass(frozen=True)
class Mail:
    """A message in a mailbox."""

    octets: bytes
    flags: frozenset[str]
    arrived: InternalDate


FLAGS = st.sets(st.sampled_from([*FLAG_NAMES.values(), *KEYWORDS]))
MAILS = st.builds(
    Mail,
    messages().map(bytes),
    FLAGS.map(frozenset),
    st.builds(
        InternalDate,
        st.integers(1_769_700_000, 1_770_100_000),
        st.integers(-1439, 1439),
    ),
)
CRITERIA = trees(
    st.one_of(
        st.builds(HasSeq, SETS),
        st.builds(HasUid, SETS),
        st.builds(HasFlag, st.sampled_from(sorted(FLAG_NAMES))),
        st.builds(HasKeyword, st.sampled_from(["junk", *KEYWORDS, "none"])),
        st.just(IsRecent()),
        st.builds(Larger, st.integers(0, 3000)),
        st.builds(Smaller, st.integers(0, 3000)),
        st.builds(Arrived, st.sampled_from(When), DAYS),
        st.builds(Sent, st.sampled_from(When), DAYS),
        st.builds(
            FieldHas,
            st.sampled_from(["Subject", "from", "X-Mine", "Content-Type", "to"]),
            st.sampled_from(["", *WORDS, "ana@", "text/"]) | TEXTS,
        ),
        st.builds(BodyHas, st.sampled_from(["", *WORDS, "<b>", "a.bin"]) | TEXTS),
        st.builds(
            TextHas, st.sampled_from(["", *WORDS, "<b>", "a.bin", "x-mine: "]) | TEXTS
        ),
    )
)


def folded(text: str) -> str:
    text = unicodedata.normalize("NFD", text).casefold()
    text = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKD", text)


def line(text: str) -> str:
    return re.sub(r"\s+", " ", folded(text))


def header_values(message: Message, name: str) -> list[str]:
    return [
        line(str(make_header(decode_header(str(value)))))
        for key, value in message.items()
        if key.lower() == name.lower()
    ]


def header_texts(message: Message) -> Iterator[str]:
    """The fields of a message and of everything in it."""
    for part in message.walk():
        for name in part.keys():  # noqa: SIM118 - no mapping; names come twice
            for value in header_values(part, name):
                yield line(name) + ": " + value


def body_texts(message: Message) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_maintype() == "text":
            octets = part.get_payload(decode=True)
            assert isinstance(octets, bytes)
            yield folded(octets.decode(part.get_content_charset("ascii")))


def named(numbers: SequenceSet, number: int, largest: int) -> bool:
    resolved = [
        [largest if end is None else end for end in ends] for ends in numbers.ranges
    ]
    return any(min(ends) <= number <= max(ends) for ends in resolved)


def compare(when: When, day: date, other: date) -> bool:
    return {
        When.BEFORE: other < day,
        When.ON: other == day,
        When.SINCE: other >= day,
    }[when]


def naive_search(mails: list[Mail], criterion: Criterion) -> list[int]:
    """The sequence numbers of the messages that are so; UIDs are the same."""
    return [
        seq
        for seq, mail in enumerate(mails, start=1)
        if matches(criterion, seq, mail, len(mails))
    ]


def matches(  # noqa: C901, PLR0911, PLR0912 - a table
    criterion: Criterion, seq: int, mail: Mail, exists: int
) -> bool:
    message = message_from_bytes(mail.octets)
    flags = {flag.lower() for flag in mail.flags}
    match criterion:
        case And(parts):
            return all(matches(each, seq, mail, exists) for each in parts)
        case Or(parts):
            return any(matches(each, seq, mail, exists) for each in parts)
        case Not(part):
            return not matches(part, seq, mail, exists)
        case HasSeq(numbers) | HasUid(numbers):
            return named(numbers, seq, exists)
        case HasFlag(flag):
            return FLAG_NAMES[flag].lower() in flags
        case HasKeyword(keyword):
            return keyword.lower() in flags
        case IsRecent():
            return True
        case Larger(octets):
            return len(mail.octets) > octets
        case Smaller(octets):
            return len(mail.octets) < octets
        case Arrived(when, day):
            return compare(when, day, mail.arrived.local().date())
        case Sent(when, day):
            sent = message["Date"]
            return bool(sent) and compare(when, day, parsedate_to_datetime(sent).date())
        case FieldHas(name, text):
            return any(line(text) in value for value in header_values(message, name))
        case BodyHas(text):
            return not text or any(folded(text) in each for each in body_texts(message))
        case TextHas(text):
            return (
                not text
                or any(folded(text) in each for each in body_texts(message))
                or any(line(text) in each for each in header_texts(message))
            )
    raise TypeError(criterion)
