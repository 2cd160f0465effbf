"""The contract as somebody else would run it, with trial, over our engine."""

from twisted.internet import reactor as the_reactor  # noqa: TID251 - as they would
from twisted.internet.interfaces import IProtocolFactory
from twisted.trial.unittest import TestCase

from imapbox.imap.factory import IMAPFactory
from imapbox.imap.settings import Settings
from imapbox.testing import IMAPContract
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import FakeLogins


class MyServerTests(IMAPContract, TestCase):
    """A server with mail in memory, where INBOX is a mailbox like any other."""

    reactor = the_reactor
    known_failures = {  # noqa: RUF012 - as they would
        "test_delete": "it can be deleted",
        "test_rename_inbox": "it is not there any more",
    }

    async def make_factory(self) -> IProtocolFactory:
        return IMAPFactory(
            FakeLogins(FakeAccount()), the_reactor, settings=Settings(failure_delay=0.0)
        )
