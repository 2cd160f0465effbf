"""Checking a store: every account, every mailbox, and that they fit together.

Nothing is written and no lock is taken, while others are at work. Whatever is
made, renamed or removed meanwhile is looked at again before anything is said.
"""

from collections.abc import Iterable, Iterator

from imapbox.disk.filesystem import FileSystem
from imapbox.disk.steps import is_directory, perform, perform_patiently, status
from imapbox.index.account_operations import Create
from imapbox.index.account_state import AccountState
from imapbox.index.check import check_log
from imapbox.index.check_audit import AccountAudit, MailboxAudit
from imapbox.index.check_messages import check_messages
from imapbox.index.check_names import check_status
from imapbox.index.checked_log import CheckedLog, Finding, Severity
from imapbox.index.damage import DAMAGED
from imapbox.index.lost_found import INSTEAD, LOST_FOUND
from imapbox.index.mailbox_state import MailboxState
from imapbox.index.segment import segment_name
from imapbox.model.errors import UnknownFormat
from imapbox.model.names import UserName
from imapbox.store.cards import card_of_octets
from imapbox.store.format import NotAStore, UnfinishedCopy, read_store_file
from imapbox.store.layout import (
    ROOT,
    SPOOL,
    STORE_FILE,
    UNFINISHED,
    USERS,
    account_directory,
    decode_user,
    is_mailbox,
    is_shard,
    mailbox_directory,
    mailboxes_directory,
    user_directory,
)
from imapbox.store.restored import RESTORING
from imapbox.store.users import may_be_made


class StoreCheck:
    """One look at a store.

    Args:
        filesystem: Where it is.
        deep: Whether messages and their cards are read, too.

    Attributes:
        users: How many accounts were looked at so far.
        mailboxes: How many mailboxes.
        segments: How many segments of their logs.
        frames: How many frames in these.
        messages: How many messages exist.
    """

    def __init__(self, filesystem: FileSystem, *, deep: bool = False) -> None:
        self.users = 0
        self.mailboxes = 0
        self.segments = 0
        self.frames = 0
        self.messages = 0
        self._filesystem = filesystem
        self._deep = deep
        self._owner = perform(status(ROOT or "."), filesystem).owner

    def run(self, users: Iterable[UserName] = ()) -> Iterator[Finding]:
        """Check the store, or only what belongs to some users of it."""
        yield from self._store_file()
        chosen = list(users)
        if not chosen:
            yield from self._root()
            yield from self._everybody()
        for user in chosen:
            if self._filesystem.exists(user_directory(user)):
                yield from self._user(user)
            else:
                sentence = "there is no account of this name"
                yield Finding(Severity.UNKNOWN, user_directory(user), sentence)

    def _store_file(self) -> Iterator[Finding]:
        try:
            made = perform(read_store_file(), self._filesystem)
        except UnfinishedCopy:
            sentence = "this is a copy that is not finished"
            yield Finding(Severity.DAMAGE, UNFINISHED, sentence)
            return
        except NotAStore:
            yield Finding(Severity.DAMAGE, STORE_FILE, "it is not what imapbox wrote")
            return
        except UnknownFormat as error:
            yield Finding(Severity.UNKNOWN, STORE_FILE, error.sentence().rstrip("."))
            return
        except OSError as error:
            yield _unreadable(STORE_FILE, error)
            return
        if not made:
            yield Finding(Severity.DAMAGE, STORE_FILE, "it is empty or not there")
            return
        yield from self._status(STORE_FILE)

    def _root(self) -> Iterator[Finding]:
        for name in (SPOOL, USERS):
            yield from self._directory(name)
        for name in self._names(ROOT):
            if name == RESTORING:
                yield _note(name, "imapbox restored was not finished; run it again")
            elif name in {LOST_FOUND, INSTEAD}:
                if not self._is_directory(name):
                    yield _note(name, "this is no directory; imapbox repair needs one")
            elif name not in {STORE_FILE, UNFINISHED, SPOOL, USERS}:
                yield _note(name, "this is none of imapbox's")

    def _everybody(self) -> Iterator[Finding]:
        if not self._is_directory(USERS):
            return  # that was said
        for shard in self._names(USERS):
            path = f"{USERS}/{shard}"
            if not is_shard(shard):
                yield _note(path, "this is none of imapbox's")
                continue
            try:
                yield from self._status(path, is_directory=True)
                names = self._names(path) if self._is_directory(path) else []
            except OSError as error:
                yield _unreadable(path, error)
                continue
            for name in names:
                yield from self._named(path, name)

    def _named(self, path: str, name: str) -> Iterator[Finding]:
        """Look at what lies where users' directories do."""
        try:
            user = decode_user(name)
        except UnicodeError:
            yield _note(f"{path}/{name}", "this is no user's")
            return
        if user_directory(user) != f"{path}/{name}":
            yield _note(f"{path}/{name}", "no user's mail would be here")
            return
        yield from self._user(user)

    def _user(self, user: UserName) -> Iterator[Finding]:
        try:
            yield from self._account(user)
        except OSError as error:
            yield _unreadable(user_directory(user), error)

    def _account(self, user: UserName) -> Iterator[Finding]:
        home = user_directory(user)
        if self._filesystem.exists(home) and not self._is_directory(home):
            yield Finding(Severity.DAMAGE, home, "this is no directory")
            return
        if not perform(may_be_made(user), self._filesystem):
            yield _note(home, "this account was never made to the end")
            return
        self.users += 1
        for path in (home, account_directory(user), mailboxes_directory(user)):
            yield from self._directory(path)
        if not self._is_directory(account_directory(user)):
            return  # so that nobody can say what should be here
        for name in self._names(home):
            if name not in {"account", "cache", "mailboxes"}:
                yield _note(f"{home}/{name}", "this is none of imapbox's")
        account = self._check_account(user)
        yield from account.findings
        if account.unread:
            return  # likewise
        state = account.audit.state
        for mailbox_id in state.mailboxes:
            yield from self._mailbox(user, state, mailbox_id)
        yield from self._directories(user, state)

    def _check_account(self, user: UserName) -> CheckedLog[AccountAudit]:
        steps = check_log(account_directory(user), AccountAudit, self._owner)
        checked = perform_patiently(steps, self._filesystem)
        self._count(checked)
        return checked

    def _mailbox(
        self, user: UserName, state: AccountState, mailbox_id: bytes
    ) -> Iterator[Finding]:
        directory = mailbox_directory(user, mailbox_id)
        try:
            yield from self._status(directory, is_directory=True)
            steps = check_log(directory, MailboxAudit, self._owner)
            checked = perform_patiently(steps, self._filesystem)
        except FileNotFoundError:
            if mailbox_id in self._check_account(user).audit.state.mailboxes:
                name = state.mailboxes[mailbox_id].name
                sentence = f"this is {name!r}, and it is not there"
                yield Finding(Severity.DAMAGE, directory, sentence)
            return
        except OSError as error:
            yield _unreadable(directory, error)
            return
        if _tells_more_than_notes(checked) and (
            mailbox_id not in self._check_account(user).audit.state.mailboxes
        ):
            return  # it was deleted meanwhile, and is being removed
        self.mailboxes += 1
        self._count(checked)
        yield from checked.findings
        mailbox = checked.audit.state
        self.messages += mailbox.counts.exists
        if not checked.frames:
            return
        if mailbox.facts.mailbox_id != mailbox_id:
            yield Finding(Severity.DAMAGE, directory, "another mailbox's log is in it")
        elif mailbox.uidvalidity != state.mailboxes[mailbox_id].uidvalidity:
            yield self._not_as_given(directory, state.mailboxes[mailbox_id], mailbox)
        if self._deep:
            yield from self._messages(directory, mailbox)

    def _messages(self, directory: str, state: MailboxState) -> Iterator[Finding]:
        """Read all messages; what compaction moved meanwhile is looked at again."""
        steps = check_messages(directory, state, card_of_octets)
        wrong = perform(steps, self._filesystem)
        if wrong:
            checked = check_log(directory, MailboxAudit, self._owner)
            now = perform_patiently(checked, self._filesystem).audit.state
            steps = check_messages(directory, now, card_of_octets, among=wrong)
            wrong = perform(steps, self._filesystem)
        for each in wrong:
            segment = segment_name(each.place.segment)
            path = f"{directory}/{segment}"
            severity = Severity.DAMAGE if each.is_lost else Severity.NOTE
            sentence = f"uid {each.uid} at {each.place.offset}: {each.sentence}"
            yield Finding(severity, path, sentence)

    def _not_as_given(
        self, directory: str, given: Create, mailbox: MailboxState
    ) -> Finding:
        """Say what it means that account and mailbox differ in UIDVALIDITY."""
        ahead = given.uidvalidity > mailbox.uidvalidity
        if ahead and self._filesystem.exists(RESTORING):
            return _note(directory, "imapbox restored has not come here yet")
        sentence = "its UIDVALIDITY is not the one that the account gave it"
        return Finding(Severity.DAMAGE, directory, sentence)

    def _directories(self, user: UserName, state: AccountState) -> Iterator[Finding]:
        """Say which directories hold no mailbox of the account."""
        above = mailboxes_directory(user)
        if not self._is_directory(above):
            return  # that was said
        bound = {mailbox_id.hex() for mailbox_id in state.mailboxes}
        others = [name for name in self._names(above) if name not in bound]
        if not others:
            return
        now = self._check_account(user).audit.state  # some may be new
        bound = {mailbox_id.hex() for mailbox_id in now.mailboxes}
        deleted = {mailbox_id.hex() for mailbox_id in now.deleted}
        for name in others:
            if name in deleted and self._filesystem.exists(f"{above}/{name}/{DAMAGED}"):
                sentence = "this mailbox was deleted; it is marked damaged, and stays"
                yield Finding(Severity.DAMAGE, f"{above}/{name}", sentence)
            elif name in deleted:
                sentence = "this mailbox was deleted; imapbox compact removes it"
                yield _note(f"{above}/{name}", sentence)
            elif name not in bound and is_mailbox(name):
                yield _note(f"{above}/{name}", "no account has this mailbox")
            elif name not in bound:
                yield _note(f"{above}/{name}", "this is none of imapbox's")

    def _directory(self, path: str) -> Iterator[Finding]:
        """Look at a directory that every store or account has."""
        if self._filesystem.exists(path):
            yield from self._status(path, is_directory=True)
        else:
            yield Finding(Severity.DAMAGE, path, "it is not there")

    def _is_directory(self, path: str) -> bool:
        return perform(is_directory(path), self._filesystem)

    def _status(self, path: str, *, is_directory: bool = False) -> Iterator[Finding]:
        steps = check_status(path, self._owner, is_directory=is_directory)
        for sentence in perform(steps, self._filesystem):
            yield Finding(Severity.DAMAGE, path, sentence)

    def _names(self, directory: str) -> list[str]:
        return self._filesystem.list_directory(directory)

    def _count(
        self, checked: CheckedLog[AccountAudit] | CheckedLog[MailboxAudit]
    ) -> None:
        self.segments += checked.segments
        self.frames += checked.frames


def _tells_more_than_notes(checked: CheckedLog[MailboxAudit]) -> bool:
    return any(each.severity is not Severity.NOTE for each in checked.findings)


def _note(path: str, sentence: str) -> Finding:
    return Finding(Severity.NOTE, path, sentence)


def _unreadable(path: str, error: OSError) -> Finding:
    wrong = isinstance(error, IsADirectoryError | NotADirectoryError)
    severity = Severity.DAMAGE if wrong else Severity.UNKNOWN
    sentence = f"it can not be read: {error.strerror}"
    return Finding(severity, error.filename or path, sentence)
