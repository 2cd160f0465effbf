"""Commands that concern one mailbox: `imapbox log`, `undo`, `restore`."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click

from imapbox.app.offline import on_store
from imapbox.app.presence import file_and_why
from imapbox.app.refused import Refused
from imapbox.disk.failures import in_words, unworded
from imapbox.model.errors import (
    DiskFull,
    MailboxBusy,
    MailboxNameRefused,
    MailError,
    StoreFenced,
    StoreReadOnly,
)
from imapbox.model.names import (
    SHARED_USER,
    MailboxName,
    UserName,
    mailbox_name,
    user_name,
)
from imapbox.store.account import AccountLog
from imapbox.store.store import Store

TRY_AGAIN: Final = 75  # sysexits.h
# What a command can't do now, and perhaps can later.
PASSES: Final = (MailboxBusy, DiskFull, StoreReadOnly, StoreFenced)
_GONE: Final = "The file system of the mail store is gone for now."

T = TypeVar("T")


class CanTryAgain(click.ClickException):
    """What may go well the next time."""

    exit_code = TRY_AGAIN


def on_account(
    root: Path, user: str, work: Callable[[Store, AccountLog], Awaitable[T]]
) -> T:
    """Open a store and one of its accounts, do ``work``, and close it.

    To be called once in a process.

    Raises:
        click.ClickException: It was refused; says why, and ends as sysexits.h has
            it for what may be tried again.
    """
    name = chosen_user(user)

    async def opened(store: Store) -> T:
        try:
            return await work(store, await store.account(name))
        except OSError as error:
            raise in_words(error) from error

    try:
        return on_store(root, opened)
    except MailError as error:
        raise refusal_at(root, error) from error


def refusal_at(root: Path, error: MailError | OSError) -> click.ClickException:
    """Return what a command ends with that was refused by a store.

    What may not be used by who runs it is named; to try again is no help then.
    """
    said = unworded(error)
    if said is None:
        return refusal(in_words(error))
    what, why = f"Can not use the mail store at {root}", file_and_why(said)
    if isinstance(said, PermissionError):
        return Refused(f"{what} as uid {os.geteuid()}: {why}.")
    return click.ClickException(f"{what}: {why}.")


def reason(error: MailError | OSError) -> str:
    """Say why one of many was left as it is, in a sentence for who runs the store."""
    said = unworded(error)
    if said is None:
        return _sentence(in_words(error))
    who = f" (uid {os.geteuid()})" if isinstance(said, PermissionError) else ""
    return f"{file_and_why(said)}{who}."


def passes(error: MailError | OSError) -> bool:
    """Say whether it may go well the next time; what may not be used will not."""
    return unworded(error) is None and isinstance(in_words(error), PASSES)


def refusal(error: MailError) -> click.ClickException:
    """Return what a command ends with that was refused."""
    wording = CanTryAgain if isinstance(error, PASSES) else click.ClickException
    return wording(_sentence(error))


def chosen_user(text: str) -> UserName:
    """Return the user that somebody named, or `SHARED_USER`.

    Raises:
        Refused: No user can have such a name.
    """
    user = SHARED_USER if text == SHARED_USER else user_name(text)
    if user is None:
        sentence = f"No user can be called {text!r}."
        raise Refused(sentence)
    return user


def chosen_mailbox(text: str) -> MailboxName:
    """Return the mailbox that somebody named.

    Raises:
        Refused: No mailbox can have such a name.
    """
    try:
        return mailbox_name(text)
    except MailboxNameRefused as error:
        raise Refused(error.sentence()) from error


def say(text: str) -> None:
    """Print a line so that it can not do anything to a terminal."""
    click.echo("".join(char if char.isprintable() else "?" for char in text))


def set_of(ranges: tuple[range, ...]) -> str:
    """Return UIDs as IMAP writes them: ``1:3,7``."""
    return ",".join(
        str(each[0]) if len(each) == 1 else f"{each[0]}:{each[-1]}" for each in ranges
    )


def _sentence(error: MailError) -> str:
    # What it says itself is for a server's clients.
    return _GONE if isinstance(error, StoreFenced) else error.sentence()


def moment(time: int) -> str:
    """Return a time of the log (microseconds since 1970 UTC) in the local zone."""
    seconds = time // 1_000_000
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(" ", "seconds")
