"""twistd's door: `twistd imapbox`."""

import os
import signal
from contextlib import suppress

from twisted.application.service import IService
from twisted.internet import reactor  # noqa: TID251 - twistd has installed it
from twisted.internet.error import ReactorNotRunning

from imapbox.app.garbage import leave_out_what_stays
from imapbox.app.hardening import harden
from imapbox.app.malloc import keep_little
from imapbox.app.options import ServerOptions
from imapbox.app.server import make_server
from imapbox.app.switching import let_the_reactor_go_on


class Options(ServerOptions):
    """IMAP, LMTP, or both, on one mail store."""

    synopsis = "[options]"

    def __init__(self) -> None:
        super().__init__(reactor)


def makeService(options: Options) -> IService:
    """Make the server that the options ask for."""
    # Mail is nobody else's; twistd does so only where it becomes a daemon.
    os.umask(0o077)
    keep_little()
    let_the_reactor_go_on()
    # The kernel ends us if we can't: a disk may hang in a thread for ever.
    service: IService = make_server(
        reactor,
        options.settings,
        harden=harden,
        last_resort=signal.alarm,
        give_up=_fail,
    )
    leave_out_what_stays()  # all modules are there
    return service


def _fail() -> None:
    """End twistd, and not with 0 as `reactor.stop` alone would have it."""
    # Any: mypy takes the module for the reactor that twistd installed there.
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
    with suppress(ReactorNotRunning):  # it is ending already
        reactor.stop()
