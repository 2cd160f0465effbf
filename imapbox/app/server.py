"""From settings to a service: which factory listens where."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import wrapServerTLS
from twisted.logger import Logger

from imapbox.app.descriptors import most_descriptors, room_for
from imapbox.app.logins import StoreLogins
from imapbox.app.service import Listener, ServerService
from imapbox.app.settings import ServerSettings
from imapbox.app.watchdog import Watchdog
from imapbox.auth.login import Login
from imapbox.auth.users import Directories
from imapbox.imap.crowd import Crowd
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Settings as IMAPSettings
from imapbox.lmtp.factory import LMTPFactory
from imapbox.lmtp.limits import Limits
from imapbox.locks.seats import NotOurs, Seats
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store

_log = Logger()


def make_server(
    reactor: Any,
    settings: ServerSettings,
    *,
    harden: Callable[[], object] = lambda: None,
    last_resort: Callable[[int], object] = lambda _: None,
    give_up: Callable[[], object] = lambda: None,
) -> ServerService:
    """Return the service that does what ``settings`` say.

    Args:
        reactor: Twisted's.
        settings: What to serve, where, to whom.
        harden: Called by the user that the process stays, before anything is done.
        last_resort: See `ServerService`.
        give_up: See `ServerService`.
    """
    store = Store(settings.store, reactor, cut_off=give_up)
    store.quota = settings.quota
    seats = Seats()
    connections = settings.connections
    limits = Limits(size=settings.message_limit)
    room = room_for(
        imap=connections.of_process if settings.imap or settings.imaps else 0,
        lmtp=limits.connections if settings.lmtp else 0,
        descriptors=most_descriptors(),
    )
    imap_settings = IMAPSettings(
        cleartext=settings.cleartext,
        message_limit=settings.message_limit,
        connections=replace(connections, of_process=room.imap),
        submission_users=settings.submission_users,
    )
    crowd = Crowd(seats, imap_settings.connections, reactor)
    logins = StoreLogins(store, Login(settings.checkers), settings.administrators)
    imap, imaps = (
        IMAPFactory(logins, reactor, settings=imap_settings, tls=tls, crowd=crowd)
        for tls in (settings.tls, None)
    )
    lmtp = LMTPFactory(
        Deliveries(store, Directories(settings.checkers).knows),
        reactor,
        hostname=socket.gethostname(),
        limits=replace(limits, connections=room.lmtp),
        xforward_from=settings.xforward_from,
    )
    listeners = [
        *(Listener(endpoint, imap) for endpoint in settings.imap),
        *(Listener(endpoint, lmtp) for endpoint in settings.lmtp),
    ]
    if settings.tls is not None:
        listeners += [
            Listener(wrapServerTLS(settings.tls, endpoint, reactor), imaps)
            for endpoint in settings.imaps
        ]
    site = Site(store, seats, Watchdog(reactor), Path(settings.runtime), harden)
    return ServerService(
        site, listeners, reactor, last_resort=last_resort, give_up=give_up
    )


class Site:
    """A store, and what a process has beside it while it serves."""

    def __init__(
        self,
        store: Store,
        seats: Seats,
        watchdog: Watchdog,
        runtime: Path,
        harden: Callable[[], object],
    ) -> None:
        self._store = store
        self._seats = seats
        self._watchdog = watchdog
        self._runtime = runtime
        self._harden = harden

    async def start(self) -> None:
        """Open the store, and begin to count and to watch.

        Raises:
            NotAStore: The directory holds something else, or nothing.
            MailError: It can't be used.
            OSError: It can't be read.
        """
        self._harden()
        await self._store.start()
        try:
            await self._store.prove()
        except BaseException:
            await self._store.stop()
            raise
        try:
            directory = self._runtime / f"imapbox-{os.geteuid()}"
            self._seats.share(directory, _identity(self._store.root))
        except (NotOurs, OSError) as error:
            _log.warn(
                "connections are counted by each process alone: {error!r}", error=error
            )
        self._watchdog.start()

    async def stop(self) -> None:
        """End what is being done, and give everything back."""
        await self._store.stop()
        self._watchdog.stop()
        self._seats.close()


def _identity(store: str) -> str:
    """Return what all processes of a machine call a store, whatever its path."""
    status = Path(store).stat()
    return f"{status.st_dev:x}-{status.st_ino:x}"
