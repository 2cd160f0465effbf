"""Files that rot, are cut, mixed up or restored from elsewhere, and what is told."""

import os
import random
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

import imapbox.index.mailbox_plan
import imapbox.index.snapshot_reader
from imapbox.disk.spool import MemoryContent
from imapbox.disk.steps import Steps
from imapbox.index.body import Place
from imapbox.index.chunk import Chunk
from imapbox.index.repair import Job
from imapbox.mailbox.account import UserAccount
from imapbox.model.errors import (
    MailboxDamaged,
    MailboxGone,
    MailError,
    NoSuchMailbox,
    StoreFailure,
    StoreReadOnly,
    UnknownFormat,
)
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.deliveries import Deliveries
from imapbox.store.layout import user_directory
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.repair import mend_user
from imapbox.store.store import Store
from tests.conftest import EFFORT
from tests.damage.mended import Truth, rights_in, wrong_behind_repair
from tests.damage.mutations import (
    KINDS,
    LOCKS,
    PARTS,
    Mutation,
    all_ways,
    applied,
    mutate,
)
from tests.damage.odd_files import Odd, closed, remove
from tests.damage.specimen import (
    HEADER,
    OTHER,
    Facts,
    Maker,
    Row,
    Rows,
    Specimen,
    files_of,
    mailbox_of,
    rows_of,
    write_tree,
)
from tests.support.mail_store import Stores, disk_of, knows_none, new_message

ROUND: Final = 250 if EFFORT == 1 else 500  # mutations, of the same specimens
# Of rounds. From an effort of 20 on 200, so that there are 100,000 mutations.
PORTIONS: Final = (
    [range(start, start + 25) for start in range(0, 200, 25)]
    if EFFORT >= 20
    else [range(EFFORT)]
)
SPECIMENS: Final = 6
LIMITS: Final = (700, 5000, 2**26)
OUTCOMES: Final = ("as it was", "mended", "withheld", "marked", "refused")
NEW: Final = b"Subject: new\r\n\r\nnew\r\n"
PAIRS: Final = 50 if EFFORT == 1 else 100  # two at once, for each round
ENOUGH: Final = 3  # that went wrong
MENDED: Final = 0.2  # of what was marked or refused


class Wrong(Exception):
    """What is told is not what was stored."""


class Examination:
    """A damaged account, and all that is asked of it.

    Args:
        specimen: What it was.
        mutations: What happened to it.
        user: Whose it is now.
        chance: Of what is done.
    """

    def __init__(
        self,
        specimen: Specimen,
        mutations: Sequence[Mutation],
        user: UserName,
        chance: random.Random,
    ) -> None:
        self.outcome = OUTCOMES[0]
        self._specimen = specimen
        self._mutations = mutations
        self._user = user
        self._chance = chance
        self._new: dict[MailboxName, Rows] = {INBOX: {}, OTHER: {}}
        self._marked: dict[int, frozenset[str]] = {}
        self._readable: dict[MailboxName, Rows] = {}
        self.was_mended = False

    @property
    def _refusals(self) -> tuple[type[MailError], ...]:
        """Return how it may be refused to look at it."""
        if any(isinstance(each.after, Odd) for each in self._mutations):
            return MailboxDamaged, UnknownFormat, StoreFailure, StoreReadOnly
        return MailboxDamaged, UnknownFormat

    @property
    def _only_locks(self) -> bool:
        return all(mutation.part in LOCKS for mutation in self._mutations)

    def close_some(self, stores: Sequence[Store]) -> None:
        """Let their disks refuse to open what is not readable any more."""
        directory = user_directory(self._user)
        paths = [
            f"{directory}/{mutation.path}"
            for mutation in self._mutations
            if mutation.after is Odd.UNREADABLE
        ]
        if paths:
            for store in stores:
                disk_of(store).steer = closed(paths)

    def open_all(self, stores: Sequence[Store]) -> None:
        """Let their disks refuse nothing any more."""
        for store in stores:
            disk_of(store).steer = None

    async def after(self, first: Store, second: Store) -> None:
        """Damage it while nobody is there; let two processes look and write."""
        self._damage(first)
        self.close_some([first, second])
        await self._look(first)
        await self._write(first)
        await self._look(second)
        if self._chance.random() < 0.2:
            await self._write(second)
            await self._look(first)
        await self._repair(first, second)

    async def beneath(self, first: Store, second: Store) -> None:
        """Damage it beneath a session."""
        directory = files_of(first, self._user)
        write_tree(directory, self._specimen.tree)
        account = UserAccount(first, await first.account(self._user))
        sessions = [
            await account.select(name, read_only=False) for name in (INBOX, OTHER)
        ]
        try:
            if self._chance.random() < 0.5:
                for session in sessions:
                    await rows_of(session)
            self._damage_in_place(directory)
            self.close_some([first, second])
            for session in sessions:
                try:
                    await session.sync(may_expunge=True)
                    rows = await rows_of(session)
                except MailError:
                    self._note("refused")
                else:
                    self._compare(session.name, rows)
        finally:
            for session in sessions:
                session.close()
        await self._write(first)
        await self._look(second)
        await self._repair(first, second)

    async def _repair(self, first: Store, second: Store) -> None:
        """Mend a lock; nothing was lost with it, and all goes on.

        Of what was marked or refused a share is mended, too, and looked at.
        """
        if not self._only_locks:
            is_odd = any(isinstance(each.after, Odd) for each in self._mutations)
            is_told = self.outcome in {"marked", "refused"}
            if is_told and not is_odd and self._chance.random() < MENDED:
                await self._mend(first, second)
            return
        for mutation in self._mutations:
            if isinstance(mutation.after, Odd):
                remove(files_of(first, self._user) / mutation.path)
        self.open_all([first, second])
        job = Job(first.settings, apply=True)
        await first.drivers.write.run(mend_user(self._user, job, os.getuid()))
        left = [each for each in job.mended if each.left]
        if left:
            raise Wrong(left)
        for work in (self._deliver, self._append, self._mark):
            await work(second)
        await self._look(first)
        self._note("mended")

    async def _mend(self, first: Store, second: Store) -> None:
        ever = {}
        readable = {}
        for name in (INBOX, OTHER):
            new = self._new[name]
            ever[name] = self._specimen.ever(name)
            for uid, row in new.items():
                ever[name].setdefault(uid, set()).add(row)
            there = {**self._specimen.now.boxes[name], **new}
            seen = self._readable.get(name, {})
            readable[name] = {
                uid: row
                for uid, row in seen.items()
                if row.octets is not None and uid in there
            }
        alone = len(self._mutations) == 1
        truth = Truth(
            ever,
            readable if alone else {INBOX: {}, OTHER: {}},
            self._specimen.given if alone else {INBOX: 0, OTHER: 0},
            self._specimen.uidvalidity,
            self._specimen.now.rights if alone else self._specimen.ever_given,
        )
        wrong = await wrong_behind_repair(first, second, self._user, truth)
        if wrong:
            raise Wrong(*wrong)
        self.was_mended = True

    def _damage(self, store: Store) -> None:
        tree = self._specimen.tree
        directory = files_of(store, self._user)
        write_tree(directory, applied(tree, self._mutations), before=tree)

    def _damage_in_place(self, directory: Path) -> None:
        for mutation in self._mutations:
            path = directory / mutation.path
            after = mutation.after
            # What of a snapshot is mapped and was checked is believed; and who
            # cuts it kills whoever looks at it.
            odd = any(each.is_at(path) for each in Odd)  # two may meet the same file
            if not isinstance(after, bytes) or mutation.part == "snap" or odd:
                remove(path)
            if isinstance(after, Odd):
                after.put(path, mutation.before)
            elif after is not None:
                path.touch(mode=0o600)  # another one may have removed it
                with path.open("r+b") as file:
                    file.write(after)
                    file.truncate()

    async def _look(self, store: Store) -> None:
        """Open everything, and compare it with what is true."""
        try:
            account = UserAccount(store, await store.account(self._user))
            await self._look_at_names(store, account)
        except self._refusals:
            self._note("refused")
            return
        for name in (INBOX, OTHER):
            await self._look_at(store, account, name)

    async def _look_at_names(self, store: Store, account: UserAccount) -> None:
        listed = await account.mailboxes()
        found = (
            {each.name for each in listed if each.exists},
            {each.name for each in listed if each.subscribed},
        )
        damaged = (await store.account(self._user)).log.damaged
        if damaged:
            self._note("marked")
        facts = [self._specimen.now]
        if damaged or len(self._mutations) > 1:
            facts = [moment.facts for moment in self._specimen.moments]
        if all(found != (each.names, each.subscribed) for each in facts):
            raise Wrong(found, facts[-1].names, facts[-1].subscribed)
        rights = rights_in(await store.account(self._user))
        if all(rights != each.rights for each in (Facts({}), *facts)):
            raise Wrong("who is let in", rights, facts[-1].rights)

    async def _look_at(
        self, store: Store, account: UserAccount, name: MailboxName
    ) -> None:
        log = (await store.account(self._user)).log
        try:
            status = await account.status(name)
            rows, uidvalidity = await self._read(account, name)
        except self._refusals:
            self._note("refused")
            return
        except NoSuchMailbox:
            if log.damaged:
                return
            raise
        damaged = (await mailbox_of(store, self._user, name)).log.damaged
        self._readable[name] = rows
        self._compare(name, rows, damaged=damaged)
        if damaged:
            return
        given = max([self._specimen.given[name], *self._new[name]])
        alone = len(self._mutations) == 1
        if (
            uidvalidity != self._specimen.uidvalidity[name]
            or (alone and status.uidnext <= given)
            or status.messages != len(rows)
            or status.unseen != sum("\\Seen" not in row.marks for row in rows.values())
        ):
            raise Wrong(name, status, uidvalidity)

    async def _read(self, account: UserAccount, name: MailboxName) -> tuple[Rows, int]:
        """Return all messages and UIDVALIDITY.

        Each bad snapshot may cost a try: another one takes its place.
        """
        selected = await account.select(name, read_only=False)
        bad = sum(mutation.part == "snap" for mutation in self._mutations)
        try:
            for _ in range(bad):
                with suppress(StoreFailure):
                    return await rows_of(selected), int(selected.uidvalidity)
                self._note("mended")
                await selected.sync(may_expunge=True)
            return await rows_of(selected), int(selected.uidvalidity)
        finally:
            selected.close()

    def _compare(self, name: MailboxName, rows: Rows, *, damaged: bool = False) -> None:
        """Say whether these messages are what was stored."""
        if damaged:
            self._note("marked")
            self._compare_with_ever(name, rows)
            return
        if None in {row.octets for row in rows.values()}:
            self._note("withheld")
            if not any(mutation.part == "log" for mutation in self._mutations):
                raise Wrong("withheld", name)
        facts = [self._specimen.now]
        if len(self._mutations) > 1:
            facts = [moment.facts for moment in self._specimen.moments]
        if not any(self._are(each.boxes[name], name, rows) for each in facts):
            raise Wrong(name, _short(rows), _short(facts[-1].boxes[name]))

    def _are(self, old: Rows, name: MailboxName, rows: Rows) -> bool:
        """Say whether these are the old messages, as marked since, and the new."""
        expected = {**old, **self._new[name]}
        if name == OTHER:
            for uid, marks in self._marked.items():
                if uid in expected:
                    expected[uid] = expected[uid]._replace(marks=marks)
        return expected.keys() == rows.keys() and all(
            _is(row, expected[uid]) for uid, row in rows.items()
        )

    def _compare_with_ever(self, name: MailboxName, rows: Rows) -> None:
        ever = self._specimen.ever(name)
        for uid, row in self._new[name].items():
            ever.setdefault(uid, set()).add(row)
        for uid, marks in self._marked.items():
            if name == OTHER:
                known = ever.get(uid, set())
                known |= {each._replace(marks=marks) for each in known}
        for uid, row in rows.items():
            if not any(_is(row, each) for each in ever.get(uid, ())):
                raise Wrong(name, uid, _short({uid: row}))

    async def _write(self, store: Store) -> None:
        """Deliver, append and mark; note what is acknowledged."""
        works: list[Callable[[Store], Awaitable[None]]] = [
            self._deliver,
            self._append,
            self._mark,
        ]
        self._chance.shuffle(works)
        for work in works:
            try:
                await work(store)
            except MailboxGone as error:
                if self._only_locks:
                    raise Wrong("it was not deleted") from error
            except MailError:
                continue

    async def _deliver(self, store: Store) -> None:
        deliveries = Deliveries(store, knows_none)
        recipient = await deliveries.find(str(self._user))
        delivered = await deliveries.deliver(recipient, HEADER, MemoryContent(NEW))
        self._take(INBOX, int(delivered.uid), Row(HEADER + NEW, frozenset(), (0, 0)))

    async def _append(self, store: Store) -> None:
        account = UserAccount(store, await store.account(self._user))
        message = new_message(NEW, "\\Seen", "three")
        appended = await account.append(OTHER, [message])
        (uid,) = appended.uids
        self._take(OTHER, int(uid), Row(NEW, frozenset({"\\Seen", "three"}), (0, 0)))

    def _take(self, name: MailboxName, uid: int, row: Row) -> None:
        if len(self._mutations) == 1 and uid <= self._specimen.given[name]:
            raise Wrong("a UID was given twice", name, uid)
        if uid in self._new[name]:
            raise Wrong("a UID was given twice", name, uid)
        self._new[name][uid] = row

    async def _mark(self, store: Store) -> None:
        account = UserAccount(store, await store.account(self._user))
        selected = await account.select(OTHER, read_only=False)
        marks = frozenset({"\\Flagged", "four"})
        try:
            uids = selected.uids[:2].tolist()
            await selected.set_flags(uids, FlagChange.REPLACE, marks)
        finally:
            selected.close()
        self._marked.update(dict.fromkeys(map(int, uids), marks))

    def _note(self, outcome: str) -> None:
        """Keep the worst that was told."""
        if OUTCOMES.index(outcome) > OUTCOMES.index(self.outcome):
            self.outcome = outcome


def _is(row: Row, expected: Row) -> bool:
    """Say whether this is a message, its octets perhaps withheld."""
    return (
        row.octets in {None, expected.octets}
        and row.marks == expected.marks
        # When a new one was stored, only the clock knows.
        and expected.date in {(0, 0), row.date}
    )


def _short(rows: Rows) -> dict[int, object]:
    return {
        uid: (row.octets and row.octets[:20], sorted(row.marks), row.date)
        for uid, row in rows.items()
    }


@asynccontextmanager
async def started(directory: Path) -> AsyncIterator[list[Store]]:
    """Give four processes on one store, two of another boot."""
    stores = Stores(directory)
    try:
        four = [await stores.start(threads=False) for _ in range(4)]
        for store in four[2:]:
            store.settings = replace(store.settings, boot=store.settings.boot ^ 1)
        yield four
    finally:
        await stores.stop()


async def specimens(store: Store, chance: random.Random, names: str) -> list[Specimen]:
    """Make a few."""
    usual = store.settings
    found = []
    for number in range(SPECIMENS):
        limit = LIMITS[number % len(LIMITS)]
        store.settings = replace(usual, segment_limit=limit)
        maker = Maker(store, UserName(f"{names}{number}"), chance)
        found.append(await maker.make(chance.randint(8, 16)))
    store.settings = usual
    return found


class Damage:
    """Many mutations, and what came of them.

    Attributes:
        outcomes: How often, by part, kind and outcome.
        wrong: What is wrong, in words.
        mended: How many accounts were mended that were marked or refused.

    Args:
        seed: Of what happens.
        enough: That is wrong.
        always: The only way in which files are damaged.
    """

    def __init__(
        self, seed: int, enough: int = ENOUGH, always: tuple[str, str] | None = None
    ) -> None:
        self.outcomes: Counter[tuple[str, str, str]] = Counter()
        self.wrong: list[str] = []
        self.mended = 0
        self._seed = seed
        self._enough = enough
        self._always = always

    async def round(
        self, directory: Path, number: int, steps: int, at_once: int
    ) -> None:
        """Make new specimens, and damage them in many ways.

        Args:
            directory: Where to.
            number: Of the round.
            steps: How often.
            at_once: How many files each time.
        """
        chance = random.Random(f"{self._seed} {number}")
        async with started(directory) as stores:
            all_specimens = await specimens(stores[0], chance, f"r{number}-")
            ways = [] if self._always else all_ways(chance)
            for each in range(steps):
                own = chance.choice(all_specimens)
                others = [other for other in all_specimens if other is not own]
                mutations = [
                    mutate(chance, own, others, ways.pop() if ways else self._always)
                    for _ in range(at_once)
                ]
                user = UserName(f"d{number}-{each}")
                examination = Examination(own, mutations, user, chance)
                await self._examine(examination, stores, chance, mutations)
                write_tree(files_of(stores[0], user), {})
                if len(self.wrong) >= self._enough:
                    return

    async def _examine(
        self,
        examination: Examination,
        stores: Sequence[Store],
        chance: random.Random,
        mutations: Sequence[Mutation],
    ) -> None:
        beneath = chance.random() < 0.25
        first = 0 if beneath else chance.choice((0, 2))
        work = examination.beneath if beneath else examination.after
        two = stores[first], stores[first + 1]
        try:
            await work(*two)
        except Exception:  # noqa: BLE001 - any is a finding
            what = [(each.part, each.kind, each.path) for each in mutations]
            self.wrong.append(f"{what} {beneath=} {first=}\n{traceback.format_exc()}")
        else:
            for each in mutations:
                self.outcomes[each.part, each.kind, examination.outcome] += 1
            self.mended += examination.was_mended
        finally:
            examination.open_all(two)

    def told(self) -> list[str]:
        """Return the counts, by part and by kind."""
        lines = []
        for column, names in enumerate((PARTS, KINDS)):
            for name in names:
                counts: Counter[str] = Counter()
                for key, count in self.outcomes.items():
                    if key[column] == name:
                        counts[key[2]] += count
                told = ", ".join(f"{counts[each]} {each}" for each in OUTCOMES)
                lines.append(f"{name}: {told}")
        return lines


portions = pytest.mark.parametrize("rounds", PORTIONS)


@pytest.mark.slow
@portions
async def test_damage_is_found_or_harmless(
    tmp_path: Path, seed: int, rounds: range, tell: Callable[[object], None]
) -> None:
    """Whatever becomes of one file, what is told is true, or it is told as damage."""
    damage = Damage(seed)
    for number in rounds:
        await damage.round(tmp_path, number, ROUND, 1)
        assert not damage.wrong, "\n".join(damage.wrong)
    for line in damage.told():
        tell(line)
    tell(f"{damage.mended} were mended that were marked or refused")
    assert damage.mended > len(rounds) * ROUND // 50
    assert {part for part, _, _ in damage.outcomes} == set(PARTS)
    assert {kind for _, kind, _ in damage.outcomes} == set(KINDS)
    assert {outcome for _, _, outcome in damage.outcomes} == set(OUTCOMES)


@pytest.mark.slow
@portions
async def test_two_damaged_files_invent_nothing(
    tmp_path: Path, seed: int, rounds: range, tell: Callable[[object], None]
) -> None:
    """Without a head and the end of its log, a mailbox is what it once was."""
    damage = Damage(seed)
    for number in rounds:
        await damage.round(tmp_path, number, PAIRS, 2)
        assert not damage.wrong, "\n".join(damage.wrong)
    told = Counter[str]()
    for (_, _, outcome), count in damage.outcomes.items():
        told[outcome] += count
    tell(", ".join(f"{told[each]} {each}" for each in OUTCOMES))


def check_no_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any octets be those of a message."""
    monkeypatch.setattr(Place, "is_intact", lambda _, octets: bool(octets))


def check_no_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any snapshot be a good one."""

    def check(*_: object) -> Steps[None]:
        yield from ()

    monkeypatch.setattr(imapbox.index.snapshot_reader, "check_part", check)
    monkeypatch.setattr(Chunk, "_check", lambda *_: None)


def check_no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any log be that of a mailbox."""
    monkeypatch.setattr(OpenMailbox, "_check_identity", lambda *_: None)


def mend_any_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a repair take any segment for one of the mailbox."""
    monkeypatch.setattr(
        imapbox.index.mailbox_plan, "own_segments", lambda scans, *_: scans
    )
    monkeypatch.setattr("tests.damage.test_damage.MENDED", 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("careless", "way"),
    [
        (check_no_octets, ("log", "flipped bits")),
        (check_no_snapshots, ("snap", "flipped bits")),
        (check_no_identity, ("log", "splice")),
        (mend_any_segment, ("log", "splice")),
    ],
)
async def test_who_checks_less_is_caught(
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    careless: Callable[[pytest.MonkeyPatch], None],
    way: tuple[str, str],
) -> None:
    """Without one of its checks imapbox tells, or mends, what was never stored."""
    careless(monkeypatch)
    damage = Damage(seed, enough=1, always=way)
    for number in range(3_000 // ROUND):
        await damage.round(tmp_path, number, ROUND, 1)
        if damage.wrong:
            return
    pytest.fail("nobody noticed")
