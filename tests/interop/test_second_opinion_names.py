"""The same mailboxes, the same questions: LIST, LSUB, STATUS, of imapbox and Dovecot.

What they say is compared as values: who is told of, and how. Where they differ, a
row of the table in docs/reference/differences.md says so and why, or a test fails.
"""

import contextlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from benchmarks.load.imap import ImapClient, Refused
from benchmarks.servers import dovecot, imapbox, short_directory
from tests.support.checked_clients import CheckedClient

PAGE = Path(__file__).parents[2] / "docs/reference/differences.md"
PASSWORDS = {"alice": "wonderland"}
LEVELS: Final = (b"a", b"b2", b"c2", b"inside", b"&APY-l", b'"two words"')
ASKED: Final = 60  # questions of one kind, for each tree
_VERBS: Final = (b"SUBSCRIBE", b"DELETE")
_LISTED = re.compile(
    rb'\* (?P<kind>LIST|LSUB) \((?P<words>[^)]*)\) "/" (?P<name>"[^"]*"|[^ ]+)'
    rb'(?: \("?CHILDINFO"? \((?P<info>[^)]*)\)\))?\r\n'
)
_STATUS = re.compile(rb'\* STATUS (?P<name>"[^"]*"|[^ ]+) \((?P<values>[^)]*)\)\r\n')
_ROW = re.compile(r"^\| ([^|`]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
Said = dict[bytes, frozenset[bytes]]


class Question(NamedTuple):
    """A command, and what of it says how it is answered."""

    text: bytes
    is_extended: bool
    asks_children: bool


@pytest.fixture(scope="module")
def both(
    require_program: Callable[[str], str], require_root: Callable[[], None]
) -> Iterator[tuple[ImapClient, ImapClient]]:
    require_root()
    require_program("dovecot")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        ours = stack.enter_context(imapbox(directory / "imapbox", PASSWORDS))
        theirs = stack.enter_context(dovecot(directory / "dovecot", PASSWORDS))
        clients = CheckedClient(ours.imap), ImapClient(theirs.imap)
        for client in clients:
            client.login("alice", PASSWORDS["alice"])
        yield clients
        for client in clients:
            client.logout()


def answer(client: ImapClient, command: bytes) -> list[bytes] | None:
    """What is said; None for NO or BAD."""
    try:
        return client.command(command)
    except Refused:
        return None


def clear(client: ImapClient) -> None:
    """Leave INBOX alone, with no mail, and nothing subscribed."""
    for kind, verb in ((b"LSUB", b"UNSUBSCRIBE"), (b"LIST", b"DELETE")):
        names = [_LISTED.fullmatch(each) for each in client.command(kind + b' "" *')]
        # The deepest first: what is below is deleted before what it is below of.
        for name in sorted((each["name"] for each in names if each), reverse=True):
            if verb == b"UNSUBSCRIBE" or name != b"INBOX":
                answer(client, b"%b %b" % (verb, name))
    client.command(b"SELECT INBOX")
    answer(client, b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
    client.command(b"CLOSE")


def name_of(chance: random.Random) -> bytes:
    depth = chance.choice((1, 1, 2, 2, 3))
    words = [chance.choice(LEVELS).strip(b'"') for _ in range(depth)]
    return b'"%b"' % b"/".join(words)


def grow(clients: tuple[ImapClient, ImapClient], chance: random.Random) -> list[bytes]:
    """Make the same mailboxes in both, with mail, some of them subscribed."""
    names = [name_of(chance) for _ in range(8)]
    gone = [name_of(chance) for _ in range(2)]
    # Dovecot subscribes nobody to what isn't there; but what was there stays.
    commands = [b"CREATE %b" % name for name in (*names, *gone)]
    commands += [b"SUBSCRIBE %b" % name for name in names if chance.random() < 0.5]
    commands += [b"%b %b" % (verb, name) for name in gone for verb in _VERBS]
    commands += [b"CREATE %b" % name for name in names]
    for name in chance.choices(names, k=6):
        flags = chance.choice((b"", b"\\Seen", b"\\Deleted \\Seen", b"\\Flagged"))
        commands.append(b"APPEND %b (%b) {6+}\r\na: b\r\n" % (name, flags))
    for command in commands:
        for client in clients:
            answer(client, command)
    return names


def question(chance: random.Random) -> Question:
    """A LIST or LSUB at random."""
    patterns = (
        b"*",
        b"%",
        b"%/%",
        b"a*",
        b"*2",
        b"%2",
        b"INBOX",
        b"b2/%",
        b"*/a",
        b"x",
    )
    reference = chance.choice((b'""', b'""', b'""', b'"a/"', b'"b2/"'))
    if chance.random() < 0.2:
        text = b"LSUB %b %b" % (reference, chance.choice(patterns))
        return Question(text, is_extended=False, asks_children=False)
    selecting = chance.choice(
        (b"", b"", b"() ", b"(SUBSCRIBED) ", b"(SUBSCRIBED REMOTE) ", b"(REMOTE) ")
        + (b"(SUBSCRIBED RECURSIVEMATCH) ",) * 3
        + (b"(RECURSIVEMATCH) ", b"(REMOTE RECURSIVEMATCH) ", b"(NO-SUCH) ")
    )
    several = chance.random() < 0.3
    pattern = (
        b"(%b %b)" % (chance.choice(patterns), chance.choice(patterns))
        if several
        else chance.choice(patterns)
    )
    returning = chance.choice(
        (
            *(b"", b"", b" RETURN ()", b" RETURN (CHILDREN)", b" RETURN (SUBSCRIBED)"),
            b" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT) CHILDREN)",
        )
    )
    text = b"LIST %b%b %b%b" % (selecting, reference, pattern, returning)
    extended = bool(selecting or several or returning)
    return Question(text, extended, not extended or b"CHILDREN" in returning)


def said_by(lines: list[bytes]) -> tuple[Said, Said]:
    """What is said of each name by LIST or LSUB, and by STATUS."""
    listed: Said = {}
    counted: Said = {}
    for line in lines:
        if found := _LISTED.fullmatch(line):
            words = found["words"].split()
            if found["info"] is not None:
                words += [b"below: " + found["info"]]
            assert found["name"].strip(b'"') not in listed
            listed[found["name"].strip(b'"')] = frozenset(words)
        elif found := _STATUS.fullmatch(line):
            values = found["values"].split()
            pairs = zip(values[::2], values[1::2], strict=True)
            counted[found["name"].strip(b'"')] = frozenset(map(b" ".join, pairs))
    return listed, counted


Level = Callable[[Question, Said, Said], tuple[Said, Said]]


def without(*words: bytes) -> Level:
    def level(_: Question, ours: Said, theirs: Said) -> tuple[Said, Said]:
        def left(said: Said) -> Said:
            return {name: each - set(words) for name, each in said.items()}

        return left(ours), left(theirs)

    return level


def children_unasked(asked: Question, ours: Said, theirs: Said) -> tuple[Said, Said]:
    if asked.asks_children:
        return ours, theirs
    return without(b"\\HasChildren", b"\\HasNoChildren")(asked, ours, theirs)


def levels_unasked(asked: Question, ours: Said, theirs: Said) -> tuple[Said, Said]:
    """Leave out levels that Dovecot shows and we don't."""
    none = {b"\\Noselect", b"\\NonExistent"}
    wanted = b"(SUBSCRIBED" in asked.text.partition(b"RETURN")[0]
    return ours, {
        name: words
        for name, words in theirs.items()
        if name in ours or not words & none or (wanted and b"\\Subscribed" in words)
    }


def nonexistent_levels(asked: Question, ours: Said, theirs: Said) -> tuple[Said, Said]:
    none = {b"\\Noselect", b"\\NonExistent"}
    left_out = {b"\\NonExistent", b"\\HasChildren", b"\\HasNoChildren"}

    def named_alike(said: Said) -> Said:
        return {
            name: words - left_out | {b"\\Noselect"} if words & none else words
            for name, words in said.items()
        }

    if not asked.is_extended:
        return ours, theirs
    return named_alike(ours), named_alike(theirs)


def nearest_parents(_: Question, ours: Said, theirs: Said) -> tuple[Said, Said]:
    """Leave out whom we show for the sake of what is below another one shown."""

    def shown_below(name: bytes) -> bool:
        return any(other.startswith(name + b"/") for other in theirs)

    return {
        name: words
        for name, words in ours.items()
        if name in theirs or b"\\Subscribed" in words or not shown_below(name)
    }, theirs


ROWS: Final[Mapping[str, Level]] = {
    "Marked mailboxes": without(b"\\Marked", b"\\UnMarked"),
    "Children that nobody asked for": children_unasked,
    "Levels that are no mailboxes": levels_unasked,
    "What levels are called": nonexistent_levels,
    "For whose sake parents are shown": nearest_parents,
}


def test_names(
    both: tuple[ImapClient, ImapClient],
    seed: int,
    effort: int,
    tell: Callable[[object], None],
) -> None:
    """LIST with all its options, and LSUB, tell of the same names the same."""
    chance = random.Random(seed if effort > 1 else 0)
    used: Counter[str] = Counter()
    wrong: list[str] = []
    names = 0
    for _ in range(3 * effort):
        for client in both:
            clear(client)
        grow(both, chance)
        for _ in range(ASKED):
            asked = question(chance)
            one, two = (answer(client, asked.text) for client in both)
            if one is None or two is None:
                if one is not two:
                    wrong.append(f"{asked.text!r}: {one} and not {two}")
                continue
            (ours, counts), (theirs, their_counts) = said_by(one), said_by(two)
            names += len(theirs)
            if counts != their_counts:
                wrong.append(f"{asked.text!r}: {counts} and not {their_counts}")
            for row, level in ROWS.items():
                if ours == theirs:
                    break
                before = ours, theirs
                ours, theirs = level(asked, ours, theirs)
                used[row] += (ours, theirs) != before
            if ours != theirs:
                wrong.append(f"{asked.text!r}: {ours} and not {theirs}")
    tell(f"{names} names; allowed: {dict(used)}")
    assert wrong == [], "\n".join(wrong)
    assert set(used) == set(ROWS)


def test_counts(both: tuple[ImapClient, ImapClient], seed: int, effort: int) -> None:
    """STATUS counts the same, after any changes of flags and expunges."""
    chance = random.Random(seed if effort > 1 else 0)
    for client in both:
        clear(client)
    names = grow(both, chance)
    items = b"MESSAGES UNSEEN UIDNEXT SIZE RECENT"
    for _ in range(20 * effort):
        name = chance.choice(names)
        commands = (
            b"APPEND %b (%b) {8+}\r\na: b\r\n\r\n"
            % (name, chance.choice((b"", b"\\Seen", b"\\Deleted"))),
            b"STORE 1 %bFLAGS (\\Seen)" % chance.choice((b"+", b"-")),
            b"STORE * +FLAGS (\\Deleted)",
            b"EXPUNGE",
        )
        said = []
        for client in both:
            client.command(b"SELECT %b" % name)
            for command in commands:
                answer(client, command)
            client.command(b"UNSELECT")
            lines = client.command(b"STATUS %b (%b)" % (name, items))
            said.append(said_by(lines)[1])
        assert said[0] == said[1]


def test_the_page_lists_the_rows() -> None:
    """Each row that allows a difference of names stands on the page, and no other."""
    section = PAGE.read_text().partition("## Names of mailboxes")[2]
    assert [each.strip() for each in _ROW.findall(section)][1:] == list(ROWS)
