"""Accounts that are going to be damaged, and what is true of them.

A specimen is made by the product, by a random day of work. Beside it a model
notes what was acknowledged: of each moment it keeps what was true then, and all
files of the account as they were.
"""

import random
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

from imapbox.disk.spool import MemoryContent
from imapbox.index.commit import Log
from imapbox.index.compact import compact
from imapbox.index.compact_plan import Policy
from imapbox.index.head import Head
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.snapshot_writer import write_snapshot
from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.messages import Message
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.values import Piece
from imapbox.model.flags import FLAG_NAMES, FlagChange
from imapbox.model.message import InternalDate
from imapbox.model.names import INBOX, MailboxName, UserName
from imapbox.store.access_facts import URL_KEY
from imapbox.store.deliveries import Deliveries
from imapbox.store.layout import user_directory
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.store import Store
from tests.damage.odd_files import Odd
from tests.support.mail_store import knows_none, new_message
from tests.support.waiting import turn, until

ALL: Final = [range(1, 1 << 31)]
OTHER: Final = MailboxName("Archive")
HEADER: Final = b"Return-Path: <a@example.org>\r\n"
MARKS: Final = ("\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "one", "two", "$Up")

Tree = Mapping[str, bytes]


class Row(NamedTuple):
    """What is known of a message.

    Attributes:
        octets: All of them; None: they were withheld.
        marks: Names of flags and keywords.
        date: INTERNALDATE, seconds since 1970 UTC and minutes east of it.
    """

    octets: bytes | None
    marks: frozenset[str]
    date: tuple[int, int]


Rows = dict[int, Row]
# Facts that let others in: by mailbox and name.
Rights = dict[tuple[bytes, str], bytes]


@dataclass
class Facts:
    """What is true of an account at one moment.

    Attributes:
        boxes: The messages of each mailbox that is looked at, by UID.
        names: Of all mailboxes.
        subscribed: Names.
        rights: Who is let in.
    """

    boxes: dict[MailboxName, Rows]
    names: set[MailboxName] = field(default_factory=set)
    subscribed: set[MailboxName] = field(default_factory=set)
    rights: Rights = field(default_factory=dict)


class Moment(NamedTuple):
    """What was true, and what the files were."""

    facts: Facts
    tree: Tree


@dataclass
class Specimen:
    """An account, and all its moments.

    Attributes:
        moments: Oldest first; the last one is damaged.
        ids: Of the mailboxes that are looked at.
        uidvalidity: Of them.
        given: The highest UID that was ever given in each.
    """

    moments: list[Moment]
    ids: dict[MailboxName, bytes]
    uidvalidity: dict[MailboxName, int]
    given: dict[MailboxName, int]

    @property
    def now(self) -> Facts:
        """Return what is true last."""
        return self.moments[-1].facts

    @property
    def tree(self) -> Tree:
        """Return the files as they are last."""
        return self.moments[-1].tree

    @property
    def ever_given(self) -> Rights:
        """Return what let others in at any time."""
        found: Rights = {}
        for moment in self.moments:
            found.update(moment.facts.rights)
        return found

    def ever(self, name: MailboxName) -> dict[int, set[Row]]:
        """Return everything that was ever true of a mailbox's messages."""
        found: dict[int, set[Row]] = {}
        for moment in self.moments:
            for uid, row in moment.facts.boxes[name].items():
                found.setdefault(uid, set()).add(row)
        return found


def files_of(store: Store, user: UserName) -> Path:
    """Return where a user's files are."""
    return Path(store.root, user_directory(user))


def read_tree(directory: Path) -> Tree:
    """Return all files below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def write_tree(
    directory: Path, tree: Mapping[str, bytes | Odd], before: Tree | None = None
) -> None:
    """Make a directory what a tree says, and nothing else.

    Args:
        directory: Which.
        tree: Its files.
        before: What they were before something else was put in their place.
    """
    shutil.rmtree(directory, ignore_errors=True)
    for name, content in tree.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Odd):
            content.put(path, (before or {})[name])
        else:
            path.write_bytes(content)
            path.chmod(0o600)
    for path in filter(Path.is_dir, (directory, *directory.rglob("*"))):
        path.chmod(0o700)


async def rows_of(selected: Selected) -> Rows:
    """Return all that a session can be told of a mailbox."""
    keywords = selected.keywords()
    messages = list(selected.by_uid(ALL))
    pieces = [Piece(each.uid, 0, each.size) for each in messages]
    octets = await selected.read(pieces)
    await selected.read_cards([each.uid for each in messages])
    return {
        int(each.uid): Row(
            content,
            _names_of(each, keywords),
            (each.date, each.zone),
        )
        for each, content in zip(messages, octets, strict=True)
    }


def _names_of(message: Message, keywords: Sequence[str]) -> frozenset[str]:
    named = [name for flag, name in FLAG_NAMES.items() if message.flags & flag]
    named += [word for n, word in enumerate(keywords) if message.keywords >> n & 1]
    unknown = message.flags & ~sum(FLAG_NAMES) or message.keywords >> len(keywords)
    assert not unknown, message
    return frozenset(named)


async def mailbox_of(store: Store, user: UserName, name: MailboxName) -> OpenMailbox:
    """Return what a process shares of a mailbox."""
    account = await store.account(user)
    return store.mailbox(account, account.named(name).mailbox_id)


class Maker:
    """Does a day of work, and notes it.

    Args:
        store: Where; its segments are as short as it says.
        user: A new one.
        chance: Of what happens.
    """

    def __init__(self, store: Store, user: UserName, chance: random.Random) -> None:
        self._store = store
        self._user = user
        self._chance = chance
        self._facts = Facts({INBOX: {}, OTHER: {}})
        self._given = {INBOX: 0, OTHER: 0}
        self._moments: list[Moment] = []
        self._number = 0

    async def make(self, steps: int) -> Specimen:
        """Return what becomes of so many steps."""
        await self._store.create_account(self._user)
        self._account_log = await self._store.account(self._user)
        self._account = UserAccount(self._store, self._account_log)
        for listed in await self._account.mailboxes():
            self._facts.names.add(listed.name)
            self._facts.subscribed.add(listed.name)
        await self._note_moment()
        kinds: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (5, self._append),
            (3, self._deliver),
            (5, self._mark),
            (2, self._expunge),
            (2, self._change_tree),
            (2, self._save),
            (1, self._compact),
            (2, self._let_in),
        ]
        weights, works = zip(*kinds, strict=True)
        for work in [self._append, *self._chance.choices(works, weights, k=steps)]:
            await work()
            await self._note_moment()
        ids, uidvalidity = {}, {}
        for name, rows in self._facts.boxes.items():
            selected = await self._account.select(name, read_only=True)
            assert await rows_of(selected) == rows
            uidvalidity[name] = int(selected.uidvalidity)
            selected.close()
            mailbox = await mailbox_of(self._store, self._user, name)
            ids[name] = mailbox.state.facts.mailbox_id
        return Specimen(self._moments, ids, uidvalidity, self._given)

    async def _note_moment(self) -> None:
        """Keep what is true and the files, once nobody writes to them.

        What was recent to a session is written behind its back.
        """
        await turn()
        await until(lambda: not self._store.drivers.write.runs)
        tree = self._tree()
        for path, content in tree.items():
            directory, _, name = path.rpartition("/")
            if name == "head":
                head = Head.decode(content)
                assert head is not None
                assert f"{directory}/log.{head.position.segment}" in tree
        self._moments.append(Moment(deepcopy(self._facts), tree))

    def _tree(self) -> Tree:
        """Return the files of the account, and of the mailboxes looked at."""
        tree = read_tree(files_of(self._store, self._user))
        names = self._account_log.state.names
        wanted = ("account", *(names[name].mailbox_id.hex() for name in (INBOX, OTHER)))
        return {
            path: content
            for path, content in tree.items()
            if path.split("/")[-2] in wanted
        }

    def _box(self) -> MailboxName:
        return self._chance.choice((INBOX, INBOX, OTHER))

    def _body(self) -> bytes:
        self._number += 1
        size = self._chance.choice((0, 30, 30, 600, 3000, 40_000))
        text = self._chance.randbytes(size // 2).hex().encode()
        return b"Subject: %d\r\n\r\n%b\r\n" % (self._number, text)

    def _marks(self) -> frozenset[str]:
        return frozenset(self._chance.sample(MARKS, self._chance.randint(0, 3)))

    async def _append(self) -> None:
        name = self._box()
        rows = []
        for _ in range(self._chance.randint(1, 3)):
            date = self._chance.randrange(2**31), self._chance.choice((0, 60, -570))
            rows.append(Row(self._body(), self._marks(), date))
        messages = [
            replace(
                new_message(row.octets or b"", *row.marks),
                date=InternalDate(row.date[0], row.date[1]),
            )
            for row in rows
        ]
        appended = await self._account.append(name, messages)
        self._note(name, dict(zip(map(int, appended.uids), rows, strict=True)))

    async def _deliver(self) -> None:
        body = self._body()
        deliveries = Deliveries(self._store, knows_none)
        recipient = await deliveries.find(str(self._user))
        uid = (await deliveries.deliver(recipient, HEADER, MemoryContent(body))).uid
        async with _Selecting(self._account, INBOX) as selected:
            (message,) = selected.by_uid([range(uid, uid + 1)])
        date = message.date, message.zone
        self._note(INBOX, {int(uid): Row(HEADER + body, frozenset(), date)})

    def _note(self, name: MailboxName, new: Rows) -> None:
        assert min(new) > self._given[name]
        self._given[name] = max(new)
        self._facts.boxes[name].update(new)

    def _some(self, rows: Iterable[int]) -> list[int]:
        uids = list(rows)
        return sorted(self._chance.sample(uids, min(len(uids), 3)))

    async def _mark(self) -> None:
        name, marks = self._box(), self._marks()
        change = self._chance.choice(list(FlagChange))
        rows = self._facts.boxes[name]
        uids = self._some(rows)
        async with _Selecting(self._account, name) as selected:
            await selected.set_flags(uids, change, marks)
        for uid in uids:
            before = rows[uid].marks
            after = {
                FlagChange.ADD: before | marks,
                FlagChange.REMOVE: before - marks,
                FlagChange.REPLACE: marks,
            }[change]
            rows[uid] = rows[uid]._replace(marks=after)

    async def _let_in(self) -> None:
        """Give rights or a key, or take them back."""
        name = self._box()
        mailbox_id = self._account_log.state.names[name].mailbox_id
        fact = self._chance.choice(("acl ana", "acl eve", URL_KEY))
        value = self._chance.choice((b"", b"lr", b"lrs"))
        await self._account_log.set_meta({fact: value}, mailbox_id)
        self._facts.rights.pop((mailbox_id, fact), None)
        if value:
            self._facts.rights[mailbox_id, fact] = value

    async def _expunge(self) -> None:
        name = self._box()
        rows = self._facts.boxes[name]
        uids = self._some(uid for uid, row in rows.items() if "\\Deleted" in row.marks)
        async with _Selecting(self._account, name) as selected:
            await selected.expunge([range(uid, uid + 1) for uid in uids])
        for uid in uids:
            del rows[uid]

    async def _change_tree(self) -> None:
        self._number += 1
        name = MailboxName(f"box {self._number}/below")
        old = self._some_name()
        match self._chance.randrange(5):
            case 1 if old is not None:
                await self._account.rename(old, name)
                self._facts.names ^= {old, name}
            case 2 if old is not None:
                await self._account.delete(old)
                self._facts.names.remove(old)
            case 3:
                await self._account.subscribe(name)
                self._facts.subscribed.add(name)
            case 4 if self._facts.subscribed:
                gone = self._chance.choice(sorted(self._facts.subscribed))
                await self._account.unsubscribe(gone)
                self._facts.subscribed.remove(gone)
            case _:
                await self._account.create(name)
                self._facts.names.add(name)

    def _some_name(self) -> MailboxName | None:
        names = sorted(each for each in self._facts.names if each.startswith("box"))
        return self._chance.choice(names) if names else None

    async def _save(self) -> None:
        mailbox = await mailbox_of(self._store, self._user, self._box())
        await mailbox.sync()
        work = write_snapshot(mailbox.directory, mailbox.state.freeze())
        await self._store.drivers.write.run(work)

    async def _compact(self) -> None:
        mailbox = await mailbox_of(self._store, self._user, self._box())
        policy = Policy(grace=self._chance.choice((0.0, 1000.0)), least=0)
        work = compact(
            Log(mailbox.directory, MailboxFacts), self._store.settings, policy
        )
        await self._store.drivers.write.run(work)


class _Selecting:
    """A session for a moment."""

    def __init__(self, account: UserAccount, name: MailboxName) -> None:
        self._account = account
        self._name = name

    async def __aenter__(self) -> Selected:
        self._selected = await self._account.select(self._name, read_only=False)
        return self._selected

    async def __aexit__(self, *_: object) -> None:
        self._selected.close()
