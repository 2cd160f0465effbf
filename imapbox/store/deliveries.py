"""Handing over messages: from an address to a UID in a mailbox."""

from collections.abc import Awaitable, Callable

from imapbox.disk.spool import Content, Spool
from imapbox.index.mailbox_transactions import AppendMessages
from imapbox.model.errors import MailboxGone, MailboxNameRefused, NoSuchUser
from imapbox.model.names import INBOX, MailboxName, UserName, mailbox_name
from imapbox.model.numbers import Uid
from imapbox.store.account import AccountLog
from imapbox.store.incoming import incoming
from imapbox.store.recipients import Candidate, Recipient, candidates
from imapbox.store.store import Store


class Deliveries:
    """The way in for mail that comes from outside.

    Args:
        store: Where it goes.
        knows: Says whether the site knows a user; None if it can't tell. Only
            for a user that it knows is an account made.
    """

    def __init__(
        self, store: Store, knows: Callable[[UserName], Awaitable[bool | None]]
    ) -> None:
        self._store = store
        self._knows = knows

    def new_spool(self) -> Spool:
        """Return an empty spool for one message's octets."""
        return self._store.new_spool()

    async def find(self, address: str) -> Recipient:
        """Say where mail for ``address`` goes.

        Raises:
            NoSuchUser: Nobody here has this address.
            MailError: It could not be found out now.
        """
        for candidate in candidates(address):
            if await self._exists(candidate.user):
                mailbox = await self._mailbox(candidate)
                return Recipient(address, candidate.user, mailbox)
        raise NoSuchUser(address)

    async def deliver(
        self, recipient: Recipient, header: bytes, content: Content
    ) -> Uid:
        """Store ``header`` + ``content``, durably.

        ``content`` may be discarded as soon as this was called.

        Raises:
            MailError: It was not stored.
        """
        content.hold()
        try:
            return await self._deliver(recipient, header, content)
        finally:
            content.release()

    async def _deliver(
        self, recipient: Recipient, header: bytes, content: Content
    ) -> Uid:
        message = await incoming(self._store.drivers.read, header, content)
        account = await self._account(recipient.user)
        while True:
            names = account.state.names
            mailbox_id = names.get(recipient.mailbox, names[INBOX]).mailbox_id
            append = AppendMessages([message])
            mailbox = self._store.mailbox(account, mailbox_id)
            try:
                await mailbox.submit(append, command="deliver", contents=[content])
            except MailboxGone:
                await account.sync()
                if mailbox_id in account.state.mailboxes:
                    raise
                continue  # it was deleted a moment ago: INBOX has it then
            return append.uids[0]

    async def _exists(self, user: UserName) -> bool:
        return bool(await self._knows(user)) or await self._store.has_account(user)

    async def _mailbox(self, candidate: Candidate) -> MailboxName:
        if not candidate.detail or not await self._store.has_account(candidate.user):
            return INBOX
        try:
            name = mailbox_name(candidate.detail)
        except MailboxNameRefused:
            return INBOX
        account = await self._store.account(candidate.user)
        return name if name in account.state.names else INBOX

    async def _account(self, user: UserName) -> AccountLog:
        try:
            return await self._store.account(user)
        except NoSuchUser:
            if not await self._knows(user):
                raise
        await self._store.create_account(user)
        return await self._store.account(user)
