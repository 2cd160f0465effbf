"""What our objects provide is what twisted.mail asks for."""

import pytest
from twisted.mail import interfaces as twisted
from zope.interface.verify import verifyClass, verifyObject

from imapbox.mailbox import twisted_interfaces as ours
from imapbox.mailbox.twisted_account import MailboxInfo, TwistedAccount
from imapbox.mailbox.twisted_mailbox import TwistedMailbox
from imapbox.mailbox.twisted_message import TwistedMessage, TwistedPart
from tests.support.fake_mail import FakeAccount
from tests.support.twisted_mail import avatar_of, fetched, opened

PROVIDED = [
    (TwistedAccount, twisted.IAccountIMAP),
    (TwistedAccount, twisted.INamespacePresenter),
    (TwistedAccount, ours.IDeferringAccount),
    (MailboxInfo, twisted.IMailboxIMAPInfo),
    (TwistedMailbox, twisted.IMailboxIMAP),
    (TwistedMailbox, twisted.ISearchableIMAPMailbox),
    (TwistedMailbox, twisted.ICloseableMailboxIMAP),
    (TwistedMailbox, twisted.IMessageIMAPCopier),
    (TwistedMailbox, ours.ISyncedMailbox),
    (TwistedMessage, twisted.IMessageIMAP),
    (TwistedMessage, twisted.IMessageIMAPFile),
    (TwistedMessage, ours.IMessageLoader),
    (TwistedMessage, ours.IStructuredMessage),
    (TwistedPart, twisted.IMessageIMAPPart),
]


@pytest.mark.parametrize(("kind", "interface"), PROVIDED)
def test_an_interface_is_provided(kind: type, interface: object) -> None:
    """Each object has the methods of its interfaces, with their arguments."""
    account = FakeAccount()
    account.inbox.add(b"a: b\r\n\r\nbody")
    mailbox = opened(account)
    (message,) = fetched(mailbox)
    objects = [
        avatar_of(account),
        MailboxInfo([]),
        mailbox,
        message,
        TwistedPart(lambda _start, _size: b"", message._structure),
    ]
    (found,) = (each for each in objects if type(each) is kind)
    verifyClass(interface, kind)
    verifyObject(interface, found)
