"""`imapbox compact`: give back the room of what is gone, beside the servers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imapbox.app.offline import on_store
from imapbox.app.one_mailbox import (
    TRY_AGAIN,
    chosen_mailbox,
    chosen_user,
    passes,
    reason,
    refusal_at,
)
from imapbox.app.presence import in_the_way
from imapbox.app.sizes import size_in_words
from imapbox.index.commit import Log
from imapbox.index.compact import Compacted, compact, look_for_work
from imapbox.index.compact_plan import Policy, Use
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.model.errors import MailError
from imapbox.model.names import MailboxName, UserName
from imapbox.store.account import AccountLog
from imapbox.store.clean import remove_deleted
from imapbox.store.layout import mailbox_directory
from imapbox.store.store import Store
from imapbox.store.users import InTheWay, users_with_account

DONE: Final = 0
NOT_ALL: Final = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        user: Whose mailboxes; None: everybody's.
        mailbox: Which one; None: all of them, and those that were deleted.
        grace: Seconds for which what is gone stays.
        dry_run: Whether to say only what could be done.
        verbose: Whether to name also those mailboxes in which nothing was to be done.
    """

    user: UserName | None
    mailbox: MailboxName | None
    grace: float
    dry_run: bool
    verbose: bool


def run_compact(  # noqa: PLR0913 - what can be said
    store: Path,
    user: str | None,
    mailbox: str | None,
    *,
    grace: float,
    dry_run: bool,
    verbose: bool,
) -> int:
    """Compact, print what came of it, and return the status to end with.

    Args:
        store: The store's directory.
        user: Whose mailboxes, or None.
        mailbox: Which one of them, or None.
        grace: Hours.
        dry_run: Change nothing.
        verbose: Name also those mailboxes in which nothing was to be done.

    Raises:
        click.ClickException: There is no store, no such user or mailbox.
    """
    name = None if mailbox is None else chosen_mailbox(mailbox)
    whose = None if user is None else chosen_user(user)
    wish = Wish(whose, name, grace * 3600, dry_run, verbose)
    try:
        return on_store(store, lambda opened: _Job(opened, wish).run())
    except InTheWay as error:
        raise in_the_way(store, error) from error
    except (MailError, OSError) as error:
        raise refusal_at(store, error) from error


class _Job:
    """One run over a store."""

    def __init__(self, store: Store, wish: Wish) -> None:
        self._store = store
        self._wish = wish
        self._policy = Policy(grace=wish.grace)
        self._freed = 0
        self._status = DONE

    async def run(self) -> int:
        """Do all that was asked for; what fails keeps nothing else from it."""
        for user in await self._users():
            try:
                account = await self._store.account(user)
            except MailError as error:
                if self._wish.user is not None:
                    raise
                self._failed(user, error)
                continue
            await self._account(account)
        if not self._wish.dry_run:
            click.echo(f"given back: {size_in_words(self._freed)}")
        return self._status

    async def _users(self) -> list[UserName]:
        if self._wish.user is not None:
            return [self._wish.user]
        found = await self._store.drivers.read.run(users_with_account())
        for path, error in found.closed.items():
            self._failed(path, error)
        return found.users

    async def _account(self, account: AccountLog) -> None:
        user, wanted = account.user, self._wish.mailbox
        if wanted is not None:
            mailbox = account.named(wanted)
            await self._mailbox(user, wanted, mailbox.mailbox_id)
            return
        for name, mailbox in sorted(account.state.names.items()):
            await self._mailbox(user, name, mailbox.mailbox_id)
        for mailbox_id in account.state.deleted:
            await self._deleted(user, mailbox_id)

    async def _mailbox(
        self, user: UserName, name: MailboxName, mailbox_id: bytes
    ) -> None:
        log = Log(mailbox_directory(user, mailbox_id), MailboxFacts)
        settings, driver = self._store.settings, self._store.drivers.write
        title = f"{user} {name}"
        try:
            if self._wish.dry_run:
                steps = look_for_work(log, settings, self._policy)
                self._say(title, _described(await driver.run(steps)))
                return
            done = await driver.run(compact(log, settings, self._policy))
        except (MailError, OSError) as error:
            self._failed(title, error)
            return
        self._freed += max(0, done.before - done.after)
        if done.broken or done.is_full:
            self._status = NOT_ALL if done.broken else self._status or TRY_AGAIN
        if self._wish.verbose or _is_news(done):
            self._say(title, _summary(done))

    async def _deleted(self, user: UserName, mailbox_id: bytes) -> None:
        title = f"{user} {mailbox_id.hex()} (deleted)"
        if self._wish.dry_run:
            return
        steps = remove_deleted(user, mailbox_id, self._wish.grace, self._store.settings)
        try:
            if await self._store.drivers.write.run(steps):
                self._say(title, "removed")
        except (MailError, OSError) as error:
            self._failed(title, error)

    def _failed(self, title: str, error: MailError | OSError) -> None:
        self._status = (self._status or TRY_AGAIN) if passes(error) else NOT_ALL
        self._say(title, f"left as it is: {reason(error)}")

    def _say(self, title: str, what: str) -> None:
        text = f"{title}: {what}"
        click.echo("".join(char if char.isprintable() else "?" for char in text))


def _is_news(done: Compacted) -> bool:
    """Say whether anything was done, or could not be."""
    did = done.punched or done.relocated or done.removed
    return bool(did or done.is_full or done.broken)


def _summary(done: Compacted) -> str:
    """Say in a line what came of a compaction."""
    parts = []
    if done.punched:
        parts.append(f"{size_in_words(done.punched)} punched out")
    if done.relocated:
        parts.append(f"{done.relocated} messages written again")
    if done.removed:
        parts.append(f"{done.removed} segments removed")
    if done.in_grace:
        parts.append(f"{size_in_words(done.in_grace)} in grace")
    if done.is_full:
        parts.append("no room to write messages again")
    if done.broken:
        uids = ", ".join(map(str, done.broken[:10]))
        parts.append(f"not what was stored, and left: UID {uids}")
    sizes = f"{size_in_words(done.before)} -> {size_in_words(done.after)}"
    return (
        f"{sizes} ({'; '.join(parts)})"
        if parts
        else f"{size_in_words(done.after)}, of use"
    )


def _described(found: list[Use]) -> str:
    """Say in a line what a mailbox's segments are used for."""
    taken, alive, grace = (
        sum(getattr(use, name) for use in found) for name in ("taken", "alive", "grace")
    )
    dead = max(0, taken - alive - grace)
    return (
        f"{size_in_words(taken)} in {len(found)} segments:"
        f" {size_in_words(alive)} alive, {size_in_words(grace)} in grace,"
        f" {size_in_words(dead)} dead"
    )
