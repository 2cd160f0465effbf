"""Clients that were away, and clients that never ask, while others work.

Each believes what it is told, and ends with what a new connection sees.
"""

import random
import re
from typing import Final

from imapbox.index.commit import Log
from imapbox.index.compact import compact
from imapbox.index.compact_plan import Policy
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.model.names import INBOX
from imapbox.store.layout import mailbox_directory
from tests.support.kept_results import KeptResults, numbers_in
from tests.support.mail_store import BOB
from tests.support.stage import Connection, Stage, responses_of
from tests.support.told import Told
from tests.support.waiting import until

FLAGS: Final = (b"\\Seen", b"\\Deleted", b"\\Flagged", b"one", b"$Two", b"x%d")
OTHERS: Final = ("B1", "C1")
STEPS: Final = 40


class Watcher:
    """A client, what it knows of INBOX, and of results that it wants kept up.

    Attributes:
        told: What it knows.
        kept: And of results.
    """

    def __init__(self, client: Connection, *, by_uid: bool = False) -> None:
        self.told = Told(hears_uids=by_uid)
        self.kept = KeptResults()
        self._client = client

    async def say(self, command: bytes) -> list[bytes]:
        """Say something, and believe what is heard."""
        heard = await self._client.command(command)
        assert heard[-1].startswith(b"OK"), heard
        self._believe(heard)
        return heard

    async def keep_up(self, asked: bytes) -> None:
        """Ask for a result that is kept up."""
        *lines, end = await self._client.command(asked)
        assert end.startswith(b"OK"), end
        found = [each for each in lines if each.startswith(b"* ESEARCH")]
        tag = re.search(rb'TAG "(\w+)"', found[0])
        numbers = re.search(rb" ALL ([0-9:,]+)", found[0])
        assert tag
        self.kept.begin(
            tag[1],
            numbers_in(numbers[1]) if numbers else [],
            by_uid=b" UID" in found[0],
        )

    def listen(self) -> None:
        """Believe what was said unasked."""
        self._believe(responses_of(self._client.take()))

    def _believe(self, heard: list[bytes]) -> None:
        self.told.hear(heard)
        self.kept.hear(heard)


class Others:
    """Two clients of other processes who do what they like.

    Args:
        stage: Where they are.
        chance: What they like.
    """

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance

    async def come(self) -> None:
        """Let them select INBOX, in which there is mail."""
        for _ in range(5):
            await self._stage.play("B delivers: one")
        for name in OTHERS:
            await (await self._stage.client(name)).command(b"SELECT INBOX")

    async def work(self) -> None:
        """Let them deliver, flag, invent keywords, copy and expunge."""
        for step in range(STEPS):
            client = await self._stage.client(self._chance.choice(OTHERS))
            does = self._chance.choice("ddaaffffffffce")
            if does == "d":
                await self._stage.play(f"C delivers: {self._chance.choice('abc')}")
            elif does == "a":
                size = self._chance.randint(20, 60)
                text = b"Subject: %c\r\n\r\n".ljust(size, b"x") % b"abc"[step % 3]
                flags = self._flags(step)
                line = b"APPEND INBOX (%b) {%d+}\r\n%b" % (flags, len(text), text)
                await client.command(line)
            elif does == "f":
                sign = self._chance.choice((b"+", b"-", b"", b"+"))
                line = b"UID STORE %b %bFLAGS (%b)"
                await client.command(line % (self._some(), sign, self._flags(step)))
            elif does == "c":
                await client.command(b"UID COPY %b INBOX" % self._some())
            else:
                await client.command(b"EXPUNGE")

    def _flags(self, step: int) -> bytes:
        some = self._chance.sample(FLAGS, self._chance.randint(0, 2))
        return b" ".join(each.replace(b"%d", b"%d" % step) for each in some)

    def _some(self) -> bytes:
        uids = self._chance.sample(range(1, 40), self._chance.randint(1, 6))
        return b",".join(b"%d" % uid for uid in uids)


async def fresh_eyes(stage: Stage) -> Told:
    """What a client sees that knows nothing."""
    stage.stranger("B9")
    client = stage.connections["B9"]
    told = Told()
    for command in (
        b"LOGIN bob x",
        b"ENABLE CONDSTORE",
        b"EXAMINE INBOX",
        b"FETCH 1:* (UID FLAGS)",
    ):
        told.hear(await client.command(command))
    return told


def known(told: Told, *, modseqs: bool = True) -> list[object]:
    """What somebody knows of each message."""
    return [
        (each.uid, each.flags, each.modseq if modseqs else None)
        for each in told.messages
    ]


async def forget_the_past(stage: Stage) -> None:
    """Compact INBOX's log until nothing of its beginning is left."""
    large = b"a: b\r\n\r\n".ljust(100_000, b"x")
    client = await stage.client("B1")
    await client.command(b"APPEND INBOX (\\Deleted) {%d+}\r\n%b" % (len(large), large))
    await client.command(b"EXPUNGE")
    store = stage.stores["C"]
    account = await store.account(BOB)
    directory = mailbox_directory(BOB, account.named(INBOX).mailbox_id)
    for _ in range(2):
        log = Log(directory, MailboxFacts)
        work = compact(log, store.settings, Policy(grace=0.0, least=0))
        await store.drivers.write.run(work)
    assert "log.1" not in store.drivers.filesystem.list_directory(directory)


async def test_a_day_away(stage: Stage, seed: int) -> None:
    """Who comes back with QRESYNC is told all that happened, wherever it comes back.

    Meanwhile mail came and went, flags changed, and the log was compacted.
    """
    chance = random.Random(seed)
    others = Others(stage, chance)
    await others.come()
    await others.work()
    watchers = {}
    for name in ("A1", "A2", "C2"):
        watcher = Watcher(await stage.client(name), by_uid=True)
        await watcher.say(b"ENABLE QRESYNC")
        heard = await watcher.say(b"SELECT INBOX")
        await watcher.say(b"FETCH 1:* (UID FLAGS)")
        watchers[name] = watcher
    validity = re.search(rb"UIDVALIDITY ([0-9]+)", b" ".join(heard))
    assert validity
    await watchers["A1"].say(b"UNSELECT")
    stage.connections["A2"].hang_up()
    await others.work()
    await forget_the_past(stage)
    await others.work()
    # One comes back where it was, one to a process that has just begun, and one
    # never left.
    for name, where in (("A1", "A1"), ("A2", "D1"), ("C2", "C2")):
        told = watchers[name].told
        watcher = watchers[name] = Watcher(await stage.client(where), by_uid=True)
        watcher.told = told
        if name == "C2":
            await watcher.say(b"NOOP")
        else:
            held = b",".join(b"%d" % (each.uid or 0) for each in told.messages)
            since = b"%b %d %b" % (validity[1], told.highestmodseq, held or b"1")
            client = stage.connections[where]
            await client.command(b"ENABLE QRESYNC")
            heard = await client.command(b"SELECT INBOX (QRESYNC (%b))" % since)
            watcher.told.come_back(heard)
        if watcher.told.unknown():
            await watcher.say(b"FETCH 1:* (UID FLAGS)")
    fresh = await fresh_eyes(stage)
    for name, watcher in watchers.items():
        assert known(watcher.told) == known(fresh), name


async def test_who_never_asks(stage: Stage, seed: int) -> None:
    """With NOTIFY a client that says nothing knows all, its results too.

    By positions, by UID (QRESYNC, UIDONLY), and with EXPUNGEs that wait.
    """
    chance = random.Random(seed)
    others = Others(stage, chance)
    await others.come()
    watchers = {}
    for name, enabled, which in (
        ("A1", b"", b"selected"),
        ("A2", b"QRESYNC", b"selected"),
        ("D1", b"UIDONLY", b"selected"),
        ("D2", b"", b"selected-delayed"),
    ):
        watcher = Watcher(await stage.client(name), by_uid=bool(enabled))
        if enabled:
            await watcher.say(b"ENABLE " + enabled)
        await watcher.say(b"SELECT INBOX")
        await watcher.say(b"UID FETCH 1:* (UID FLAGS)")
        await watcher.keep_up(b"UID SEARCH RETURN (ALL UPDATE) NOT FLAGGED")
        await watcher.keep_up(b"UID SORT RETURN (ALL UPDATE) (SUBJECT) UTF-8 UNSEEN")
        wish = b"(%b (MessageNew (UID FLAGS) MessageExpunge FlagChange))" % which
        await watcher.say(b"NOTIFY SET " + wish)
        watchers[name] = watcher
    await others.work()
    fresh = await fresh_eyes(stage)
    found = await _found(stage)

    def knows_all(watcher: Watcher) -> bool:
        watcher.listen()
        same = known(watcher.told, modseqs=False) == known(fresh, modseqs=False)
        return same and list(watcher.kept.results.values()) == found

    await watchers["D2"].say(b"NOOP")
    for watcher in watchers.values():
        await until(lambda watcher=watcher: knows_all(watcher))


async def _found(stage: Stage) -> list[list[int]]:
    """What is found now, asked anew."""
    client = stage.connections["B9"]
    found = []
    for asked in (
        b"UID SEARCH RETURN (ALL) NOT FLAGGED",
        b"UID SORT RETURN (ALL) (SUBJECT) UTF-8 UNSEEN",
    ):
        told = re.search(rb" ALL ([0-9:,]+)", b" ".join(await client.command(asked)))
        found.append(numbers_in(told[1]) if told else [])
    return found
