"""A process that only delivers: `twistd -ny tac/deliver.tac`.

It shares the store with others that serve IMAP, and with as many of its kind
as you like. Only users that have an account get mail: `imapbox user add --store
mail NAME` makes one, and the store.
"""

import os
import signal

from twisted.application.service import Application
from twisted.internet import reactor

from imapbox.app.listeners import server_endpoint
from imapbox.app.server import make_server
from imapbox.app.settings import ServerSettings

LMTP = os.environ.get("IMAPBOX_LMTP", "tcp:1025:interface=127.0.0.1")

application = Application("imapbox-deliver")
make_server(
    reactor,
    ServerSettings(
        store=os.path.abspath("mail"),
        lmtp=(server_endpoint(reactor, LMTP),),
    ),
    # The kernel ends us if we can't: a disk may hang in a thread for ever.
    last_resort=signal.alarm,
    # Without its store there is nothing left to do.
    give_up=reactor.stop,
).setServiceParent(application)
