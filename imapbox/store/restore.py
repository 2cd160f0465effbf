"""Taking one mailbox back from a copy of the store.

It becomes a new mailbox, with an id, UIDs and a UIDVALIDITY of its own: under a
name that is free, or in the place of the one that is there now. That one is
then deleted, by the same frame of the account's log, and stays for a grace
time. What is in it now and did not come back from the copy comes along, so that
nothing of it is lost; nor which deliveries it knows, who may see it now, and what
is noted of it.

The new mailbox is filled before any lock is taken, and nobody knows it before
the account's commit. A crash before leaves a directory that no account names.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple

from imapbox.disk import steps
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import (
    AccountMeta,
    AccountOperation,
    Create,
    Delete,
    Subscribe,
)
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.commit import Log, write_one
from imapbox.index.inherited_keys import inherit_keys
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.new_uidvalidity import GiveUidValidity
from imapbox.index.opening import open_log
from imapbox.index.read import follow
from imapbox.index.read_copy import read_copy
from imapbox.index.refill import COMMAND, Refill
from imapbox.index.segment import ACCOUNT_META
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, say_deleted, settle
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import (
    MailboxDamaged,
    MailboxExists,
    NoSuchMailbox,
    UnknownFormat,
)
from imapbox.model.names import MailboxName, UserName
from imapbox.model.numbers import Uid, UidValidity
from imapbox.store.access_facts import URL_KEY
from imapbox.store.create import ID_SIZE, create_mailbox_log
from imapbox.store.layout import (
    account_directory,
    mailbox_directory,
    mailboxes_directory,
)
from imapbox.store.replaced import Replaced
from imapbox.store.store_copy import there
from imapbox.store.tree_changes import inherited

_RUN_SIZE: Final = 16


class NotInCopy(Exception):
    """The copy has no such user, or no such mailbox of this user."""


class CopyDamaged(Exception):
    """Not all can be read of what the copy has.

    Its cause says why: it is damaged, or of a format that this imapbox can not read.

    Attributes:
        mailbox: Which one; None: the account.
    """

    def __init__(self, mailbox: MailboxName | None) -> None:
        super().__init__(mailbox)
        self.mailbox = mailbox


class Restored(NamedTuple):
    """What came of it.

    Attributes:
        uidvalidity: Of the new mailbox.
        messages: How many messages came from the copy.
        kept: How many came from the mailbox in whose place it is.
        broken: UIDs in the copy of messages that are not what was stored there, and
            left out.
        broken_here: UIDs of such in the mailbox in whose place it is.
        deleted: That one's id.
    """

    uidvalidity: UidValidity
    messages: int
    kept: int
    broken: list[Uid]
    broken_here: list[Uid]
    deleted: bytes | None


def restore_mailbox(
    user: UserName,
    source: MailboxName,
    target: MailboxName,
    settings: Settings,
    *,
    in_place: bool,
) -> Steps[Restored]:
    """Take a mailbox back from the copy that lies `there`.

    Args:
        user: Whose it is, here and there.
        source: Its name in the copy.
        target: Its name from now on.
        settings: How to write.
        in_place: Whether there is a mailbox of that name, whose place it takes.

    Raises:
        NotInCopy: There is nothing to be taken back.
        MailboxExists: A mailbox of that name is there; nothing was done.
        NoSuchMailbox: None is there; nothing was done.
        CopyDamaged: Not all of it can be read.
        MailboxDamaged: The account can't be changed.
        PlaceDamaged: The mailbox is whose place it would take: what nobody can read
            of it now, `imapbox repair` may find.
        MailboxBusy: A lock was not to be had; nothing was done.
        DiskFull: Nothing was done.
    """
    copy = yield from _read_there(user, source)
    opened = yield from open_log(account_directory(user), settings, AccountState)
    known = opened.state
    _check_names(known, target, in_place=in_place)
    mailbox_id = yield from steps.random(ID_SIZE)
    now = int((yield from steps.now()))
    uidvalidity = UidValidity(max(now, known.highest_uidvalidity + 1))
    yield from create_mailbox_log(user, mailbox_id, uidvalidity, settings)
    place = known.names[target] if in_place else None
    mailbox = Create(
        mailbox_id, uidvalidity, target, place.special_use if place else ""
    )
    restoring = _Restoring(user, mailbox, place, known, settings)
    return (yield from restoring.run(copy))


class _Copy(NamedTuple):
    """A mailbox in the copy."""

    directory: str
    state: MailboxState


def _read_there(user: UserName, name: MailboxName) -> Steps[_Copy]:
    try:
        account = yield from read_copy(there(account_directory(user)), AccountState)
    except FileNotFoundError as error:
        raise NotInCopy(user) from error
    except (MailboxDamaged, UnknownFormat) as error:
        raise CopyDamaged(None) from error
    if name not in account.names:
        raise NotInCopy(name)
    directory = there(mailbox_directory(user, account.names[name].mailbox_id))
    try:
        return _Copy(directory, (yield from read_copy(directory, MailboxState)))
    except (FileNotFoundError, MailboxDamaged, UnknownFormat) as error:
        raise CopyDamaged(name) from error  # its account has it


def _check_names(state: AccountState, target: MailboxName, *, in_place: bool) -> None:
    if in_place and target not in state.names:
        raise NoSuchMailbox(target)
    if not in_place and target in state.names:
        raise MailboxExists(target)


class _Restoring:
    """One mailbox on its way back."""

    def __init__(
        self,
        user: UserName,
        mailbox: Create,
        place: Create | None,
        known: AccountState,
        settings: Settings,
    ) -> None:
        self._user = user
        self._mailbox = mailbox
        self._place = place
        self._known = known
        self._settings = settings
        self._account = account_log(account_directory(user))
        self._directory = mailbox_directory(user, mailbox.mailbox_id)
        self._refill = Refill(Log(self._directory, MailboxFacts), settings)
        self._broken_here: list[Uid] = []
        self._decided = False

    def run(self, copy: _Copy) -> Steps[Restored]:
        """Fill the new mailbox, and let the account bind it."""
        try:
            rows = copy.state.columns.alive_rows().tolist()
            added = yield from self._refill.add(copy.directory, copy.state, rows)
            messages = self._refill.count
            old = yield from self._read_old()
            if old is None:
                yield from self._bind()
            else:
                back = Counter(_emailids(copy.state, rows, added.broken))
                yield from self._replace(old, back)
        except GeneratorExit:
            raise  # the process died
        except BaseException:
            if not self._decided:
                yield from self._discard()
            raise
        return Restored(
            self._mailbox.uidvalidity,
            messages,
            self._refill.count - messages,
            added.broken,
            self._broken_here,
            self._place.mailbox_id if self._place else None,
        )

    def _read_old(self) -> Steps[Replaced | None]:
        if self._place is None:
            return None
        directory = mailbox_directory(self._user, self._place.mailbox_id)
        return (yield from Replaced.read(directory, self._settings))

    def _replace(self, old: Replaced, back: Counter[bytes]) -> Steps[None]:
        """Let the account bind it in the place of another one."""
        rows = old.kept(back)
        kept = yield from self._refill.add(old.directory, old.state, rows)

        def section() -> Steps[None]:
            account = yield from settle(self._account.directory, self._settings)
            yield from self._catch_up(account)
            tail = yield from settle(old.directory, self._settings)
            yield from old.follow(tail)
            # Compaction may have taken them to another place while they were read.
            rows = old.rows_of(kept.broken) + old.kept(back)
            rest = yield from self._refill.add(old.directory, old.state, rows)
            self._broken_here = rest.broken
            yield from self._refill.catch_up(kept, old.state)
            keys = yield from old.keys(tail, self._settings)
            if len(keys):
                yield from inherit_keys(self._directory, keys, self._settings)
            yield from self._decide(account)
            yield from say_deleted(old.directory, tail, self._settings)

        yield from self._locked(section, f"{old.directory}/lock")

    def _bind(self) -> Steps[None]:
        """Let the account bind it under a name that is free."""

        def section() -> Steps[None]:
            account = yield from settle(self._account.directory, self._settings)
            yield from self._catch_up(account)
            yield from self._decide(account)

        yield from self._locked(section)

    def _locked(self, section: Callable[[], Steps[None]], *more: str) -> Steps[None]:
        """Do something under the account's lock, and others."""
        settings = self._settings
        identity = Identity(settings.node, settings.pid, COMMAND)
        until = (yield from steps.monotonic()) + settings.patience
        yield from locked([self._account.lock, *more], identity, until, section)

    def _catch_up(self, tail: Tail) -> Steps[None]:
        """Learn what became of the account's names. Its lock is held."""
        known, end = self._known, tail.position
        yield from follow(self._account.directory, known.position, end, known.apply)
        in_place = self._place is not None
        _check_names(known, self._mailbox.name, in_place=in_place)
        if in_place and known.names[self._mailbox.name] != self._place:
            raise NoSuchMailbox(self._mailbox.name)  # it is another one by now
        highest = known.highest_uidvalidity
        if self._mailbox.uidvalidity <= highest:
            # A mailbox was made meanwhile.
            given = UidValidity(highest + 1)
            run = yield from steps.random(_RUN_SIZE)
            yield from self._refill.write(GiveUidValidity(given, run))
            self._mailbox = self._mailbox._replace(uidvalidity=given)

    def _decide(self, account: Tail) -> Steps[None]:
        operations: list[AccountOperation] = [self._mailbox]
        facts = self._facts()
        if self._place is not None:
            operations.insert(0, Delete(self._place.mailbox_id))
        elif self._mailbox.name not in self._known.subscribed:
            operations.append(Subscribe(self._mailbox.name))
        operations += facts
        features = ACCOUNT_META if facts else 0
        log = account_log(self._account.directory, features)
        change = ChangeAccount(self._known, lambda _: operations)
        self._decided = True
        yield from write_one(log, self._settings, account, change)

    def _facts(self) -> list[AccountMeta]:
        """Return who may see it and what is noted of it: as of the place, or as new.

        The key of URLs goes: they name UIDs, which mean other messages now.
        """
        if self._place is None:
            return inherited(self._known, self._mailbox)
        return [
            AccountMeta(self._mailbox.mailbox_id, name, value)
            for name, value in self._known.meta.get(self._place.mailbox_id, {}).items()
            if name != URL_KEY
        ]

    def _discard(self) -> Steps[None]:
        """Remove what nobody knows."""
        for name in (yield from steps.list_directory(self._directory)):
            yield from steps.unlink(f"{self._directory}/{name}")
        yield from steps.remove_directory(self._directory)
        yield from steps.sync_directory(mailboxes_directory(self._user))


def _emailids(
    state: MailboxState, rows: Sequence[int], broken: Collection[Uid]
) -> Iterator[bytes]:
    """Return the emailids of messages, but for those that are broken."""
    left_out = frozenset(broken)
    columns = state.columns
    uids, emailids = columns["uid"][rows].tolist(), columns["emailid"][rows]
    for uid, emailid in zip(uids, map(bytes, emailids), strict=True):
        if uid not in left_out:
            yield emailid
