"""CONTEXT=SEARCH and CONTEXT=SORT: results that are kept up. RFC 5267."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from imapbox.imap.contexts import MOST, MOST_SORTED
from imapbox.mailbox.kept_results import Sorted
from imapbox.model.errors import StoreFailure
from imapbox.model.sorting import SortBy, SortKey
from imapbox.query.columns import Facts
from tests.support.fake_mail import FakeAccount, refusing
from tests.support.imap_client import Client
from tests.support.kept_results import KeptResults, numbers_in

SUBJECTS = b"cabdb"


def account_of(count: int) -> FakeAccount:
    account = FakeAccount()
    for number in range(count):
        add(account, number)
    return account


def add(account: FakeAccount, number: int, *flags: str) -> None:
    subject = SUBJECTS[number % len(SUBJECTS)]
    account.inbox.add(b"Subject: %c\r\n\r\nbody %d" % (subject, number), flags)


@pytest.fixture
def client() -> Client:
    """Open a mailbox of five messages; nobody has flags."""
    return Client(account_of(5)).login().select()


class Follower:
    """A client that does what it is told, and nothing else.

    Attributes:
        results: By tag, what it thinks is found, in order.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._kept = KeptResults()
        self.results = self._kept.results

    def ask(self, tag: bytes, command: bytes, program: bytes) -> None:
        said = self.client.say(
            b"%b %b %b\r\n" % (tag, command % b"ALL UPDATE", program)
        )
        assert b"%b OK" % tag in said, said
        found = re.search(rb" ALL ([0-9:,]+)", said)
        numbers = numbers_in(found[1]) if found else []
        self._kept.begin(tag, numbers, by_uid=command.startswith(b"UID"))
        # What came with the answer is news about the result, too.
        self.hear(said[said.index(b"\r\n") + 2 :])

    def say(self, command: bytes) -> bytes:
        said = self.client.say(b"c %b\r\n" % command)
        self.hear(said)
        return said

    def hear(self, said: bytes) -> None:
        self._kept.hear(said.split(b"\r\n"))


PROGRAMS = {
    b"a": (b"UID SEARCH RETURN (%b)", b"DELETED"),
    b"b": (b"SEARCH RETURN (%b)", b"NOT FLAGGED"),
    b"d": (b"UID SORT RETURN (%b)", b"(SUBJECT) UTF-8 OR FLAGGED DELETED"),
    b"e": (b"SORT RETURN (%b)", b"(REVERSE SUBJECT) UTF-8 NOT DELETED"),
    b"f": (b"UID SEARCH RETURN (%b)", b"2:3 NOT DELETED"),
    b"g": (b"SEARCH RETURN (%b)", b"KEYWORD $New BODY 1"),
}
SEQS = st.integers(1, 9)
FLAGS = st.sampled_from([b"\\Flagged", b"\\Deleted", b"$New"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([b"+", b"-"]), SEQS, FLAGS, st.booleans()),
        st.sampled_from(["EXPUNGE", "APPEND", "NOOP", "FETCH"]),
    ),
    max_size=12,
)


def do(step: Any, follower: Follower, other: Client) -> None:
    """Let the client, or another one, do something."""
    account = other.account
    exists = account.open[0].exists
    if step == "APPEND":
        add(account, len(account.inbox.messages))
    elif step == "NOOP":
        follower.say(b"NOOP")
    elif step == "FETCH":
        follower.say(b"FETCH 1:* FLAGS")  # which may not tell an EXPUNGE
    elif step == "EXPUNGE":
        other.say(b"n NOOP\r\ne EXPUNGE\r\n")
    elif exists:
        sign, seq, flag, is_own = step
        seq = (seq - 1) % exists + 1
        store = b"STORE %d %bFLAGS.SILENT (%b)" % (seq, sign, flag)
        if is_own:
            follower.say(store)
        else:
            uid = account.open[0].uids.at(seq - 1)
            other.say(b"s UID STORE %d %bFLAGS (%b)\r\n" % (uid, sign, flag))


@pytest.mark.slow
@given(STEPS)
def test_who_follows_the_updates_has_the_result(steps: list[Any]) -> None:
    """ADDTO and REMOVEFROM make of the old result the one that a new search finds.

    By UID or not, in the mailbox's order or sorted, whoever changed what. Sequence
    numbers in the program are those of when it was asked (RFC 5267 §4.3).
    """
    client = Client(account_of(5)).login().select()
    other = Client(client.account).login().select()
    follower = Follower(client)
    for tag, (command, program) in PROGRAMS.items():
        follower.ask(tag, command, program)
    for step in steps:
        do(step, follower, other)
    follower.say(b"NOOP")
    for tag, (command, program) in PROGRAMS.items():
        again = program.replace(b"2:3", b"UID 2:3")
        said = follower.say(b"%b %b" % (command % b"ALL", again))
        found = re.search(rb" ALL ([0-9:,]+)", said)
        assert follower.results[tag] == (numbers_in(found[1]) if found else []), tag


def test_what_an_update_looks_like(client: Client) -> None:
    """What RFC 5267 shows, with one response for each kind of change."""
    client.say(b"B01 UID SEARCH RETURN (UPDATE COUNT) DELETED\r\n")
    said = client.say(b"c STORE 2:3 +FLAGS.SILENT (\\Deleted)\r\n")
    assert said == b'* ESEARCH (TAG "B01") UID ADDTO (0 2:3)\r\nc OK Flags stored.\r\n'
    said = client.say(b"c EXPUNGE\r\n")
    assert said.startswith(b'* ESEARCH (TAG "B01") UID REMOVEFROM (0 2:3)\r\n* 3 EXP')
    client.say(b"B02 UID SORT RETURN (UPDATE) (REVERSE SUBJECT) UTF-8 UNDELETED\r\n")
    said = client.say(b"c STORE 1,3 +FLAGS.SILENT (\\Deleted)\r\n")
    assert b'(TAG "B01") UID ADDTO (0 1,5)\r\n' in said
    assert b'(TAG "B02") UID REMOVEFROM (3 5 2 1)\r\n' in said
    said = client.say(b"c STORE 1,3 -FLAGS.SILENT (\\Deleted)\r\n")
    assert b'(TAG "B02") UID ADDTO (2 1 3 5)\r\n' in said


def test_what_is_told_at_first(client: Client) -> None:
    """UPDATE and CONTEXT tell nothing by themselves, and all else is told with them."""
    said = client.say(b"a SEARCH RETURN (UPDATE) ALL\r\n")
    assert said == b'* ESEARCH (TAG "a")\r\na OK Searched.\r\n'
    said = client.say(b"b SORT RETURN (CONTEXT UPDATE COUNT) (SIZE) UTF-8 ALL\r\n")
    assert said.startswith(b'* ESEARCH (TAG "b") COUNT 5\r\n')
    said = client.say(b"d UID SEARCH RETURN (CONTEXT PARTIAL 1:2) ALL\r\n")
    assert said.startswith(b'* ESEARCH (TAG "d") UID PARTIAL (1:2 1:2)\r\n')


def test_news_come_with_idle(client: Client) -> None:
    """New mail that is in a result is told while the client idles, behind EXISTS."""
    client.say(b"a SEARCH RETURN (UPDATE) BODY body\r\n")
    client.say(b"i IDLE\r\n")
    add(client.account, 7)
    said = client.turn()
    assert said.startswith(b"* 6 EXISTS\r\n")
    assert said.endswith(b'* ESEARCH (TAG "a") ADDTO (0 6)\r\n')


def test_updates_end(client: Client) -> None:
    """CANCELUPDATE ends those that it names, SELECT all; what was none is no matter."""
    for tag in (b"a", b"b", b"d"):
        client.say(b"%b SEARCH RETURN (UPDATE) FLAGGED\r\n" % tag)
    said = client.say(b'c CANCELUPDATE "a" "none" "d"\r\n')
    assert said == b"c OK No further updates.\r\n"
    said = client.say(b"c STORE 1 +FLAGS (\\Flagged)\r\n")
    assert said.count(b"ESEARCH") == 1
    client.say(b"s SELECT INBOX\r\n")
    assert b"ESEARCH" not in client.say(b"c STORE 2 +FLAGS (\\Flagged)\r\n")


def test_a_tag_has_one_result(client: Client) -> None:
    """A tag whose result is kept up is BAD with UPDATE, and good without."""
    client.say(b"a SEARCH RETURN (UPDATE) FLAGGED\r\n")
    said = client.say(b"a SORT RETURN (UPDATE) (SIZE) UTF-8 ALL\r\n")
    assert said.startswith(b"a BAD ")
    assert b"a OK" in client.say(b"a SEARCH RETURN (COUNT) ALL\r\n")
    client.say(b'c CANCELUPDATE "a"\r\n')
    assert b"a OK" in client.say(b"a SEARCH RETURN (UPDATE) ALL\r\n")


def test_there_is_a_limit(client: Client) -> None:
    """Beyond some contexts one is told that no updates come: NO [NOUPDATE]."""
    for number in range(MOST):
        said = client.say(b"a%d SEARCH RETURN (UPDATE) ALL\r\n" % number)
        assert b"NOUPDATE" not in said
    said = client.say(b"more SEARCH RETURN (UPDATE COUNT) ALL\r\n")
    told, refused, done = said.split(b"\r\n", 2)
    assert told == b'* ESEARCH (TAG "more") COUNT 5'
    assert refused.startswith(b'* NO [NOUPDATE "more"] ')
    assert done == b"more OK Searched.\r\n"


def test_what_is_sorted_has_a_limit_of_its_own() -> None:
    """A sorted result of very many is not kept up, one in the mailbox's order is."""
    account = FakeAccount()
    for _ in range(MOST_SORTED + 1):
        account.inbox.add(b"")
    client = Client(account).login().select()
    said = client.say(b"a SORT RETURN (UPDATE) (SIZE) UTF-8 ALL\r\n") + client.turn(1)
    assert b'NOUPDATE "a"' in said
    said = client.say(b"b SEARCH RETURN (UPDATE) ALL\r\n") + client.turn(1)
    assert b"NOUPDATE" not in said


@pytest.mark.parametrize(
    ("limit", "command"),
    [
        ("MOST_SORTED", b"SORT RETURN (UPDATE) (SIZE) UTF-8 UNFLAGGED"),
        ("MOST_RESULTS", b"UID SEARCH RETURN (UPDATE (UID)) UNFLAGGED"),
    ],
)
def test_what_grows_beyond_a_limit_is_told_to_end(
    monkeypatch: pytest.MonkeyPatch, client: Client, limit: str, command: bytes
) -> None:
    """A result that becomes too much gets no more updates: NO [NOUPDATE], untagged.

    The limits are those of all results together; others of the session go on.
    """
    monkeypatch.setattr(f"imapbox.imap.contexts.{limit}", 8)
    client.say(b"few %b 1:2\r\nall %b\r\n" % (command, command))
    add(client.account, 5)
    assert b'(TAG "all")' in client.say(b"c NOOP\r\n")
    add(client.account, 6)
    said = client.say(b"c NOOP\r\n")
    assert b'\r\n* NO [NOUPDATE "all"] ' in said
    assert b"ADDTO" not in said
    said = client.say(b"c STORE 1 +FLAGS.SILENT (\\Flagged)\r\n")
    assert said.count(b"REMOVEFROM") == said.count(b'(TAG "few")') == 1
    assert b"NOUPDATE" not in client.say(b"all %b 1:3\r\n" % command)


def test_who_knows_uids_only_is_told_no_numbers(client: Client) -> None:
    """With UIDONLY, results that are told by sequence numbers are kept up no more."""
    client.say(b"a SEARCH RETURN (UPDATE) ALL\r\nb UID SEARCH RETURN (UPDATE) ALL\r\n")
    said = client.say(b"c ENABLE UIDONLY\r\n")
    assert said.startswith(b'* NO [NOUPDATE "a"] ')
    assert said.endswith(b"* ENABLED UIDONLY\r\nc OK Enabled.\r\n")
    client.say(b"c UID STORE 1 +FLAGS.SILENT (\\Deleted)\r\n")
    told = b'* ESEARCH (TAG "b") UID REMOVEFROM (0 1)\r\n* VANISHED 1\r\n'
    assert client.say(b"c EXPUNGE\r\n") == told + b"c OK Expunged.\r\n"


def test_the_last_message_is_the_one_that_it_was(client: Client) -> None:
    """ "UID *" is the message that was the last; "UID 9:*" is all that comes."""
    client.say(b"a UID SEARCH RETURN (UPDATE) UID *\r\n")
    client.say(b"b UID SEARCH RETURN (UPDATE) UID 9:*,1\r\n")
    client.say(b"d UID SEARCH RETURN (UPDATE) UID 2:3\r\n")
    add(client.account, 6)
    add(client.account, 7)
    said = client.say(b"c NOOP\r\n")
    assert said.count(b"ESEARCH") == 1
    assert b'(TAG "b") UID ADDTO (0 6:7)' in said
    client.say(b"c STORE 5 +FLAGS.SILENT (\\Deleted)\r\n")
    said = client.say(b"c EXPUNGE\r\n")
    assert said.count(b"REMOVEFROM (0 5)") == said.count(b"ESEARCH") == 2


def test_all_that_comes_into_an_empty_mailbox_is_behind_any_uid() -> None:
    """Where there is no last message, "UID *" is nobody, and "UID 2:*" who comes."""
    client = Client(FakeAccount()).login().select()
    client.say(b"a SEARCH RETURN (UPDATE) UID *\r\n")
    client.say(b"b SEARCH RETURN (UPDATE) UID 2:*\r\n")
    for number in range(3):
        add(client.account, number)
    said = client.say(b"c NOOP\r\n")
    assert said.count(b"ESEARCH") == 1
    assert b'(TAG "b") ADDTO (0 2:3)' in said


def test_no_part_is_decoded_again_and_again(client: Client) -> None:
    """What UPDATE wants of new messages has the limit that FETCH has."""
    atts = b" ".join(b"BINARY[1]<%d.1>" % start for start in range(17))
    said = client.say(b"t SEARCH RETURN (UPDATE (%b)) ALL\r\n" % atts)
    assert said.startswith(b"t NO [LIMIT]")


def test_nobody_waits_for_a_sorted_result(client: Client) -> None:
    """Between any two messages that come into one, or go, others have their turn."""
    pauses = 0

    async def pause() -> None:
        nonlocal pauses
        pauses += 1

    result = Sorted(client.account.open[0], [SortBy(SortKey.SIZE)], 9)
    uids = np.arange(1, 6, dtype=np.uint32)
    assert Deferred.fromCoroutine(result.add(uids, pause)).called
    assert result.uids.tolist() == uids.tolist()
    assert pauses == 2 * 5, "putting in order, and putting there"
    assert Deferred.fromCoroutine(result.remove(uids[1:4], pause)).called
    assert result.uids.tolist() == [1, 5]
    assert pauses == 2 * 5 + 3


def test_what_was_saved_is_what_it_was(client: Client) -> None:
    """ "$" in a program stands for what it stood for when the program was given."""
    client.say(b"a SEARCH RETURN (SAVE) 2,4\r\n")
    client.say(b"b SEARCH RETURN (UPDATE) $ FLAGGED\r\n")
    client.say(b"a SEARCH RETURN (SAVE) 1\r\n")
    said = client.say(b"c STORE 1:4 +FLAGS.SILENT (\\Flagged)\r\n")
    assert said.startswith(b'* ESEARCH (TAG "b") ADDTO (0 2,4)\r\n')


def test_a_failure_is_made_good(client: Client) -> None:
    """What could not be found out is told once it can be."""
    client.say(b"a SEARCH RETURN (UPDATE) BODY body\r\n")
    client.account.pause = refusing(StoreFailure(), "read")
    add(client.account, 7)
    said = client.say(b"c NOOP\r\n")
    assert b"6 EXISTS" in said
    assert b"ADDTO" not in said
    client.account.pause = type(client.account).pause
    assert b"ADDTO (0 6)" in client.say(b"c NOOP\r\n")


def test_only_what_changed_is_read(client: Client) -> None:
    """A flag that changes costs no reading of the messages whose flags don't."""
    client.say(b"a SEARCH RETURN (UPDATE) BODY body\r\n")
    asked: list[str] = []

    async def note(what: str) -> None:
        asked.append(what)

    client.account.pause = note
    client.say(b"c STORE 2 +FLAGS (\\Flagged)\r\n")
    assert asked.count("read_cards") == asked.count("read") == 1
    asked.clear()
    client.say(b"c NOOP\r\n")
    assert asked == ["sync"]


def test_what_changed_is_looked_for_once(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    """Whatever is kept up, all messages are asked once whether they changed."""
    monkeypatch.setattr("imapbox.mailbox.searching._SLICE", 2)
    for tag in (b"a", b"b", b"d"):
        client.say(b"%b SEARCH RETURN (UPDATE) FLAGGED\r\n" % tag)
    mailbox = client.account.open[0]
    facts, looked_at = mailbox.facts, list[int]()

    def note(places: slice) -> Facts:
        looked_at.extend(range(5)[places])
        return facts(places)

    monkeypatch.setattr(mailbox, "facts", note)
    said = client.say(b"c STORE 3,5 +FLAGS.SILENT (\\Flagged)\r\n")
    assert said.count(b"ADDTO (0 3,5)") == 3
    assert looked_at == [0, 1, 2, 3, 4, *3 * [2, 4]]


@pytest.mark.parametrize(
    "command",
    [
        b"CANCELUPDATE",
        b"CANCELUPDATE ",
        b"CANCELUPDATE a",
        b'CANCELUPDATE "a"b',
        b"SEARCH RETURN (UPDATE 1) ALL",
    ],
)
def test_what_is_bad(client: Client, command: bytes) -> None:
    """Tags that are cancelled are strings, at least one."""
    assert client.say(b"t %b\r\n" % command).startswith(b"t BAD")
