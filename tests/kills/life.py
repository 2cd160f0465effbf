"""What a short life is filled with: deliveries, and a day's work over IMAP.

Imported by a forked process only: it has the reactor.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from imapbox.disk.filesystem import FileSystem
from imapbox.imap.factory import IMAPFactory
from imapbox.store.store import Store
from tests.kills.lives import say
from tests.support.mail_store import account_of, deliver
from tests.support.stage import Connection, StoreLogins
from tests.support.waiting import reactor

_DEEDS: Final = 6  # of each of three workers; then the life has been long enough
_PATIENCE: Final = 20.0


class Life:
    """One process's work on bob's INBOX."""

    def __init__(self, store: Store, name: str, chance: random.Random) -> None:
        self._store = store
        self._name = name
        self._chance = chance
        self._factory = IMAPFactory(StoreLogins(store), reactor)
        self._count = 0
        self._own: list[int] = []

    async def lead(self) -> None:
        """Do all of it."""
        await account_of(self._store)
        client = await self._client()
        work = [self._deliver_on(), self._deliver_on(), self._use_imap(client)]
        await gatherResults([Deferred.fromCoroutine(each) for each in work])

    async def _client(self) -> Connection:
        client = Connection(self._factory)
        client.take()
        await client.command(b"LOGIN bob x")
        told = b"\n".join(await client.command(b"SELECT INBOX"))
        uidnext = int(told.partition(b"[UIDNEXT ")[2].partition(b"]")[0])
        say("found", uidnext, self._modseq(client))
        return client

    @staticmethod
    def _modseq(client: Connection) -> int:
        """Return what a client with CONDSTORE would be told."""
        mailbox: Any = client.protocol._session.selection.mailbox
        return int(mailbox._mailbox.state.counts.modseq)

    async def _deliver_on(self) -> None:
        for _ in range(_DEEDS):
            mark = self._mark()
            uid = await deliver(self._store, body=message(mark))
            say("has", mark, uid)
            self._own.append(uid)

    async def _use_imap(self, client: Connection) -> None:
        deeds: list[Callable[[Connection], Awaitable[None]]] = [
            self._append,
            self._flag,
            self._expunge,
        ]
        for _ in range(_DEEDS):
            await self._chance.choice(deeds)(client)

    async def _append(self, client: Connection) -> None:
        mark = self._mark()
        octets = message(mark)
        *_, end = await client.command(
            b"APPEND INBOX {%d+}\r\n%b" % (len(octets), octets)
        )
        uid = end.partition(b"]")[0].split()[-1]
        say("has", mark, int(uid))

    async def _flag(self, client: Connection) -> None:
        keyword = b"key%d" % (self._count % 5)
        await client.command(b"UID STORE 1:* +FLAGS.SILENT (\\Flagged %b)" % keyword)
        say("modseq", self._modseq(client))

    async def _expunge(self, client: Connection) -> None:
        if not self._own:
            return
        uid = self._own.pop(self._chance.randrange(len(self._own)))
        await client.command(b"NOOP")  # whoever was not told of it can't flag it
        say("expunges", uid)
        await client.command(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        *_, end = await client.command(b"UID EXPUNGE %d" % uid)
        if end.startswith(b"OK"):
            say("expunged", uid)

    def _mark(self) -> str:
        self._count += 1
        mark = f"{self._name}-{self._count}"
        say("tries", mark)
        return mark


def message(mark: str) -> bytes:
    """Return a message that shows whether all of it is there."""
    return f"Subject: {mark}\r\n\r\n{f'{mark} ' * 40}\r\n".encode()


def live(root: str, name: str, chance: random.Random, disk: FileSystem) -> None:
    """Live, until it is over or something goes wrong, which is told."""

    async def lead() -> None:
        store = Store(root, reactor, filesystem=disk, patience=_PATIENCE)
        await store.start()
        await Life(store, name, chance).lead()
        await store.stop()

    def failed(failure: Failure) -> None:
        say("failed", repr(failure.getTraceback()))

    def begin() -> None:
        life = Deferred.fromCoroutine(lead())
        life.addErrback(failed)
        life.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
