"""What two servers say of the same mail, taken apart until it can be compared."""

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.load.connection import ConnectionEnded
from benchmarks.load.imap import ImapClient, Refused
from tests.corpus.corpus import Mail
from tests.support.imap_values import Value, read_fetch

WHOLE: Final = (
    "ENVELOPE",
    "BODY",
    "BODYSTRUCTURE",
    "RFC822.SIZE",
    "BODY[HEADER]",
    "BODY[TEXT]",
    "BODY[HEADER.FIELDS (SUBJECT FROM X-NONE)]",
    "BODY[HEADER.FIELDS.NOT (SUBJECT FROM CONTENT-TYPE)]",
)
FLAGS: Final = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Kept")
_ENVELOPE: Final = (
    *("date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc"),
    *("in-reply-to", "message-id"),
)
_MOST_PARTS: Final = 40
# Parts that few mails have.
_NOWHERE: Final = ("BODY[9]", "BODY[1.9]", "BODY[1.1.1.1]")
# What a server says that hangs up, and one that says it differently at once.
ENDED: Final = b"(the end)"
CONTRADICTED: Final = b"(not what it sends)"
Facts = dict[str, Value | str]


@dataclass(frozen=True)
class Difference:
    """A fact on which two servers disagree.

    Attributes:
        about: What was asked: an item of FETCH, a key of SEARCH.
        fact: Which part of the answer: "from", "1.2 params".
    """

    mail: Mail
    about: str
    fact: str
    ours: object
    theirs: object


@dataclass
class Opinion:
    """What a server says of a mail, by item."""

    items: dict[str, Value] = field(default_factory=dict)


def append(client: ImapClient, mailbox: str, mails: Sequence[Mail]) -> None:
    """Put all mails into a new mailbox, with flags and dates that differ."""
    client.command(f"CREATE {mailbox}".encode())
    for number, mail in enumerate(mails):
        flags = " ".join(each for bit, each in enumerate(FLAGS) if number >> bit & 1)
        date = f"{number % 28 + 1:2d}-{['Jan', 'Feb', 'Mar'][number % 3]}-2024"
        zone = ("+0000", "-0800", "+0530")[number % 3]
        # The same day in UTC, which is the day that Dovecot takes for it.
        when = f'"{date} 12:30:00 {zone}"'
        line = f"APPEND {mailbox} ({flags}) {when} {{{len(mail.octets)}+}}\r\n"
        client.command(line.encode() + mail.octets)


def opinions(client: ImapClient, items: Sequence[str]) -> dict[int, Opinion]:
    """Ask for the same items of all messages of the selected mailbox."""
    asked = " ".join(map(_peeking, items))
    answer = client.command(f"FETCH 1:* ({asked})".encode())
    found: dict[int, Opinion] = {}
    for response in answer:
        if read := read_fetch(response):
            seq, values = read
            found.setdefault(seq, Opinion()).items.update(values)
    return found


def opinion(client: ImapClient, seq: int, items: Sequence[str]) -> Opinion:
    """Ask for items of one message; an answer of NO or BAD is its own value."""
    asked = " ".join(map(_peeking, items))
    try:
        answer = client.command(f"FETCH {seq} ({asked})".encode())
    except Refused as refused:
        said = bytes(refused.args[0]).split(b" ")[1]
        return Opinion({_label(item): said for item in items})
    found = Opinion()
    for response in answer:
        if read := read_fetch(response):
            found.items.update(read[1])
    return found


def opinion_by_one(client: ImapClient, seq: int, items: Sequence[str]) -> Opinion:
    """Ask for items of one message; where one of them is refused, one by one.

    If the server hangs up, that is its answer. A size that is not the one of what
    it sends is no size.
    """
    found = Opinion()
    try:
        found = opinion(client, seq, items)
        if b"NO" in found.items.values():
            found = Opinion()
            for item in items:
                found.items.update(opinion(client, seq, [item]).items)
    except ConnectionEnded:
        return Opinion({_label(item): ENDED for item in items})
    for item, value in found.items.items():
        sent = found.items.get(item.replace("BINARY.SIZE", "BINARY"))
        if not item.startswith("BINARY.SIZE") or not isinstance(sent, bytes):
            continue
        if sent != b"NO" and value not in {b"NO", str(len(sent))}:
            found.items[item] = CONTRADICTED
    return found


def _label(item: str) -> str:
    """Return how an item is named in the answer: without the length of a piece."""
    return re.sub(r"\.[0-9]+>$", ">", item)


def _peeking(item: str) -> str:
    return re.sub(r"^(BODY|BINARY)\[", r"\1.PEEK[", item)


def facts_of(item: str, value: Value) -> Facts:
    """Take an item apart: "from" of an ENVELOPE, "1.2 params" of a BODY."""
    if item == "ENVELOPE":
        return dict(_envelope("", value))
    if item in {"BODY", "BODYSTRUCTURE"}:
        return dict(_structure("", value))
    return {"": value}


def _envelope(prefix: str, value: Value) -> Iterator[tuple[str, Value]]:
    assert isinstance(value, list)
    for name, part in zip(_ENVELOPE, value, strict=True):
        yield f"{prefix}{name}", part


def _upper(value: Value) -> Value:
    return value.upper() if isinstance(value, bytes) else value


def _parameters(value: Value) -> Value:
    """Make the names of parameters upper case, as they are case-insensitive."""
    if not isinstance(value, list):
        return value
    pairs = zip(value[::2], value[1::2], strict=True)
    return [each for name, content in pairs for each in (_upper(name), content)]


def _disposition(value: Value) -> Value:
    if isinstance(value, list):
        return [_upper(value[0]), _parameters(value[1])]
    return value


_LEVEL: Final[Mapping[str, Callable[[Value], Value]]] = {
    "type": _upper,
    "subtype": _upper,
    "encoding": _upper,
    "params": _parameters,
    "disposition": _disposition,
}


def _structure(path: str, value: Value) -> Iterator[tuple[str, Value | str]]:
    """Yield the facts of a body and of those in it, by part number."""
    assert isinstance(value, list)
    children = [each for each in value if isinstance(each, list)]
    if value and isinstance(value[0], list):
        count = next(n for n, each in enumerate(value) if not isinstance(each, list))
        for number, child in enumerate(children[:count], start=1):
            yield from _structure(f"{path}.{number}".lstrip("."), child)
        names = ("subtype", "params", "disposition", "language", "location")
        rest = value[count:]
        yield f"{path} type", "multipart"
        yield f"{path} parts", str(count)
    else:
        names = ("type", "subtype", "params", "id", "description", "encoding", "octets")
        kind = _upper(value[0]), _upper(value[1])
        # To some servers message/global is a part like any other.
        is_global = kind == (b"MESSAGE", b"GLOBAL") and len(value) > len(names)
        if kind == (b"MESSAGE", b"RFC822") or (
            is_global and isinstance(value[len(names)], list)
        ):
            names += ("envelope", "body", "lines")
        elif kind[0] == b"TEXT":
            names += ("lines",)
        names += ("md5", "disposition", "language", "location")
        rest = value
    for name, each in zip(names, rest, strict=False):
        here = f"{path} {name}"
        if name == "envelope":
            yield from _envelope(f"{here} ", each)
        elif name == "body":
            yield from _structure(_inside(path, each), each)
        else:
            yield here, _LEVEL.get(name, lambda value: value)(each)


def _inside(path: str, body: Value) -> str:
    """The number of a message's body: its own if that is a multipart's."""
    assert isinstance(body, list)
    return path or "1" if isinstance(body[0], list) else f"{path or '1'}.1"


def sections_of(mail: Mail, structure: Value) -> list[str]:
    """Return items that ask for each part of a message, and for some that aren't."""
    chance = random.Random(mail.name)
    items = []
    types = {
        fact.rpartition(" ")[0]: value
        for fact, value in facts_of("BODYSTRUCTURE", structure).items()
        if fact.endswith(" subtype")
    }
    paths = [path or "1" for path in types]
    for path in sorted(set(paths))[:_MOST_PARTS]:
        items += [f"BODY[{path}]", f"BODY[{path}.MIME]"]
        if types.get(path) == b"RFC822":
            items += [f"BODY[{path}.HEADER]", f"BODY[{path}.TEXT]"]
            items += [f"BODY[{path}.HEADER.FIELDS (SUBJECT TO)]"]
        if not mail.has_bare_breaks:
            part = f"<{chance.randrange(40)}.{chance.randrange(1, 80)}>"
            items += [f"BODY[{path}]{part}"]
    if mail.has_bare_breaks:
        # Dovecot counts each as two octets, so that its places are others.
        return [*items, "BODY[]", *_NOWHERE]
    size = len(mail.octets)
    sections = ["", "TEXT", "HEADER"]
    if mail.has_empty_line:
        sections.append("HEADER.FIELDS (FROM TO)")
    for section in sections:
        begin = chance.choice((0, 1, chance.randrange(size + 2), size, size + 1))
        items += [f"BODY[{section}]<{begin}.{chance.choice((1, 10, size, 2**31))}>"]
    return [*items, *_NOWHERE]


def decoded_of(mail: Mail, structure: Value) -> list[str]:
    """Return items that ask for parts of a message with their encoding undone.

    For those that hold no others: in what holds some Dovecot decodes these, and
    writes their headers anew. Also for messages that are encoded, though none may
    be: then their octets are as they are.
    """
    chance = random.Random(f"decoded {mail.name}")
    facts = facts_of("BODYSTRUCTURE", structure)
    leaves = {
        fact.removesuffix(" encoding") or "1"
        for fact, encoding in facts.items()
        if fact.endswith(" encoding")
        and (
            fact.replace(" encoding", " envelope date") not in facts
            or encoding not in {b"7BIT", b"8BIT", b"BINARY"}
        )
    }
    items = []
    for path in sorted(leaves)[:_MOST_PARTS]:
        items += [f"BINARY[{path}]", f"BINARY.SIZE[{path}]"]
        if not mail.has_bare_breaks:
            piece = f"<{chance.randrange(40)}.{chance.randrange(1, 80)}>"
            items += [f"BINARY[{path}]{piece}"]
    return [*items, "BINARY[9]", "BINARY.SIZE[9]"]


def differences(
    mail: Mail, ours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> Iterator[Difference]:
    """Yield each fact that the two say differently, or that one doesn't say."""
    for item in {**ours, **theirs}:
        if item not in ours or item not in theirs:
            yield Difference(mail, item, "said", item in ours, item in theirs)
            continue
        mine, others = facts_of(item, ours[item]), facts_of(item, theirs[item])
        for fact in {**mine, **others}:
            a, b = mine.get(fact, "(absent)"), others.get(fact, "(absent)")
            if a != b:
                yield Difference(mail, item, fact, a, b)


def search(client: ImapClient, question: bytes) -> set[int] | bytes:
    """Return the sequence numbers that are found, or what was said instead of OK."""
    try:
        answer = client.command(b"SEARCH " + question)
    except Refused as refused:
        return bytes(refused.args[0]).split(b" ")[1]
    found = [line for line in answer if line.startswith(b"* SEARCH")]
    assert len(found) <= 1
    return {int(number) for line in found for number in line.split()[2:]}


def response(client: ImapClient, command: str, kind: bytes) -> bytes:
    """Return what is behind ``* KIND``, of the one such response to a command."""
    start = b"* %b" % kind
    answer = client.command(command.encode())
    (found,) = [line for line in answer if line.startswith(start)]
    return bytes(found).removeprefix(start).strip()


def sort(client: ImapClient, question: str) -> list[int]:
    """Return the sequence numbers of what is found, in order."""
    return [int(number) for number in response(client, question, b"SORT").split()]


def esearch(client: ImapClient, question: str) -> dict[bytes, bytes]:
    """Return what ESEARCH tells, by name; what has no value is b""."""
    told = response(client, question, b"ESEARCH")
    items = re.findall(rb" ([A-Z]+)(?: (\([^)]*\)|[^ A-Z]+))?", b" " + told)
    return {name: value for name, value in items if name != b"TAG"}


def misplaced(ours: Sequence[int], theirs: Sequence[int]) -> list[int]:
    """Return those without which both are in one order: as few as possible."""
    place = {number: at for at, number in enumerate(theirs)}
    # The longest run of ours that ascends in theirs.
    ends: list[int] = []
    before: dict[int, int | None] = {}
    best: list[int] = []
    for number in ours:
        at = bisect_left(ends, place[number])
        before[number] = best[at - 1] if at else None
        ends[at : at + 1] = [place[number]]
        best[at : at + 1] = [number]
    kept = set()
    number_or_none = best[-1] if best else None
    while number_or_none is not None:
        kept.add(number_or_none)
        number_or_none = before[number_or_none]
    return [number for number in ours if number not in kept]
