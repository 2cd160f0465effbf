"""One user's tree of mailboxes, and how it changes."""

from collections.abc import Mapping
from itertools import islice
from typing import Final

from imapbox.disk.failures import in_words
from imapbox.disk.steps import exists
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import (
    NO_MAILBOX,
    Create,
    Unsubscribe,
)
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.binding import Binding
from imapbox.index.segment import ACCOUNT_META
from imapbox.index.settings import Settings
from imapbox.model.errors import (
    MailboxDamaged,
    MailboxNameRefused,
    NoSuchMailbox,
)
from imapbox.model.names import INBOX, MailboxName, UserName, is_below
from imapbox.model.numbers import UidValidity
from imapbox.store.access_facts import lets_others_in
from imapbox.store.committer import Committer
from imapbox.store.create import ID_SIZE, create_mailbox_log
from imapbox.store.delete import delete_mailbox
from imapbox.store.drivers import Drivers
from imapbox.store.followed_log import FollowedLog
from imapbox.store.layout import account_directory, mailbox_directory
from imapbox.store.tree_changes import (
    Check,
    Decision,
    Overtaken,
    changed_facts,
    check_may_create,
    creation,
    owner_may,
    renaming,
    subscription,
)

_NO_META: Final[Mapping[str, bytes]] = {}


class AccountLog:
    """What all sessions of a process share of one account.

    Attributes:
        user: Whose it is.
        log: The account's log.
    """

    def __init__(self, user: UserName, drivers: Drivers, settings: Settings) -> None:
        self.user = user
        directory = account_directory(user)
        self.log = FollowedLog(directory, AccountState, drivers, settings)
        self._checked: AccountState | None = None
        self._deletions_told = 0
        self._drivers = drivers
        self._settings = settings
        self._committer = Committer(account_log(directory), drivers.write, settings)
        # An older imapbox reads an account until the first fact is noted.
        self._noting = Committer(
            account_log(directory, ACCOUNT_META), drivers.write, settings
        )

    @property
    def state(self) -> AccountState:
        """Return the tree, as of the last `sync`."""
        return self.log.state

    async def sync(self) -> None:
        """Learn everything that was acknowledged before this call.

        Raises:
            MailboxDamaged: Not even INBOX can be found, or it is another user's.
        """
        await self.log.sync()
        state = self.state
        if INBOX not in state.names:
            raise MailboxDamaged(self.log.directory)
        if state is not self._checked:
            if not await self._is_the_users(state):
                raise MailboxDamaged(self.log.directory)
            self._checked = state

    def newly_deleted(self) -> list[bytes]:
        """Return the ids of mailboxes that were deleted since this was last asked."""
        deleted, told = self.state.deleted, self._deletions_told
        if len(deleted) == told:
            return []  # at once: each delivery asks
        self._deletions_told = len(deleted)
        return list(islice(deleted, told, None))

    async def _is_the_users(self, state: AccountState) -> bool:
        """Say whether a log that was just read is this user's, and not another's.

        INBOX is never deleted, and its id is given to no other mailbox.
        """
        inbox = mailbox_directory(self.user, state.names[INBOX].mailbox_id)
        try:
            return await self._drivers.read.run(exists(inbox))
        except OSError as error:
            raise in_words(error) from error

    def named(self, name: MailboxName) -> Create:
        """Return the mailbox of this name, as of the last `sync`.

        Raises:
            NoSuchMailbox: There is none.
        """
        try:
            return self.state.names[name]
        except KeyError:
            raise NoSuchMailbox(name) from None

    async def create(
        self, name: MailboxName, special_use: str = "", check: Check = owner_may
    ) -> bytes:
        r"""Make a mailbox, and return its id. It has the rights of the one above it.

        Args:
            name: Its name.
            special_use: Such as ``\\Sent``, several with a space between.
            check: Raises unless that may be done.

        Raises:
            MailboxExists: There is one.
            MailboxNameRefused: It is too long.
            TooManyMailboxes: There are too many.
        """
        while True:
            await self.sync()
            check(self.state)
            check_may_create(self.state, name)  # before anything is made
            mailbox = await self._prepare(name, special_use)
            try:
                await self._commit(creation(mailbox, check), "create")
            except Overtaken:
                continue
            return mailbox.mailbox_id

    async def rename(
        self, old: MailboxName, new: MailboxName, check: Check = owner_may
    ) -> None:
        """Give a mailbox, and those below it, another name. Not for INBOX.

        Args:
            old: Its name.
            new: What it will be.
            check: Raises unless that may be done.

        Raises:
            NoSuchMailbox: There is no ``old``, and nothing below it.
            MailboxExists: The new name, or one below it, is taken.
            MailboxNameRefused: ``new`` is below ``old``, or a name becomes too deep
                or too long.
        """
        await self.sync()
        check(self.state)
        if is_below(new, old):
            raise MailboxNameRefused(new)
        await self._commit(renaming(old, new, check), "rename")

    async def subscribe(self, name: MailboxName) -> None:
        """Add a name to the subscriptions.

        Raises:
            MailboxNameRefused: It is too long.
            TooManySubscriptions: There are too many.
        """
        await self.sync()
        if name not in self.state.subscribed:
            await self._commit(subscription(name), "subscribe")

    async def unsubscribe(self, name: MailboxName) -> None:
        """Remove a name from the subscriptions."""
        await self.sync()
        if name in self.state.subscribed:
            await self._commit(lambda _: [Unsubscribe(name)], "unsubscribe")

    async def delete(self, name: MailboxName, check: Check = owner_may) -> None:
        """Delete a mailbox; those below it stay.

        Args:
            name: Its name.
            check: Raises unless that may be done.

        Raises:
            NoSuchMailbox: There is none.
            MailboxNameRefused: It is INBOX.
        """
        if name == INBOX:
            raise MailboxNameRefused(name)
        await self.sync()
        check(self.state)
        known = self.state.copy()
        try:
            await self._drivers.write.run(
                delete_mailbox(self.user, known, name, self._settings, check)
            )
        except OSError as error:
            raise in_words(error) from error
        await self.sync()

    def meta(
        self, mailbox_id: bytes = NO_MAILBOX, state: AccountState | None = None
    ) -> Mapping[str, bytes]:
        """Return the facts of a mailbox, or of the account.

        Of a damaged log perhaps not all could be read. What lets others in may have
        been taken back in the rest, so nothing of it counts.

        Args:
            mailbox_id: Which one.
            state: As of which state; None: the last `sync`.
        """
        facts = (state or self.state).meta.get(mailbox_id, _NO_META)
        if not self.log.damaged:
            return facts
        return {name: facts[name] for name in facts if not lets_others_in(name)}

    async def note(self, decide: Decision) -> None:
        """Change facts, durably.

        Args:
            decide: Returns the operations, from what is true under the lock; it
                may raise a `MailError`.
        """
        await self.sync()
        await self._commit(decide, "note", self._noting)

    async def set_meta(
        self, facts: Mapping[str, bytes], mailbox_id: bytes = NO_MAILBOX
    ) -> None:
        """Set facts of a mailbox, or of the account; an empty value removes one.

        Raises:
            NoSuchMailbox: The mailbox is no more.
        """
        await self.note(lambda state: changed_facts(state, mailbox_id, facts))

    def binding_of(self, mailbox_id: bytes) -> "MailboxBinding":
        """Return what guards the commits of one of the mailboxes."""
        return MailboxBinding(self.log, mailbox_id)

    async def _commit(
        self, decide: Decision, command: str, committer: Committer | None = None
    ) -> None:
        change = ChangeAccount(self.state.copy(), decide)
        await (committer or self._committer).submit(change, command=command)
        await self.sync()

    async def _prepare(self, name: MailboxName, special_use: str) -> Create:
        filesystem = self._drivers.filesystem
        mailbox_id = filesystem.random(ID_SIZE)
        highest = self.state.highest_uidvalidity
        uidvalidity = UidValidity(max(int(filesystem.now()), highest + 1))
        try:
            await self._drivers.write.run(
                create_mailbox_log(self.user, mailbox_id, uidvalidity, self._settings)
            )
        except OSError as error:
            raise in_words(error) from error
        return Create(mailbox_id, uidvalidity, name, special_use)


class MailboxBinding:
    """Asks an account whether it still binds a mailbox."""

    def __init__(self, account: FollowedLog[AccountState], mailbox_id: bytes) -> None:
        self._account = account
        self._mailbox_id = mailbox_id

    def binding(self) -> Binding:
        """See `AccountBinding`."""
        account = self._account
        return Binding(
            account.directory, account.token, account.state.position, self._mailbox_id
        )
