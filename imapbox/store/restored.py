"""New UIDVALIDITYs for all mailboxes: what `imapbox restored` does.

A store that was restored from a copy gives UIDs again that clients have seen on
other messages. A new UIDVALIDITY tells them to forget (RFC 9051 §2.3.1.1).

Mailbox by mailbox, with the account's lock and its own: first the account's log
says which UIDVALIDITY the mailbox is given, so that no other one ever gets it,
then the mailbox's log takes it. A crash between the two leaves a mailbox whose
account is ahead of it, until it is given another one.

The file ``restoring`` names the run for as long as it is not finished, so that
what one run did is not done again by the one that ends it::

    offset  size  field
         0     8  magic "IBRSTNG" and a zero byte
         8    16  run: random
        24     8  when it was begun, microseconds since 1970 UTC
        32    28  zero
        60     4  CRC-32 of the 60 bytes before

One that is torn, or was begun more than a day ago, is of no run.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from imapbox.disk import steps
from imapbox.disk.failures import in_words
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.account_log import account_log
from imapbox.index.account_operations import Create
from imapbox.index.account_state import AccountState, ChangeAccount
from imapbox.index.commit import Log, write_one
from imapbox.index.damage import damage
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.new_uidvalidity import MAX_UIDVALIDITY, RESTORED, GiveUidValidity
from imapbox.index.opening import follow_all, open_log
from imapbox.index.read import LogBroken, first_position, follow
from imapbox.index.settings import Settings
from imapbox.index.settle import Tail, settle
from imapbox.index.transaction import Transaction
from imapbox.locks.acquire import Identity, locked
from imapbox.model.errors import MailError, NumbersExhausted
from imapbox.model.names import MailboxName, UserName
from imapbox.model.numbers import UidValidity
from imapbox.store.layout import ROOT, account_directory, mailbox_directory

COMMAND: Final = "restored"
RESTORING: Final = "restoring"
FILE_SIZE: Final = 64
RUN_SIZE: Final = 16
_STALE: Final = 24 * 3600 * 1_000_000  # microseconds

_MAGIC: Final = b"IBRSTNG\0"
_FIELDS = struct.Struct("<8s16sQ28x")
_CRC = struct.Struct("<I")


@dataclass(slots=True)
class Renewed:
    """What came of it for one user.

    Attributes:
        given: The UIDVALIDITYs that were given, by mailbox.
        before: How many mailboxes this run had given one before.
        failed: Which got none, and why.
    """

    given: dict[MailboxName, UidValidity] = field(default_factory=dict)
    before: int = 0
    failed: dict[MailboxName, MailError] = field(default_factory=dict)


def begin_run() -> Steps[bytes]:
    """Return the run that was begun and not finished, or begin one, durably."""
    now = int((yield from steps.now()) * 1_000_000)
    try:
        data = yield from steps.opened(
            RESTORING, Mode.READ, lambda fd: steps.pread(fd, FILE_SIZE, 0)
        )
    except FileNotFoundError:
        data = b""
    found = decode_run(data)
    if found is not None and now - found[1] < _STALE:
        return found[0]
    run = yield from steps.random(RUN_SIZE)
    octets = encode_run(run, now)

    def write_it(fd: int) -> Steps[None]:
        yield from steps.pwrite(fd, octets, 0)
        yield from steps.fdatasync(fd)

    yield from steps.opened(RESTORING, Mode.ENSURE, write_it)
    yield from steps.sync_directory(ROOT)
    return run


def end_run() -> Steps[None]:
    """Say that nothing is left to be done."""
    yield from steps.unlink(RESTORING)
    yield from steps.sync_directory(ROOT)


def encode_run(run: bytes, time: int) -> bytes:
    """Return what is in the file."""
    content = _FIELDS.pack(_MAGIC, run, time)
    return content + _CRC.pack(zlib.crc32(content))


def decode_run(data: bytes) -> tuple[bytes, int] | None:
    """Read the file; None if it names no run."""
    if len(data) != FILE_SIZE or not data.startswith(_MAGIC):
        return None
    if _CRC.unpack_from(data, _FIELDS.size)[0] != zlib.crc32(data[: _FIELDS.size]):
        return None
    _, run, time = _FIELDS.unpack_from(data)
    return run, time


def renew_mailboxes(user: UserName, run: bytes, settings: Settings) -> Steps[Renewed]:
    """Give all mailboxes of a user new UIDVALIDITYs, each once in a run.

    Raises:
        MailboxDamaged: The account can't be read.
        MailboxBusy: A lock was not to be had to mend it.
    """
    account = account_directory(user)
    opened = yield from open_log(account, settings, AccountState)
    done = Renewed()
    for mailbox in sorted(opened.state.mailboxes.values(), key=lambda each: each.name):
        renewal = _Renewal(user, mailbox, run, settings)
        try:
            given = yield from renewal.under_locks()
        except MailError as error:
            done.failed[mailbox.name] = error
        except OSError as error:
            done.failed[mailbox.name] = in_words(error)
        else:
            if given is None:
                done.before += 1
            else:
                done.given[mailbox.name] = given
    return done


class _Renewal:
    """A new UIDVALIDITY for one mailbox."""

    def __init__(
        self, user: UserName, mailbox: Create, run: bytes, settings: Settings
    ) -> None:
        self._account = account_log(account_directory(user))
        directory = mailbox_directory(user, mailbox.mailbox_id)
        self._log = Log(directory, MailboxFacts)
        self._mailbox = mailbox
        self._run = run
        self._settings = settings

    def under_locks(self) -> Steps[UidValidity | None]:
        """Return what was given; None if there was nothing to do."""
        settings = self._settings
        identity = Identity(settings.node, settings.pid, COMMAND)
        until = (yield from steps.monotonic()) + settings.patience
        paths = [self._account.lock, self._log.lock]
        return (yield from locked(paths, identity, until, self._section))

    def _section(self) -> Steps[UidValidity | None]:
        account = yield from settle(self._account.directory, self._settings)
        tail = yield from settle(self._log.directory, self._settings)
        state = AccountState()
        yield from _read(
            self._account.directory,
            follow_all(self._account.directory, account.position, state.apply),
        )
        mailbox = state.mailboxes.get(self._mailbox.mailbox_id)
        facts = MailboxFacts()
        end = tail.position
        first = first_position(end.segment, end.salt)
        yield from _read(
            self._log.directory,
            follow(self._log.directory, first, end, facts.apply),
        )
        if mailbox is None or facts.meta.get(RESTORED) == self._run:
            return None
        given = yield from self._give(account, state, tail)
        yield from self._write(self._log, tail, GiveUidValidity(given, self._run))
        return given

    def _give(
        self, account: Tail, state: AccountState, tail: Tail
    ) -> Steps[UidValidity]:
        """Let the account say which UIDVALIDITY the mailbox gets."""
        now = int((yield from steps.now()))
        highest = max(state.highest_uidvalidity, tail.counts.uidvalidity)
        given = UidValidity(max(now, highest + 1))
        if given > MAX_UIDVALIDITY:
            raise NumbersExhausted
        renewed = state.mailboxes[self._mailbox.mailbox_id]._replace(uidvalidity=given)
        decide: Callable[[AccountState], list[Create]] = lambda _: [renewed]  # noqa: E731 - a value
        change = ChangeAccount(state, decide)
        yield from self._write(self._account, account, change)
        return given

    def _write(self, log: Log, tail: Tail, wish: Transaction) -> Steps[None]:
        yield from write_one(log, self._settings, tail, wish)


def _read(directory: str, reading: Steps[None]) -> Steps[None]:
    """Read a log that was settled a moment ago, under its lock."""
    try:
        yield from reading
    except LogBroken as broken:
        reason = f"the log is broken: {broken}"
        raise (yield from damage(directory, reason)) from broken
