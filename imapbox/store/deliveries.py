"""Handing over messages: from an address to a UID in a mailbox."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from imapbox.disk.failures import in_words
from imapbox.disk.spool import Content, Spool
from imapbox.index.deliver_once import DeliverOnce
from imapbox.index.doubts import remove_doubts
from imapbox.index.mailbox_transactions import AppendMessages, Incoming
from imapbox.index.remembered_keys import NO_KEY, only_in_doubt
from imapbox.model.errors import (
    MailboxGone,
    MailboxNameRefused,
    NoSuchUser,
    QuotaExceeded,
)
from imapbox.model.names import INBOX, MailboxName, UserName, mailbox_name
from imapbox.model.numbers import Uid
from imapbox.model.quota import Usage
from imapbox.store.account import AccountLog
from imapbox.store.delivery_key import Identity, delivery_key
from imapbox.store.incoming import incoming
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.quotas import check_room
from imapbox.store.recipients import Candidate, Recipient, candidates
from imapbox.store.store import Store


class Doubt(NamedTuple):
    """A delivery whose client may not know yet that it ended well.

    Attributes:
        directory: Of the mailbox's log.
        key: The delivery's.
    """

    directory: str
    key: bytes


class Delivered(NamedTuple):
    """A message that is stored.

    Attributes:
        uid: Its own.
        is_new: Whether it was stored now, and not when it was sent before.
        doubt: Give it to `Deliveries.settle` once the client knows.
    """

    uid: Uid
    is_new: bool = True
    doubt: Doubt | None = None


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
        self,
        recipient: Recipient,
        header: bytes,
        content: Content,
        identity: Identity | None = None,
    ) -> Delivered:
        """Store ``header`` + ``content``, durably.

        ``content`` may be discarded as soon as this was called.

        Args:
            recipient: As `find` returned it.
            header: Our own header lines.
            content: What was received.
            identity: What its client would say of it again. What was stored before
                is not stored twice, even if the message is gone meanwhile. None: it
                is stored in any case.

        Raises:
            MailError: It was not stored.
        """
        content.hold()
        try:
            return await self._deliver(recipient, header, content, identity)
        finally:
            content.release()

    async def settle(self, doubts: Sequence[Doubt]) -> None:
        """Take note that the clients know of their deliveries.

        The same message, sent again without an ident, is another one from now on.

        Raises:
            MailError: It can't be noted.
        """
        keys_in: defaultdict[str, set[bytes]] = defaultdict(set)
        for doubt in doubts:
            keys_in[doubt.directory].add(doubt.key)
        for directory, keys in keys_in.items():
            try:
                await self._store.drivers.write.run(remove_doubts(directory, keys))
            except OSError as error:
                raise in_words(error) from error

    async def _deliver(
        self,
        recipient: Recipient,
        header: bytes,
        content: Content,
        identity: Identity | None,
    ) -> Delivered:
        arrived = int(self._store.drivers.filesystem.now() * 1_000_000)
        message = await incoming(self._store.drivers.read, header, content)
        if identity is not None:
            key = delivery_key(identity, recipient.address, content.digest)
            message = message._replace(key=key)
        account = await self._account(recipient.user)
        refusal = await self._refusal(account, message)
        while True:
            names = account.state.names
            mailbox_id = names.get(recipient.mailbox, names[INBOX]).mailbox_id
            mailbox = self._store.mailbox(account, mailbox_id)
            try:
                return await self._store_in(mailbox, message, refusal, arrived)
            except MailboxGone:
                await account.sync()
                if mailbox_id in account.state.mailboxes:
                    raise
                continue  # it was deleted a moment ago: INBOX has it then

    async def _refusal(
        self, account: AccountLog, message: Incoming
    ) -> QuotaExceeded | None:
        try:
            await check_room(self._store, account, Usage(message.size, 1))
        except QuotaExceeded as error:
            return error
        return None

    async def _store_in(
        self,
        mailbox: OpenMailbox,
        message: Incoming,
        refusal: QuotaExceeded | None,
        arrived: int,
    ) -> Delivered:
        contents = [message.content]
        if message.key == NO_KEY:
            if refusal is not None:
                raise refusal
            append = AppendMessages([message])
            await mailbox.submit(append, command="deliver", contents=contents)
            return Delivered(append.uids[0])
        keys = self._store.deliveries.of(mailbox.directory)
        once = DeliverOnce(message, keys, refusal, arrived)
        await mailbox.submit(once, command="deliver", contents=contents)
        doubt = None
        if only_in_doubt(message.key):
            doubt = Doubt(mailbox.directory, message.key)
        return Delivered(once.uid, once.is_new, doubt)

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
