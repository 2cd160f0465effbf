"""The whole server as a Twisted application: `twistd -ny tac/imapbox.tac`.

The store and the passwd-file are in the directory where it is started, as
`imapbox user add --store mail --passwd passwd NAME` makes them.
"""

import os
import signal

from twisted.application.service import Application
from twisted.internet import reactor

from imapbox.app.listeners import server_endpoint
from imapbox.app.passwd import passwd_checker
from imapbox.app.server import make_server
from imapbox.app.settings import ServerSettings

IMAP = os.environ.get("IMAPBOX_IMAP", "tcp:1143:interface=127.0.0.1")
LMTP = os.environ.get("IMAPBOX_LMTP", "tcp:1024:interface=127.0.0.1")

application = Application("imapbox")
make_server(
    reactor,
    ServerSettings(
        store=os.path.abspath("mail"),
        imap=(server_endpoint(reactor, IMAP),),
        lmtp=(server_endpoint(reactor, LMTP),),
        checkers=(passwd_checker("passwd"),),
    ),
    # The kernel ends us if we can't: a disk may hang in a thread for ever.
    last_resort=signal.alarm,
    # Without its store there is nothing left to do.
    give_up=reactor.stop,
).setServiceParent(application)
