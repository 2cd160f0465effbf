"""Clients that believe what they are told, whatever all of them do."""

import tempfile
from contextlib import ExitStack
from typing import Any

import pytest_twisted
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from twisted.internet.defer import ensureDeferred

from imapbox.store.store import Store
from tests.conftest import EFFORT
from tests.support.forgetful import forgetful
from tests.support.mail_store import TestDisk
from tests.support.stage import Stage
from tests.support.told import Told
from tests.support.waiting import reactor

NAMES = ("A1", "A2", "B1")  # two in one process, one in another
WHO = st.sampled_from(NAMES)
BY_UID = st.booleans()
SOME = st.lists(st.integers(0, 11), min_size=1, max_size=3, unique=True)
FLAGS = st.lists(
    st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "one", "$Two"]),
    max_size=3,
    unique=True,
)
# Who of them knows modseqs, and who comes back with QRESYNC.
ENABLED = {"A2": b"CONDSTORE", "B1": b"QRESYNC"}
# RFC 9051 §7.5.1: under these no number may move.
STEADY = (b"FETCH", b"STORE", b"SEARCH")
MESSAGE = b"Subject: one\r\n\r\ntwo\r\n"


class Sessions(RuleBasedStateMachine):
    """Three clients with INBOX selected; a fourth looks with fresh eyes.

    One of the three is told modseqs, and one comes back with QRESYNC: it holds
    what it knew, and is told what happened since.
    """

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self._started: list[Store] = []
        self._stage = Stage(self._open_store)
        self._told: dict[str, Told] = {}
        self._acted: str | None = None
        self._bounds = ExitStack()

    @initialize(count=st.integers(0, 4), kept=st.sampled_from([0, 6, 10_000]))
    def begin(self, count: int, kept: int) -> None:
        """Some messages are there, and everybody opens INBOX.

        Of what happens then, much is kept for who is behind, or little.
        """
        self._bounds.enter_context(forgetful(kept))
        for _ in range(count):
            self._wait(self._stage.play("A delivers: one"))
        self._wait(self._stage.play("A1: CREATE other"))
        self._command("B9", b"ENABLE CONDSTORE")
        for name in NAMES:
            if name in ENABLED:
                self._command(name, b"ENABLE " + ENABLED[name])
            self._open(name)

    @rule(process=st.sampled_from("AB"))
    def deliver(self, process: str) -> None:
        """A message comes over LMTP."""
        self._wait(self._stage.play(f"{process} delivers: one"))

    @rule(who=WHO, flags=FLAGS, count=st.integers(1, 3))
    def append(self, who: str, flags: list[str], count: int) -> None:
        """A client stores messages, several at once."""
        one = b" (%b) {%d+}\r\n%b" % (
            " ".join(flags).encode(),
            len(MESSAGE),
            MESSAGE,
        )
        self._say(who, b"APPEND INBOX" + one * count)

    @rule(
        who=WHO,
        some=SOME,
        by_uid=BY_UID,
        how=st.sampled_from([b"FLAGS", b"+FLAGS", b"-FLAGS", b"+FLAGS.SILENT"]),
        flags=FLAGS,
    )
    def store(
        self, who: str, some: list[int], by_uid: bool, how: bytes, flags: list[str]
    ) -> None:
        """A client changes flags."""
        names = " ".join(flags).encode()
        what = b"%b (%b)" % (how, names)
        uids = self._say_of(who, b"STORE", some, what, by_uid=by_uid)
        if how.endswith(b".SILENT"):
            # It is told nothing, but knows what it did: add, and what was there.
            for message in self._told[who].messages:
                if message.uid in uids and message.flags is not None:
                    message.flags |= frozenset(flags)

    @rule(who=WHO, some=SOME, by_uid=BY_UID)
    def fetch(self, who: str, some: list[int], by_uid: bool) -> None:
        """A client looks at flags."""
        self._say_of(who, b"FETCH", some, b"(UID FLAGS)", by_uid=by_uid)

    @rule(who=WHO, some=SOME, by_uid=BY_UID)
    def read(self, who: str, some: list[int], by_uid: bool) -> None:
        """A client reads messages, which marks them."""
        self._say_of(who, b"FETCH", some, b"BODY[TEXT]", by_uid=by_uid)

    @rule(who=WHO)
    def expunge(self, who: str) -> None:
        """A client removes what is marked."""
        self._say(who, b"EXPUNGE")

    @rule(who=WHO, some=SOME)
    def expunge_some(self, who: str, some: list[int]) -> None:
        """A client removes some of what is marked."""
        self._say_of(who, b"EXPUNGE", some, b"", by_uid=True)

    @rule(
        who=WHO,
        some=SOME,
        by_uid=BY_UID,
        verb=st.sampled_from([b"COPY", b"MOVE"]),
        where=st.sampled_from([b"other", b"INBOX"]),
    )
    def carry(
        self, who: str, some: list[int], by_uid: bool, verb: bytes, where: bytes
    ) -> None:
        """A client copies or moves messages, perhaps to where they are."""
        self._say_of(who, verb, some, where, by_uid=by_uid)

    @rule(who=WHO, by_uid=BY_UID)
    def search(self, who: str, by_uid: bool) -> None:
        """A client searches, and finds what it knew, or is told behind it."""
        told = self._told[who]
        before = _deleted(told)
        numbers = self._say(who, (b"UID " if by_uid else b"") + b"SEARCH DELETED")
        (line,) = [line for line in numbers if line.startswith(b"* SEARCH")]
        if not by_uid and not told.unknown():
            found, after = {int(each) for each in line.split()[2:]}, _deleted(told)
            assert before & after <= found <= before | after

    @rule(who=WHO)
    def idle(self, who: str) -> None:
        """A client idles for a moment."""
        self._say(who, b"IDLE\r\nDONE")

    @rule(who=WHO, verb=st.sampled_from([b"CLOSE", b"UNSELECT"]))
    def open_again(self, who: str, verb: bytes) -> None:
        """A client leaves INBOX, and comes back."""
        self._say(who, verb)
        if who in ENABLED and ENABLED[who] == b"QRESYNC":
            self._resync(who)
        else:
            self._open(who)

    @rule(gone=SOME, marked=SOME, flags=FLAGS, comes=st.booleans())
    def be_away(
        self, gone: list[int], marked: list[int], flags: list[str], comes: bool
    ) -> None:
        """A client leaves INBOX; others work; it comes back."""
        self._say("B1", b"UNSELECT")
        for who, some, names in (
            ("A1", gone, b"\\Deleted"),
            ("A2", marked, " ".join(flags).encode()),
        ):
            self._compare(who)
            self._say_of(who, b"STORE", some, b"+FLAGS (%b)" % names, by_uid=True)
        self._say("A1", b"EXPUNGE")
        if comes:
            self._wait(self._stage.play("A delivers: one"))
        self._resync("B1")
        self._acted = "B1"

    @invariant()
    def who_asks_knows_all(self) -> None:
        """Whoever did something, asks, and then knows what fresh eyes see."""
        if self._acted is not None:
            who, self._acted = self._acted, None
            self._compare(who)

    def teardown(self) -> None:
        """All ask once more, and know the same."""
        try:
            for name in self._told:
                self._compare(name)
        finally:
            self._bounds.close()
            self._wait(self._end())
            self._directory.cleanup()

    def _compare(self, who: str) -> None:
        told = self._told[who]
        told.hear(self._command(who, b"NOOP"))
        if unknown := told.unknown():
            numbers = ",".join(map(str, unknown)).encode()
            told.hear(self._command(who, b"FETCH %b (UID FLAGS)" % numbers))
        fresh = Told()
        fresh.hear(self._command("B9", b"EXAMINE INBOX"))
        if fresh.messages:
            fresh.hear(self._command("B9", b"FETCH 1:* (UID FLAGS)"))
        self._command("B9", b"UNSELECT")
        if who not in ENABLED:
            for message in fresh.messages:
                message.modseq = None
        assert told.messages == fresh.messages
        uids = [message.uid or 0 for message in told.messages]
        assert uids == sorted(set(uids))

    def _open(self, who: str) -> None:
        told = self._told[who] = Told()
        told.hears_uids = ENABLED.get(who) == b"QRESYNC"
        told.hear(self._command(who, b"SELECT INBOX"))
        if told.messages:
            told.hear(self._command(who, b"FETCH 1:* (UID FLAGS)"))

    def _resync(self, who: str) -> None:
        """Come back with what is known, and be told the rest."""
        told = self._told[who]
        held = b",".join(b"%d" % (each.uid or 0) for each in told.messages) or b"1"
        known = b"%d %d %b" % (self._uidvalidity(), told.highestmodseq, held)
        heard = self._command(who, b"SELECT INBOX (QRESYNC (%b))" % known)
        told.come_back(heard)

    def _uidvalidity(self) -> int:
        heard = self._command("B9", b"STATUS INBOX (UIDVALIDITY)")
        return int(heard[0].rpartition(b" ")[2].rstrip(b")"))

    def _say_of(
        self, who: str, verb: bytes, some: list[int], what: bytes, *, by_uid: bool
    ) -> set[int]:
        """Say something of some of the messages that the client knows."""
        known = self._told[who].messages
        chosen = sorted({at for at in some if at < len(known)})
        uids = {known[at].uid or 0 for at in chosen}
        if not chosen or (by_uid and 0 in uids):
            return set()
        numbers = uids if by_uid else {at + 1 for at in chosen}
        which = ",".join(map(str, sorted(numbers))).encode()
        prefix = b"UID " if by_uid else b""
        self._say(who, b" ".join(filter(None, (prefix + verb, which, what))))
        return uids

    def _say(self, who: str, command: bytes) -> list[bytes]:
        self._acted = who
        told = self._told[who]
        told.may_expunge = not command.startswith(STEADY)
        heard = self._command(who, command)
        told.hear(heard)
        told.may_expunge = True
        return heard

    def _command(self, who: str, command: bytes) -> list[bytes]:
        async def talk() -> list[bytes]:
            heard = await (await self._stage.client(who)).command(command)
            assert not heard[-1].startswith(b"BAD"), command
            return heard

        return self._wait(talk())

    def _wait(self, coroutine: Any) -> Any:
        return pytest_twisted.blockon(ensureDeferred(coroutine))

    async def _open_store(self) -> Store:
        root = self._directory.name
        store = Store(root, reactor, make=True, filesystem=TestDisk(root))
        await store.start()
        self._started.append(store)
        return store

    async def _end(self) -> None:
        try:
            await self._stage.end()
        finally:
            for store in self._started:
                await store.stop()


def _deleted(told: Told) -> set[int]:
    """Return the sequence numbers of what a client takes for deleted."""
    return {
        seq
        for seq, message in enumerate(told.messages, start=1)
        if "\\Deleted" in (message.flags or ())
    }


class TestSessions(Sessions.TestCase):
    """A TestCase, since pytest-twisted lets no function wait for the reactor."""

    settings = settings(max_examples=12 * EFFORT, stateful_step_count=30)

    def test_clients_know_what_fresh_eyes_see(self) -> None:
        """Whatever three clients do, each knows what a new connection sees."""
        self.runTest()
