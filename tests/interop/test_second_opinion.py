"""The same mail, the same questions: imapbox and the Dovecot of Debian.

What they say is compared as values. Where it differs, a row of
docs/reference/differences.md allows it, or a test fails.
"""

import contextlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.load.imap import ImapClient
from benchmarks.servers import dovecot, imapbox, short_directory
from tests.corpus.corpus import HOSTILE, Mail, NoCorpus, corpus
from tests.support.allowed_differences import (
    ROWS,
    ROWS_OF_BINARY,
    ROWS_OF_SEARCH,
    ROWS_OF_SORT,
    Asked,
    rows_that_allow,
)
from tests.support.checked_clients import CheckedClient
from tests.support.made_up_threads import append_threads, made_up
from tests.support.missing import give_up
from tests.support.rfcs import rfc
from tests.support.search_questions import questions
from tests.support.second_opinion import (
    ENDED,
    WHOLE,
    Difference,
    Opinion,
    append,
    decoded_of,
    differences,
    esearch,
    facts_of,
    misplaced,
    opinion,
    opinion_by_one,
    opinions,
    response,
    search,
    sections_of,
    sort,
)

PAGE = Path(__file__).parents[2] / "docs/reference/differences.md"
PASSWORDS = {"alice": "wonderland"}
ROW = re.compile(r"\n### ([^\n]+)\n\n(.+?)(?=\n### |\Z)", re.DOTALL)
QUOTE = re.compile(r"> RFC (\d+) §[0-9A-Z.]+: (.+)")


@dataclass
class Both:
    """Two servers that hold the same mail in the same order.

    Attributes:
        again: Connects to Dovecot anew, which hangs up at some questions.
    """

    mails: Sequence[Mail]
    ours: ImapClient
    theirs: ImapClient
    again: Callable[[], ImapClient]

    def decoded(self, seq: int, items: Sequence[str]) -> tuple[Opinion, Opinion]:
        """Return what both say of parts of a mail with their encoding undone."""
        theirs = opinion_by_one(self.theirs, seq, items)
        if ENDED in theirs.items.values():
            self.theirs.close()
            self.theirs = self.again()
        return opinion_by_one(self.ours, seq, items), theirs


@pytest.fixture(scope="module")
def mails() -> Sequence[Mail]:
    # The same for torture: of mail that was made to be misread, what differs is
    # a finding to be listed, and no news is expected of a test.
    try:
        return corpus()
    except NoCorpus as error:
        return give_up(str(error))


@pytest.fixture(scope="module")
def both(
    mails: Sequence[Mail],
    require_program: Callable[[str], str],
    require_root: Callable[[], None],
) -> Iterator[Both]:
    require_root()
    require_program("dovecot")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        servers = (
            stack.enter_context(imapbox(directory / "imapbox", PASSWORDS)),
            stack.enter_context(dovecot(directory / "dovecot", PASSWORDS)),
        )

        def connect() -> ImapClient:
            client = ImapClient(servers[1].imap, patience=120)
            client.login("alice", PASSWORDS["alice"])
            client.select("corpus")
            return client

        ours = CheckedClient(servers[0].imap, patience=120)
        theirs = ImapClient(servers[1].imap, patience=120)
        for client in (ours, theirs):
            client.login("alice", PASSWORDS["alice"])
            append(client, "corpus", mails)
            client.select("corpus")
        servers_with_mail = Both(mails, ours, theirs, connect)
        yield servers_with_mail
        for client in (servers_with_mail.ours, servers_with_mail.theirs):
            client.logout()


def unexplained(
    found: Iterator[Difference], theirs: dict[str, object], used: Counter[str]
) -> list[str]:
    """Return the differences that no row allows, and count the rows of the others."""
    left = []
    for each in found:
        said = facts_of(each.about, theirs[each.about]) if each.about in theirs else {}
        asked = Asked(each.mail, each.about, each.fact, said)
        rows = rows_that_allow(asked, each.ours, each.theirs)
        if rows is None:
            left.append(
                f"{each.mail.name}: {each.about} {each.fact}:"
                f" {each.ours!r:.300} and not {each.theirs!r:.300}"
            )
        else:
            used.update(rows)
    return left


def test_structures_and_sections(both: Both, tell: Callable[[object], None]) -> None:
    """ENVELOPE, BODY, BODYSTRUCTURE, each part, its header, and pieces are the same."""
    ours, theirs = opinions(both.ours, WHOLE), opinions(both.theirs, WHOLE)
    left, items = [], 0
    used: Counter[str] = Counter()
    for seq, mail in enumerate(both.mails, start=1):
        asked = sections_of(mail, theirs[seq].items["BODYSTRUCTURE"])
        for client, said in ((both.ours, ours), (both.theirs, theirs)):
            said[seq].items.update(opinion(client, seq, asked).items)
        items += len(theirs[seq].items)
        found = differences(mail, ours[seq].items, theirs[seq].items)
        left += unexplained(found, theirs[seq].items, used)
    tell(f"{items} items of {len(both.mails)} mails; allowed: {dict(used)}")
    assert left == [], "\n".join(left)
    # What no mail of the corpus needs any more is to be removed from the page.
    others = ROWS_OF_SEARCH | ROWS_OF_SORT | ROWS_OF_BINARY
    assert set(ROWS) - others - set(used) == set()


def test_searches(
    both: Both, seed: int, effort: int, tell: Callable[[object], None]
) -> None:
    """SEARCH finds the same mails, by all keys, with words of the mails themselves."""
    left, count, hits = [], 0, 0
    used: Counter[str] = Counter()
    # The same questions each time, but for torture: what differs is known by then.
    for question in questions(both.mails, seed if effort > 1 else 0, 12 * effort):
        ours, theirs = (
            search(each, question.text) for each in (both.ours, both.theirs)
        )
        count += 1
        if isinstance(ours, bytes) or isinstance(theirs, bytes):
            assert ours == theirs, question
            continue
        hits += len(theirs)
        found = (
            Difference(
                both.mails[seq - 1],
                question.key,
                "found",
                seq in ours,
                seq in theirs,
            )
            for seq in sorted(ours ^ theirs)
        )
        left += unexplained(found, {}, used)
    tell(f"{count} questions found {hits} mails")
    assert left == [], "\n".join(left)
    assert set(used) >= ROWS_OF_SEARCH


@pytest.mark.parametrize("keys", ["ALL", "SEEN", "UNSEEN FLAGGED", "DELETED UNDELETED"])
@pytest.mark.parametrize(
    "returns",
    [
        "",
        "ALL",
        "MIN MAX",
        "COUNT",
        "MIN MAX COUNT ALL",
        "PARTIAL 2:5",
        "COUNT PARTIAL 3:9",
    ],
)
def test_esearch(both: Both, keys: str, returns: str) -> None:
    """ESEARCH tells the same of what SEARCH, UID SEARCH and UID SORT find."""
    for question in (
        f"SEARCH RETURN ({returns}) {keys}",
        f"UID SEARCH RETURN ({returns}) {keys}",
        f"UID SORT RETURN ({returns}) (REVERSE ARRIVAL) UTF-8 {keys}",
    ):
        ours, theirs = (esearch(each, question) for each in (both.ours, both.theirs))
        assert ours == theirs, question


SORT_KEYS = (
    *("ARRIVAL", "SIZE", "DATE", "SUBJECT", "FROM", "TO", "CC"),
    *("DISPLAYFROM", "DISPLAYTO"),
)


def by_others(mails: Sequence[Mail]) -> str:
    """The sequence set of the mails that nobody made to be misread."""
    numbers = enumerate(mails, start=1)
    return ",".join(str(seq) for seq, mail in numbers if mail.source != "hostile")


def sorted_otherwise(
    both: Both, by: str, used: Counter[str]
) -> tuple[list[int], list[str]]:
    """Return which mails are at another place, and those of them that no row allows."""
    question = f"SORT ({by}) UTF-8 {by_others(both.mails)}"
    numbers = misplaced(*(sort(each, question) for each in (both.ours, both.theirs)))
    found = (
        Difference(both.mails[seq - 1], f"SORT ({by})", "place", "here", "elsewhere")
        for seq in numbers
    )
    return numbers, unexplained(found, {}, used)


def test_sorts(both: Both, tell: Callable[[object], None]) -> None:
    """SORT puts mail into the same order, by all keys, upwards and downwards."""
    used: Counter[str] = Counter()
    left = []
    for key in SORT_KEYS:
        for by in (key, f"REVERSE {key}"):
            left += sorted_otherwise(both, by, used)[1]
    for by in ("SIZE DATE", "REVERSE ARRIVAL FROM", "CC TO REVERSE SIZE"):
        left += sorted_otherwise(both, by, used)[1]
    tell(f"allowed: {dict(used)}")
    assert left == [], "\n".join(left)
    assert set(used) >= ROWS_OF_SORT


@pytest.mark.parametrize("algorithm", ["REFERENCES", "ORDEREDSUBJECT"])
def test_threads(both: Both, algorithm: str) -> None:
    """THREAD makes the same threads of mail whose dates and subjects both read."""
    used: Counter[str] = Counter()
    odd = {
        seq for by in ("DATE", "SUBJECT") for seq in sorted_otherwise(both, by, used)[0]
    }
    without = ",".join(map(str, sorted(odd)))
    question = f"THREAD {algorithm} UTF-8 {by_others(both.mails)} NOT {without}"
    ours, theirs = (
        response(each, question, b"THREAD") for each in (both.ours, both.theirs)
    )
    assert ours == theirs
    assert ours.count(b"(") > 100


@pytest.mark.parametrize("loops", [False, True])
def test_threads_that_are_made_up(
    both: Both, seed: int, effort: int, loops: bool
) -> None:
    """THREAD makes the same threads of any references, circles among them."""
    chance = random.Random(seed if effort > 1 else 0)
    for number in range(3 * effort):
        mails = made_up(chance, chance.choice((6, 12, 60)), loops=loops)
        told = []
        for client in (both.ours, both.theirs):
            name = f"threads{loops:d}{number}"
            append_threads(client, name, mails)
            client.select(name)
            told.append(
                [
                    response(client, f"THREAD {algorithm} UTF-8 ALL", b"THREAD")
                    for algorithm in ("REFERENCES", "ORDEREDSUBJECT")
                ]
            )
            client.select("corpus")
        assert told[0] == told[1], mails


def test_parts_without_their_encoding(
    both: Both, tell: Callable[[object], None]
) -> None:
    """BINARY, pieces of it, and BINARY.SIZE of each part that holds none are the same.

    Behind the searches: where Dovecot hangs up, nothing is recent to it any more.
    """
    structures = opinions(both.theirs, ["BODYSTRUCTURE"])
    left, items = [], 0
    used: Counter[str] = Counter()
    for seq, mail in enumerate(both.mails, start=1):
        asked = decoded_of(mail, structures[seq].items["BODYSTRUCTURE"])
        ours, theirs = both.decoded(seq, asked)
        items += len(theirs.items)
        found = differences(mail, ours.items, theirs.items)
        left += unexplained(found, theirs.items, used)
    tell(f"{items} items of {len(both.mails)} mails; allowed: {dict(used)}")
    assert left == [], "\n".join(left)
    assert set(used) >= ROWS_OF_BINARY


def first_words(preview: object) -> str:
    """Bring a preview to what two servers may be expected to agree on: its ASCII."""
    assert isinstance(preview, bytes)
    return " ".join(re.sub(r"[^!-~]+", " ", preview.decode()).split())


def test_previews(both: Both, tell: Callable[[object], None]) -> None:
    """PREVIEW of real mail begins with the same words, and is not much longer.

    Which words it is, is each server's own affair (RFC 8970 §3.3), so the mail that
    was made to be misread is left out; of the rest, what differs is on the page.
    """
    ours, theirs = (opinions(each, ["PREVIEW"]) for each in (both.ours, both.theirs))
    differing, alike = set(), 0
    for seq, mail in enumerate(both.mails, start=1):
        one, two = (first_words(each[seq].items["PREVIEW"]) for each in (ours, theirs))
        shorter = min(len(one), len(two))
        if one == two or (shorter > 20 and one[:shorter] == two[:shorter]):
            alike += 1
        elif mail.source != "hostile":
            differing.add(mail.name)
        assert len(bytes(ours[seq].items["PREVIEW"]).decode()) <= 200
    tell(f"{alike} previews of {len(both.mails)} are alike")
    section = PAGE.read_text().partition("## Previews")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`([^`]+)`", section)) - {"PREVIEW"}
    assert differing == listed


def test_the_page_lists_the_rows() -> None:
    """Each row has its section, with words that stand in the RFC that it names."""
    text = PAGE.read_text()
    sections = dict(ROW.findall(text))
    assert list(sections) == list(ROWS)
    for name, section in sections.items():
        quotes = QUOTE.findall(section)
        assert quotes, name
        for number, words in quotes:
            flat = " ".join(rfc(int(number)).split())
            assert " ".join(words.split()) in flat, (name, words)


def test_the_page_counts_the_corpus(mails: Sequence[Mail]) -> None:
    """The page says how many mails there are from where."""
    counted = Counter(mail.source for mail in mails if mail.source != "hostile")
    listed = re.findall(
        r"^\| `([^`]+)` \|.*\| ([0-9]+) \|$", PAGE.read_text(), re.MULTILINE
    )
    expected = {name: int(number) for name, number in listed}
    assert expected.pop("hostile") == HOSTILE
    assert expected == counted
