"""Sessions of two processes on one mailbox: whatever they do, they agree."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imapbox.mailbox.account import UserAccount
from imapbox.mailbox.messages import Message
from imapbox.mailbox.selected import Selected
from imapbox.mailbox.updates import Exists, Expunged, FlagsChanged
from imapbox.model.flags import FlagChange
from imapbox.model.names import INBOX
from imapbox.store.store import Store
from tests.conftest import EFFORT
from tests.support.forgetful import forgetful
from tests.support.mail_store import TestDisk, account_of, deliver, new_message
from tests.support.waiting import reactor

SESSIONS = 3  # two in the first process, one in the second
FLAGS = ["\\Seen", "\\Deleted", "\\Flagged", "one", "Two"]
Facts = tuple[int, int, frozenset[str]]

WHO = st.integers(0, SESSIONS - 1)
SOME = st.sets(st.integers(1, 12), min_size=1, max_size=4)
NAMED = st.frozensets(st.sampled_from(FLAGS), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.integers(0, 1)),
        st.tuples(st.just("append"), st.integers(0, 1), NAMED),
        st.tuples(st.just("store"), WHO, SOME, st.sampled_from(FlagChange), NAMED),
        st.tuples(st.just("expunge"), WHO),
        st.tuples(st.just("sync"), WHO, st.booleans()),
    ),
    max_size=25,
)


class Client:
    """Keeps what it was told of each message, in their order."""

    def __init__(self, selected: Selected) -> None:
        self.selected = selected
        self.messages: list[Facts] = []
        self._fetch(1)

    async def sync(self, *, may_expunge: bool) -> None:
        """Give a NOOP, or another command, and obey the updates."""
        before = [uid for uid, *_ in self.messages]
        for update in await self.selected.sync(may_expunge=may_expunge):
            if isinstance(update, Expunged):
                assert may_expunge
                del self.messages[update.seq - 1]
            elif isinstance(update, Exists):
                assert update.count > len(self.messages)
                self._fetch(len(self.messages) + 1)
            elif isinstance(update, FlagsChanged):
                assert self.messages[update.message.seq - 1][0] == update.message.uid
                self._note(update.message)
        assert self.selected.exists == len(self.messages)
        if not may_expunge:
            assert [uid for uid, *_ in self.messages][: len(before)] == before

    async def store(self, seqs: set[int], change: FlagChange, flags: Any) -> None:
        """Change flags of messages that it knows."""
        uids = [self.messages[seq - 1][0] for seq in seqs if seq <= len(self.messages)]
        await self.selected.set_flags(uids, change, flags)
        for message in self.selected.by_uid([range(uid, uid + 1) for uid in uids]):
            self._note(message)

    def _fetch(self, first: int) -> None:
        for message in self.selected.by_seq([range(first, self.selected.exists + 1)]):
            self.messages.append(self._facts(message))

    def _note(self, message: Message) -> None:
        self.messages[message.seq - 1] = self._facts(message)

    def _facts(self, message: Message) -> Facts:
        table = self.selected.keywords()
        names = {
            name for number, name in enumerate(table) if message.keywords >> number & 1
        }
        return message.uid, message.flags, frozenset(names)


class Mailbox:
    """Does what was drawn; counts what arrived."""

    def __init__(
        self, stores: list[Store], accounts: list[UserAccount], clients: list[Client]
    ) -> None:
        self.arrived = 0
        self._stores = stores
        self._accounts = accounts
        self._clients = clients

    async def take(self, kind: str, who: int, *rest: Any) -> None:
        """Take one step."""
        if kind == "deliver":
            self.arrived += 1
            assert await deliver(self._stores[who]) == self.arrived
        elif kind == "append":
            some = [new_message(body, *rest[0]) for body in (b"x", b"xyz")]
            appended = await self._accounts[who].append(INBOX, some)
            assert list(appended.uids) == [self.arrived + 1, self.arrived + 2]
            self.arrived += 2
        elif kind == "store":
            await self._clients[who].store(*rest)
        elif kind == "expunge":
            await self._clients[who].selected.expunge()
        else:
            await self._clients[who].sync(may_expunge=rest[0])


@pytest.mark.slow
@given(STEPS, st.sampled_from([0, 6, 10_000]))
@settings(max_examples=20 if EFFORT == 1 else 40)
async def test_all_sessions_end_alike(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], kept: int
) -> None:
    """Once all have given a NOOP, each client knows what a new session sees.

    It may have fallen behind: few of the changes are kept then, or one.
    """
    with forgetful(kept):
        await _end_alike(tmp_path_factory, steps)


async def _end_alike(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    root = str(tmp_path_factory.mktemp("mail"))
    stores = [
        Store(root, reactor, make=True, filesystem=TestDisk(root)) for _ in range(2)
    ]
    for store in stores:
        await store.start()
    accounts = [await account_of(store) for store in stores]
    clients = [
        Client(await accounts[number // 2].select(INBOX, read_only=False))
        for number in range(SESSIONS)
    ]
    mailbox = Mailbox(stores, accounts, clients)
    try:
        for step in steps:
            await mailbox.take(*step)
        for client in clients:
            await client.sync(may_expunge=True)
        fresh = Client(await accounts[1].select(INBOX, read_only=True))
        for client in clients:
            assert client.messages == fresh.messages
        status = await accounts[0].status(INBOX)
        assert status.messages == len(fresh.messages)
        assert status.uidnext == mailbox.arrived + 1
        assert status.unseen == sum(not flags & 8 for _, flags, _ in fresh.messages)
        assert status.deleted == sum(bool(each[1] & 4) for each in fresh.messages)
        sizes = fresh.selected.by_seq([range(1, status.messages + 1)])
        assert status.size == sum(each.size for each in sizes)
        # Nothing more is told to anybody.
        for client in clients:
            assert not await client.selected.sync(may_expunge=True)
        # A process that opens it now sees the same.
        late = Store(root, reactor, filesystem=TestDisk(root))
        stores.append(late)
        await late.start()
        newest = await (await account_of(late)).select(INBOX, read_only=True)
        assert Client(newest).messages == fresh.messages
    finally:
        for store in stores:
            await store.stop()
