"""A Twisted application with mailboxes: `twistd -ny tac/embedded.tac`.

It has a page of its own, for the same users, who log in on both sides; the
mailboxes are behind Twisted's own IMAP server. Replace `IMAP4Server` by that of
`imapbox.compat` and nothing else changes. The store is made where it is started.
"""

import os

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application
from twisted.cred.checkers import FilePasswordDB
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import ServerFactory
from twisted.mail.imap4 import IAccount, IMAP4Server
from twisted.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

from imapbox import MailboxRealm, Store

IMAP = os.environ.get("IMAPBOX_IMAP", "tcp:1143:interface=127.0.0.1")
WEB = os.environ.get("IMAPBOX_WEB", "tcp:8080:interface=127.0.0.1")


class Mailboxes(ServerFactory):
    """Serves IMAP to whom the portal lets in."""

    def __init__(self, portal):
        self.portal = portal

    def buildProtocol(self, _):
        protocol = IMAP4Server()
        protocol.portal = self.portal
        return protocol


class Page(Resource):
    """Says how many messages its reader has."""

    isLeaf = True

    def __init__(self, account):
        super().__init__()
        self.account = account

    def render_GET(self, request):
        self.account.select("INBOX", rw=False).addCallback(self.show, request)
        return NOT_DONE_YET

    def show(self, inbox, request):
        count = inbox.getMessageCount()
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        request.write(f"You have {count} messages.\n".encode())
        request.finish()


@implementer(IRealm)
class Pages:
    """Gives each user a page instead of an IMAP account."""

    def __init__(self, realm):
        self.realm = realm

    def requestAvatar(self, name, mind, *interfaces):
        opened = self.realm.requestAvatar(name, mind, IAccount)
        return opened.addCallback(lambda login: (IResource, Page(login[1]), login[2]))


# Name and password, with a colon between, in a line for each user.
checker = FilePasswordDB("users")
store = Store(os.path.abspath("mail"), reactor, make=True)
realm = MailboxRealm(store)
guarded = HTTPAuthSessionWrapper(
    Portal(Pages(realm), [checker]), [BasicCredentialFactory("mail")]
)

application = Application("embedded")
store.setServiceParent(application)
for endpoint, factory in (
    (IMAP, Mailboxes(Portal(realm, [checker]))),
    (WEB, Site(guarded)),
):
    StreamServerEndpointService(
        serverFromString(reactor, endpoint), factory
    ).setServiceParent(application)
