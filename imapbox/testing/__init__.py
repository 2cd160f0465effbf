'''What an IMAP client may expect of a server, as tests to run over yours.

`IMAPContract` is some hundred tests, spoken over loopback sockets. It is a
mixin: say how to make your server, and what runs tests of Twisted runs them,
be it trial or pytest with pytest-twisted::

    from imapbox.testing import IMAPContract
    from twisted.internet import reactor
    from twisted.trial.unittest import TestCase

    class MyServerTests(IMAPContract, TestCase):  # with pytest: no TestCase
        reactor = reactor
        user, password = b"ana", b"secret"

        async def make_factory(self):
            """A new server, with an empty INBOX."""
            return MyFactory(Portal(MyRealm(), [MyChecker()]))

An `IAccount` of your own is tested so behind Twisted's IMAP4Server: return a
factory whose protocols are that server with a portal of yours.

What can't be mended yet goes into `known_failures`, by the test's name, with
the reason; a test that is listed there and passes all the same fails.

It needs Twisted, and nothing else of imapbox.
'''

from imapbox.testing.changing import Changing
from imapbox.testing.fetching import Fetching
from imapbox.testing.hostile import Hostile
from imapbox.testing.naming import Naming
from imapbox.testing.searching import Searching
from imapbox.testing.selecting import Selecting
from imapbox.testing.sessions import Sessions

__all__ = ["IMAPContract"]


class IMAPContract(Selecting, Fetching, Searching, Changing, Naming, Sessions, Hostile):
    """All the facts: see `imapbox.testing` for how to use it."""
