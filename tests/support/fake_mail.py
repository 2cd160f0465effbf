"""Accounts and mailboxes in memory, behind the ports of `imapbox.mailbox`.

Simple and honest: what one session commits the others learn in their next
`sync`, and not before. `pause` is awaited in every coroutine, before its
effect, so that a test decides how slow the store is.
"""

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred, succeed

from imapbox.disk.spool import Content, MemoryContent, Spool
from imapbox.index.uid_ranges import Bounds as UidBounds
from imapbox.index.uid_roll import Uids
from imapbox.mailbox.account_interface import Hints
from imapbox.mailbox.annotations import MOST_ANNOTATIONS
from imapbox.mailbox.interfaces import UidArray
from imapbox.mailbox.messages import MarkedRow, Message
from imapbox.mailbox.tree import FewNames
from imapbox.mailbox.updates import (
    Exists,
    Expunged,
    FlagsChanged,
    KeywordsDefined,
    Update,
)
from imapbox.mailbox.values import (
    Appended,
    Copied,
    Listed,
    Namespaces,
    NewMessage,
    Piece,
    Status,
)
from imapbox.mailbox.vanished import vanished
from imapbox.mime.card import make_card
from imapbox.mime.scanner import Scanner
from imapbox.model.criteria import Like, Text
from imapbox.model.errors import (
    MailboxExists,
    MailboxGone,
    MailboxReadOnly,
    MessageGone,
    NoSuchMailbox,
    QuotaExceeded,
    RightsRefused,
    TooManyAnnotations,
)
from imapbox.model.flags import FLAG_NAMES, Flag, FlagChange, split_flags
from imapbox.model.message import InternalDate
from imapbox.model.names import INBOX, MailboxName, UserName, parents
from imapbox.model.numbers import ModSeq, NoSuchMessage, Seq, Uid, UidValidity
from imapbox.model.quota import NO_QUOTA, NOTHING_USED, Quota, Usage
from imapbox.model.rights import (
    ALL_RIGHTS,
    NO_RIGHTS,
    Grantable,
    Rights,
    RightsChange,
)
from imapbox.query.columns import Bounds, Facts
from imapbox.query.matches import Matches

ANA = UserName("ana")
NOW = InternalDate(1_700_000_000, 60)
T = TypeVar("T")
Pause = Callable[[str], Awaitable[object]]


def at_once(_what: str) -> Awaitable[object]:
    return succeed(None)


def refusing(error: Exception, only: str = "") -> Pause:
    """A `pause` that raises ``error``: at each step, or at ``only`` one."""

    async def pause(what: str) -> None:
        if only in {"", what}:
            raise error

    return pause


@dataclass
class Stored:
    uid: Uid
    flags: int
    keywords: int
    modseq: int
    date: InternalDate
    octets: bytes
    header_size: int = 0
    card: bytes = b""
    savedate: int = 0

    @property
    def emailid(self) -> bytes:
        return blake2b(self.octets, digest_size=16).digest()


@dataclass
class FakeBox:
    """One mailbox, as all sessions share it."""

    uidvalidity: int
    now: int = NOW.seconds + 1000
    messages: dict[int, Stored] = field(default_factory=dict)
    uidnext: int = 1
    modseq: int = 1
    recent_from: int = 1
    keywords: list[str] = field(default_factory=list)
    gone: bool = False
    waiting: list[Deferred[None]] = field(default_factory=list)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    bodies_gone: set[int] = field(default_factory=set)
    special_use: str | None = None
    rights_given: dict[str, Rights] = field(default_factory=dict)
    floor: int = 0
    vanished: dict[int, int] = field(default_factory=dict)

    @property
    def mailbox_id(self) -> bytes:
        return self.uidvalidity.to_bytes(16, "big")

    def bit_of(self, keyword: str) -> int:
        for number, known in enumerate(self.keywords):
            if known.lower() == keyword.lower():
                return 1 << number
        self.keywords.append(keyword)
        return 1 << len(self.keywords) - 1

    def add(
        self,
        octets: bytes,
        flags: Iterable[str] = (),
        date: InternalDate = NOW,
    ) -> Uid:
        system, words = split_flags(frozenset(flags))
        mask = 0
        for word in sorted(words):
            mask |= self.bit_of(word)
        self.modseq += 1
        uid = Uid(self.uidnext)
        self.uidnext += 1
        self.messages[uid] = Stored(
            uid, int(system), mask, self.modseq, date, octets, savedate=self.now
        )
        self.changed()
        return uid

    def copy(self, uid: Uid, target: "FakeBox") -> Uid:
        stored = self.messages[uid]
        flags = [name for flag, name in FLAG_NAMES.items() if stored.flags & flag]
        words = enumerate(self.keywords)
        flags += [word for number, word in words if stored.keywords >> number & 1]
        return target.add(stored.octets, flags, stored.date)

    def changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)


class FakeSpool(Spool):
    """A spool that stays in memory."""

    def __init__(self, account: "FakeAccount") -> None:
        self.size = 0
        self._account = account
        self._octets = bytearray()
        account.spools.add(self)

    async def write(self, data: bytes) -> None:
        self._account.spools.add(self)
        await self._account.pause("spool")
        self._octets += data
        self.size = len(self._octets)

    async def finish(self) -> Content:
        await self._account.pause("finish")
        self._account.spools.discard(self)
        octets, self._octets = self._octets, bytearray()
        self.size = 0
        return MemoryContent(bytes(octets), self._account.card)

    def discard(self) -> None:
        self._account.spools.discard(self)


class FakeWatch:
    """See `account_interface.AccountWatch`."""

    def __init__(self, account: "FakeAccount", wake: Callable[[], None]) -> None:
        self._account = account
        self._wake = wake
        self._tree = False
        self._hinted: set[bytes] = set()
        self._followed: dict[bytes, tuple[FakeBox, Callable[[], None]]] = {}
        account.watches.append(self)

    @property
    def has_hints(self) -> bool:
        return self._tree or bool(self._hinted)

    def take(self) -> Hints:
        hints = Hints(self._tree, frozenset(self._hinted))
        self._tree = False
        self._hinted.clear()
        return hints

    def follow(self, mailbox_id: bytes) -> bool:
        if mailbox_id not in self._followed:
            if not self._account.watches_left:
                return False
            self._account.watches_left -= 1

            def written() -> None:
                self._hinted.add(mailbox_id)
                self._wake()

            boxes = [*self._account.boxes.values(), *self._account.deleted]
            box = next(each for each in boxes if each.mailbox_id == mailbox_id)
            self._followed[mailbox_id] = box, written
            box.listeners.append(written)
        return True

    def leave(self, mailbox_id: bytes) -> None:
        if mailbox_id in self._followed:
            box, written = self._followed.pop(mailbox_id)
            self._account.watches_left += 1
            box.listeners.remove(written)
        self._hinted.discard(mailbox_id)

    def tree_written(self) -> None:
        self._tree = True
        self._wake()

    def close(self) -> None:
        for mailbox_id in tuple(self._followed):
            self.leave(mailbox_id)
        self._account.watches.remove(self)


@dataclass
class FakeAccount:
    user: UserName = ANA
    pause: Pause = at_once
    boxes: dict[str, FakeBox] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)
    spools: set[FakeSpool] = field(default_factory=set)
    open: list["FakeMailbox"] = field(default_factory=list)
    uidvalidity: int = 100
    moves_at_once: int = 1000
    watches: list[FakeWatch] = field(default_factory=list)
    watches_left: int = 10_000
    deleted: list[FakeBox] = field(default_factory=list)
    # Mailboxes that need not be opened to be counted.
    quick: set[str] = field(default_factory=set)
    lacks: frozenset[str] = frozenset()
    closed: int = 0
    # What a full-text index knows, whatever is asked.
    likes: Matches | None = None
    limits: Quota = NO_QUOTA
    annotations: dict[str | None, dict[str, bytes]] = field(default_factory=dict)

    # What is found in each message, and what was found in those of the last APPEND.
    card: bytes = b""
    cards: list[bytes] = field(default_factory=list)

    # Secrets by id of a mailbox, and other users.
    keys: dict[bytes, bytes] = field(default_factory=dict)
    others: dict[str, "FakeAccount"] = field(default_factory=dict)

    @property
    def url_keys(self) -> "FakeUrlKeys":
        return FakeUrlKeys(self)

    async def other(self, user: UserName) -> "FakeAccount | None":
        await self.pause("other")
        return self.others.get(user)

    def __post_init__(self) -> None:
        self.boxes.setdefault(INBOX, self._new_box())

    @property
    def inbox(self) -> FakeBox:
        return self.boxes[INBOX]

    def watch(self, wake: Callable[[], None]) -> FakeWatch | None:
        return FakeWatch(self, wake) if self.watches_left else None

    def _written(self) -> None:
        for watch in tuple(self.watches):
            watch.tree_written()

    def _new_box(self) -> FakeBox:
        self.uidvalidity += 1
        return FakeBox(self.uidvalidity)

    def _box(self, name: MailboxName) -> FakeBox:
        if name not in self.boxes:
            raise NoSuchMailbox(name)
        return self.boxes[name]

    def close(self) -> None:
        self.closed += 1

    async def namespaces(self) -> Namespaces:
        return Namespaces()

    def new_spool(self) -> Spool:
        return FakeSpool(self)

    async def mailboxes(self, within: MailboxName | None = None) -> FewNames:
        await self.pause("mailboxes")
        names = {*self.boxes, *self.subscribed}
        names |= {parent for name in self.boxes for parent in parents(name)}
        return FewNames(
            Listed(
                MailboxName(name),
                name in self.subscribed,
                name in self.boxes,
                any(other.startswith(name + "/") for other in self.boxes),
                self.boxes[name].special_use if name in self.boxes else None,
                mailbox_id=self.boxes[name].mailbox_id if name in self.boxes else None,
            )
            for name in names
            if within in {None, name, *parents(name)}
        )

    async def create(self, name: MailboxName, uses: Sequence[str] = ()) -> bytes:
        await self.pause("create")
        if name in self.boxes:
            raise MailboxExists(name)
        self.boxes[name] = self._new_box()
        self.boxes[name].special_use = " ".join(uses) or None
        self._written()
        return self.boxes[name].mailbox_id

    async def delete(self, name: MailboxName) -> None:
        await self.pause("delete")
        box = self._box(name)
        del self.boxes[name]
        self.deleted.append(box)
        box.gone = True
        box.changed()
        self._written()

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        await self.pause("rename")
        if new in self.boxes:
            raise MailboxExists(new)
        self.boxes[new] = self._box(old)
        del self.boxes[old]
        self._written()

    async def owner_of(self, name: MailboxName) -> UserName:
        await self.pause("owner_of")
        del name
        return self.user

    async def my_rights(self, name: MailboxName) -> Rights:
        await self.pause("my_rights")
        self._box(name)
        return ALL_RIGHTS

    async def access_list(self, name: MailboxName) -> Mapping[str, Rights]:
        await self.pause("access_list")
        return {self.user: ALL_RIGHTS, **self._box(name).rights_given}

    async def grantable(self, name: MailboxName, identifier: str) -> Grantable:
        await self.pause("grantable")
        self._box(name)
        if identifier == self.user:
            return Grantable(ALL_RIGHTS, NO_RIGHTS)
        return Grantable(NO_RIGHTS, ALL_RIGHTS)

    async def change_rights(
        self, name: MailboxName, identifier: str, change: RightsChange
    ) -> None:
        await self.pause("change_rights")
        if identifier == self.user:
            raise RightsRefused(identifier)
        given = self._box(name).rights_given
        given[identifier] = change.of(given.get(identifier, NO_RIGHTS))
        if not given[identifier]:
            del given[identifier]

    async def subscribe(self, name: MailboxName) -> None:
        await self.pause("subscribe")
        self.subscribed.add(name)
        self._written()

    async def unsubscribe(self, name: MailboxName) -> None:
        await self.pause("unsubscribe")
        self.subscribed.discard(name)
        self._written()

    async def check_append(self, name: MailboxName) -> None:
        await self.pause("check_append")
        self._box(name)

    async def quota(self) -> tuple[Quota, Usage]:
        await self.pause("quota")
        return self.limits, self._held()

    def _held(self) -> Usage:
        sizes = [
            len(each.octets)
            for box in self.boxes.values()
            for each in box.messages.values()
        ]
        return Usage(sum(sizes), len(sizes))

    async def metadata(self, name: MailboxName | None) -> Mapping[str, bytes]:
        await self.pause("metadata")
        if name is not None:
            self._box(name)
        return dict(sorted(self.annotations.get(name, {}).items()))

    async def all_metadata(self) -> Mapping[bytes | None, Mapping[str, bytes]]:
        await self.pause("all_metadata")
        return {
            None if name is None else self.boxes[name].mailbox_id: dict(values)
            for name, values in self.annotations.items()
            if name is None or name in self.boxes
        }

    async def set_metadata(
        self, name: MailboxName | None, values: Mapping[str, bytes | None]
    ) -> None:
        await self.pause("set_metadata")
        if name is not None:
            self._box(name)
        known = self.annotations.setdefault(name, {})
        for entry, value in values.items():
            if value is None:
                known.pop(entry, None)
            else:
                known[entry] = value
        if len(known) > MOST_ANNOTATIONS:
            raise TooManyAnnotations
        self._written()

    async def append(
        self,
        name: MailboxName,
        messages: Sequence[NewMessage],
        freed: Usage = NOTHING_USED,
    ) -> Appended:
        await self.pause("append")
        box = self._box(name)
        more = Usage(sum(each.content.size for each in messages), len(messages))
        if not self.limits.allows(self._held().plus(more).minus(freed)):
            raise QuotaExceeded
        uids = [
            box.add(
                each.content.octets,
                each.flags,
                each.date or NOW,
            )
            for each in messages
        ]
        self.cards = [each.content.card for each in messages]

        async def take_back() -> None:
            await self.pause("take_back")
            for uid in uids:
                del box.messages[uid]

        return Appended(UidValidity(box.uidvalidity), uids, take_back)

    async def status(
        self,
        name: MailboxName,
        *,
        deleted: bool = True,
        recent: bool = True,
        sizes: bool = False,
    ) -> Status:
        await self.pause("status")
        box = self._box(name)
        return Status(
            messages=len(box.messages),
            recent=box.uidnext - box.recent_from if recent else None,
            uidnext=box.uidnext,
            uidvalidity=UidValidity(box.uidvalidity),
            unseen=sum(not each.flags & Flag.SEEN for each in box.messages.values()),
            deleted=sum(
                bool(each.flags & Flag.DELETED) for each in box.messages.values()
            )
            if deleted
            else None,
            deleted_size=sum(
                len(each.octets)
                for each in box.messages.values()
                if each.flags & Flag.DELETED
            )
            if sizes
            else None,
            size=sum(len(each.octets) for each in box.messages.values()),
            highestmodseq=ModSeq(box.modseq),
            mailbox_id=box.mailbox_id,
        )

    async def quick_status(
        self, names: Sequence[MailboxName]
    ) -> Mapping[MailboxName, Status]:
        await self.pause("quick_status")
        quick = self.quick & set(names)
        return {
            MailboxName(name): await self.status(
                MailboxName(name), deleted=False, recent=False
            )
            for name in quick
        }

    async def select(
        self, name: MailboxName, *, read_only: bool, takes_recent: bool = True
    ) -> "FakeMailbox":
        await self.pause("select")
        box = self._box(name)
        before = box.recent_from
        selected = FakeMailbox(self, name, box, read_only=read_only)
        if not takes_recent:
            box.recent_from = before
        self.open.append(selected)
        return selected


@dataclass
class FakeUrlKeys:
    account: FakeAccount

    async def find(self, name: MailboxName) -> bytes | None:
        await self.account.pause("find key")
        return self.account.keys.get(self.account._box(name).mailbox_id)

    async def need(self, name: MailboxName) -> bytes:
        if await self.find(name) is None:
            await self.renew(name)
        return self.account.keys[self.account._box(name).mailbox_id]

    async def renew(self, name: MailboxName) -> None:
        await self.account.pause("set key")
        mailbox_id = self.account._box(name).mailbox_id
        before = self.account.keys.get(mailbox_id, mailbox_id)
        self.account.keys[mailbox_id] = blake2b(before, digest_size=32).digest()

    async def remove_all(self) -> None:
        await self.account.pause("set key")
        self.account.keys.clear()


class FakeMailbox:
    """One session's sight of a `FakeBox`.

    Attributes:
        rights: What may be done there.
    """

    rights = ALL_RIGHTS

    def __init__(
        self, account: FakeAccount, name: MailboxName, box: FakeBox, *, read_only: bool
    ) -> None:
        self.name = name
        self.read_only = read_only
        self.uidvalidity = UidValidity(box.uidvalidity)
        self.mailbox_id = box.mailbox_id
        self._account = account
        self._box = box
        self._told = dict(box.messages)
        self._told_modseq = self._told_up_to = box.modseq
        self._told_keywords = len(box.keywords)
        self._recent = {uid for uid in box.messages if uid >= box.recent_from}
        if not read_only:
            box.recent_from = box.uidnext

    @property
    def exists(self) -> int:
        return len(self._told)

    @property
    def recent(self) -> int:
        return len(self._recent & self._told.keys())

    @property
    def uidnext(self) -> int:
        return self._box.uidnext

    @property
    def uids(self) -> Uids:
        return uids_of(self._told)

    def unseen(self) -> int:
        return sum(not each.flags & Flag.SEEN for each in self._told.values())

    @property
    def highestmodseq(self) -> ModSeq:
        return ModSeq(self._told_up_to)

    def first_unseen(self) -> Seq | None:
        for seq, stored in enumerate(self._told.values(), start=1):
            if not stored.flags & Flag.SEEN:
                return Seq(seq)
        return None

    def keywords(self) -> Sequence[str]:
        return self._box.keywords

    async def check_readable(self) -> None:
        if Rights.READ not in self.rights:
            raise MailboxGone(self.name)

    def may_add_keywords(self) -> bool:
        return not self.read_only

    def _message(self, seq: int, stored: Stored) -> Message:
        return Message(
            Seq(seq),
            stored.uid,
            stored.flags,
            stored.keywords,
            ModSeq(stored.modseq),
            stored.date.seconds,
            stored.date.zone,
            len(stored.octets),
            stored.uid in self._recent,
            stored.header_size,
            len(stored.card),
            stored.savedate,
            stored.emailid,
        )

    def by_seq(self, ranges: Iterable[range]) -> Iterator[Message]:
        chosen = tuple(ranges)
        for each in chosen:
            if each and (each[0] < 1 or each[-1] > self.exists):
                raise NoSuchMessage(each[-1])
        rows = list(self._told.values())
        return (self._message(seq, rows[seq - 1]) for each in chosen for seq in each)

    def by_uid(self, ranges: Iterable[range]) -> Iterator[Message]:
        chosen = tuple(ranges)
        return (
            self._message(seq, stored)
            for seq, stored in enumerate(tuple(self._told.values()), start=1)
            if any(stored.uid in each for each in chosen)
        )

    def marks_by_seq(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        return map(_marked, self.by_seq(ranges))

    def marks_by_uid(self, ranges: Iterable[range]) -> Iterator[MarkedRow]:
        return map(_marked, self.by_uid(ranges))

    def messages_of(self, uids: NDArray[np.uint32]) -> Iterator[Message]:
        known = set(uids.tolist())
        assert known <= self._told.keys()
        everyone = enumerate(tuple(self._told.values()), start=1)
        return (self._message(*each) for each in everyone if each[1].uid in known)

    def marks_of(self, uids: NDArray[np.uint32]) -> Iterator[MarkedRow]:
        return map(_marked, self.messages_of(uids))

    def uids_by_seq(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        return np.array([each.uid for each in self.by_seq(ranges)], np.uint32)

    def uids_by_uid(self, ranges: Iterable[range]) -> NDArray[np.uint32]:
        return np.array([each.uid for each in self.by_uid(ranges)], np.uint32)

    def remaining(self, uids: UidArray) -> NDArray[np.uint32]:
        there = [uid for uid in uids if uid in self._box.messages]
        return np.array(there, np.uint32)

    def _modseqs(self, uids: UidArray) -> NDArray[np.uint64]:
        return np.array([self._told[Uid(int(uid))].modseq for uid in uids], np.uint64)

    def changed_since(self, uids: UidArray, modseq: ModSeq) -> NDArray[np.uint32]:
        return np.asarray(uids, np.uint32)[self._modseqs(uids) > modseq]

    def vanished_since(self, modseq: ModSeq, within: Sequence[range]) -> UidBounds:
        box = self._box
        history = [
            range(uid, uid + 1)
            for uid in range(1, box.uidnext)
            if uid not in box.messages and box.vanished.get(uid, box.modseq) > modseq
        ]
        known = None if modseq < self._box.floor else history
        uids = np.array(sorted(self._told), np.uint32)
        return vanished(uids, self._box.uidnext, known, within)

    def greatest_modseq(self, uids: UidArray) -> ModSeq:
        return ModSeq(int(self._modseqs(uids).max()))

    def bounds(self) -> Bounds:
        return Bounds(self.exists, max(self._told, default=0), self.keywords())

    async def matches(
        self, texts: Collection[Text], pause: Callable[[], Awaitable[None]]
    ) -> Mapping[Text, Matches]:
        await pause()
        known = self._account.likes
        likes = [each for each in texts if isinstance(each, Like)]
        return {} if known is None else dict.fromkeys(likes, known)

    def facts(self, places: slice) -> Facts:
        told = list(self._told.values())[places]
        columns = {
            "flags": np.array([each.flags for each in told], np.uint32),
            "date": np.array([each.date.seconds for each in told], np.int64),
            "zone": np.array([each.date.zone for each in told], np.int16),
            "size": np.array([len(each.octets) for each in told], np.uint64),
            "modseq": np.array([each.modseq for each in told], np.uint64),
            "savedate": np.array([each.savedate for each in told], np.int64),
            "emailid": np.array([each.emailid for each in told], "V16"),
        }
        return Facts(
            first_seq=places.start + 1,
            uids=np.array([each.uid for each in told], np.uint32),
            recent_after=min(self._recent, default=self._box.uidnext) - 1,
            column=columns.__getitem__,
            keyword=lambda number: np.array(
                [each.keywords >> number & 1 for each in told], np.bool_
            ),
        )

    async def sync(self, *, may_expunge: bool) -> Collection[Update]:
        await self._account.pause("sync")
        if self._box.gone:
            raise MailboxGone
        updates: list[Update] = []
        if len(self._box.keywords) > self._told_keywords:
            self._told_keywords = len(self._box.keywords)
            updates.append(KeywordsDefined())
        gone = [uid for uid in self._told if uid not in self._box.messages]
        if may_expunge:
            seqs = {uid: seq for seq, uid in enumerate(self._told, start=1)}
            for uid in reversed(gone):
                del self._told[uid]
                updates.append(Expunged(Seq(seqs[Uid(uid)])))
        news = {
            uid: stored
            for uid, stored in self._box.messages.items()
            if uid not in self._told
        }
        if news and (may_expunge or not gone):
            self._told |= news
            if not self.read_only:
                self._recent |= {uid for uid in news if uid >= self._box.recent_from}
                self._box.recent_from = self._box.uidnext
            updates.append(Exists(self.exists, self.recent))
        updates += [
            FlagsChanged(self._message(seq, stored))
            for seq, stored in enumerate(self._told.values(), start=1)
            if stored.modseq > self._told_modseq and stored.uid not in news
        ]
        self._told_modseq = self._box.modseq
        if may_expunge or not gone:
            self._told_up_to = self._box.modseq
        return updates

    async def set_flags(
        self,
        uids: UidArray,
        change: FlagChange,
        flags: frozenset[str],
        *,
        unchanged_since: ModSeq | None = None,
    ) -> Sequence[Uid]:
        await self._account.pause("set_flags")
        if self.read_only:
            raise MailboxReadOnly
        system, words = split_flags(flags)
        mask = 0
        for word in sorted(words):
            mask |= self._box.bit_of(word)
        echoes = self._told_modseq == self._box.modseq
        modseq = self._box.modseq + 1
        left_alone = []
        for uid in uids:
            stored = self._box.messages.get(uid)
            if stored is None:
                continue
            if unchanged_since is not None and stored.modseq > unchanged_since:
                left_alone.append(Uid(int(uid)))
                continue
            if change is FlagChange.ADD:
                stored.flags |= system
                stored.keywords |= mask
            elif change is FlagChange.REMOVE:
                stored.flags &= ~system
                stored.keywords &= ~mask
            else:
                stored.flags, stored.keywords = int(system), mask
            stored.modseq = self._box.modseq = modseq
        if echoes:
            self._told_modseq = self._box.modseq
        self._box.changed()
        return left_alone

    async def expunge(self, uids: Iterable[range] | None = None) -> None:
        await self._account.pause("expunge")
        if self.read_only:
            raise MailboxReadOnly
        chosen = None if uids is None else tuple(uids)
        for uid, stored in tuple(self._box.messages.items()):
            named = chosen is None or any(uid in each for each in chosen)
            if named and stored.flags & Flag.DELETED:
                del self._box.messages[uid]
        self._box.modseq += 1
        self._box.changed()

    async def remove(self, uids: UidArray) -> None:
        await self._account.pause("remove")
        if self.read_only:
            raise MailboxReadOnly
        for uid in uids:
            self._box.messages.pop(int(uid), None)
        self._box.modseq += 1
        self._box.changed()

    async def copy(self, uids: UidArray, name: MailboxName) -> Copied | None:
        await self._account.pause("copy")
        target = self._account._box(name)
        originals = [Uid(int(uid)) for uid in uids]
        if any(uid not in self._box.messages for uid in originals):
            raise MessageGone
        if not originals:
            return None
        copies = [self._box.copy(uid, target) for uid in originals]
        return Copied(UidValidity(target.uidvalidity), originals, copies)

    async def move(self, uids: UidArray, name: MailboxName) -> Copied | None:
        await self._account.pause("move")
        moved = await self.copy(uids[: self._account.moves_at_once], name)
        if moved is not None:
            for uid in moved.originals:
                del self._box.messages[uid]
            self._box.changed()
        return moved

    async def read(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        await self._account.pause("read")
        return self._octets(pieces)

    def read_now(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        return self._octets(pieces)

    def _octets(self, pieces: Sequence[Piece]) -> Sequence[bytes | None]:
        assert sum(piece.size for piece in pieces) <= 1024 * 1024
        return [
            None
            if piece.uid in self._box.bodies_gone
            else self._told[piece.uid].octets[piece.start : piece.start + piece.size]
            for piece in pieces
        ]

    async def read_cards(self, uids: Sequence[Uid]) -> Sequence[bytes | None]:
        await self._account.pause("read_cards")
        return [self._told[uid].card or None for uid in uids]

    async def is_intact(self, uid: Uid) -> bool:
        return uid not in self._box.bodies_gone

    async def make_card(self, uid: Uid) -> bytes | None:
        await self._account.pause("make_card")
        if uid in self._box.bodies_gone:
            return None
        stored = self._told[uid]
        scanner = Scanner()
        scanner.feed(stored.octets[stored.header_size :])
        return make_card(scanner.finish())

    async def read_through(self, piece: Piece, work: Callable[[bytes], T]) -> T | None:
        (octets,) = await self.read([piece])
        return None if octets is None else work(octets)

    def changed(self) -> Deferred[None]:
        if self._told_up_to < self._box.modseq:
            return succeed(None)
        waiter: Deferred[None] = Deferred(self._box.waiting.remove)
        self._box.waiting.append(waiter)
        return waiter

    def close(self) -> None:
        self._account.open.remove(self)


def uids_of(numbers: Iterable[int]) -> Uids:
    """Return ascending UIDs as the index has them."""
    array = np.array(list(numbers), np.uint32)
    pieces = [array] if len(array) else []
    return Uids(pieces, array[:1].tolist(), [0, *map(len, pieces)])


def _marked(message: Message) -> MarkedRow:
    return message.seq, message.uid, message.marks
