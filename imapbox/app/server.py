"""From settings to a service: which factory listens where."""

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import wrapServerTLS

from imapbox.app.logins import StoreLogins
from imapbox.app.service import Listener, ServerService
from imapbox.app.settings import ServerSettings
from imapbox.auth.login import Login
from imapbox.auth.users import Directories
from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Settings as IMAPSettings
from imapbox.lmtp.factory import LMTPFactory
from imapbox.store.deliveries import Deliveries
from imapbox.store.store import Store


def make_server(
    reactor: Any,
    settings: ServerSettings,
    *,
    last_resort: Callable[[int], object] = lambda _: None,
    give_up: Callable[[], object] = lambda: None,
) -> ServerService:
    """Return the service that does what ``settings`` say.

    Args:
        reactor: Twisted's.
        settings: What to serve, where, to whom.
        last_resort: See `ServerService`.
        give_up: See `ServerService`.
    """
    store = Store(settings.store, reactor)
    logins = StoreLogins(store, Login(settings.checkers))
    imap_settings = IMAPSettings(cleartext=settings.cleartext)
    imap = IMAPFactory(logins, reactor, settings=imap_settings, tls=settings.tls)
    imaps = IMAPFactory(logins, reactor, settings=imap_settings)
    lmtp = LMTPFactory(
        Deliveries(store, Directories(settings.checkers).knows),
        reactor,
        hostname=socket.gethostname(),
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
    return ServerService(
        store, listeners, reactor, last_resort=last_resort, give_up=give_up
    )
