"""What a short life is filled with: deliveries, and a day's work over IMAP.

Imported by a forked process only: it has the reactor.
"""

import json
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final
from unittest.mock import patch

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from imapbox.disk.filesystem import FileSystem
from imapbox.imap.factory import IMAPFactory
from imapbox.index import shed
from imapbox.store.store import Store
from tests.kills.facts import facts_there, home_of
from tests.kills.lives import say
from tests.kills.noting import Noting
from tests.support.mail_store import account_of, deliver
from tests.support.stage import Connection, SharingLogins
from tests.support.waiting import reactor

_DEEDS: Final = 6  # of each of three workers; then the life has been long enough
_PATIENCE: Final = 20.0


class Life:
    """One process's work on bob's INBOX."""

    def __init__(self, store: Store, name: str, chance: random.Random) -> None:
        self._store = store
        self._name = name
        self._chance = chance
        self._family = name.partition(".")[0]
        self._factory = IMAPFactory(SharingLogins(store), reactor)
        self._noting = Noting(store, self._family, chance, self._next)
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
        await client.command(f"CREATE {home_of(self._family)}".encode())
        say("holds", json.dumps(await facts_there(client, self._family)))
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
            self._replace,
            *self._noting.deeds,
        ]
        for _ in range(_DEEDS):
            await self._chance.choice(deeds)(client)

    async def _append(self, client: Connection) -> None:
        mark = self._mark()
        *_, end = await client.command(b"APPEND INBOX " + _literal(mark))
        say("has", mark, _appended(end))

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

    async def _replace(self, client: Connection) -> None:
        if not self._own:
            return
        old = self._own.pop(self._chance.randrange(len(self._own)))
        await client.command(b"NOOP")
        mark = self._mark()
        say("replaces", old, mark)
        *told, end = await client.command(
            b"UID REPLACE %d INBOX %b" % (old, _literal(mark))
        )
        assert end.startswith(b"OK"), end
        (uid,) = [_appended(each) for each in told if b"[APPENDUID" in each]
        say("has", mark, uid)
        say("expunged", old)
        self._own.append(uid)

    def _mark(self) -> str:
        mark = self._next()
        say("tries", mark)
        return mark

    def _next(self) -> str:
        self._count += 1
        return f"{self._name}-{self._count}"


def message(mark: str) -> bytes:
    """Return a message that shows whether all of it is there."""
    return f"Subject: {mark}\r\n\r\n{f'{mark} ' * 40}\r\n".encode()


def _literal(mark: str) -> bytes:
    octets = message(mark)
    return b"{%d+}\r\n%b" % (len(octets), octets)


def _appended(told: bytes) -> int:
    """Return the UID that an APPENDUID tells."""
    return int(told.partition(b"]")[0].split()[-1])


def live(root: str, name: str, chance: random.Random, disk: FileSystem) -> None:
    """Live, until it is over or something goes wrong, which is told."""
    # Accounts' segments are soon full: those that go are met by a kill, too.
    patch.multiple(shed, LEAST=2048, GROWN=2).start()

    async def lead() -> None:
        store = Store(root, reactor, make=True, filesystem=disk, patience=_PATIENCE)
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
