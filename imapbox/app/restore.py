"""`imapbox restore`: one mailbox comes back from a copy of the store."""

import os
from pathlib import Path
from typing import Final

import click

from imapbox.app.offline import become_owner
from imapbox.app.one_mailbox import (
    CanTryAgain,
    chosen_mailbox,
    chosen_user,
    passes,
    refusal,
    refusal_at,
    say,
    set_of,
)
from imapbox.app.presence import absent, find_store, of_another_format, unfinished
from imapbox.app.refused import Refused
from imapbox.app.two_stores import TwoStores
from imapbox.disk.steps import Steps, perform_patiently
from imapbox.disk.two_roots import THERE, TwoRoots, is_there
from imapbox.index.encoding import ranges_of
from imapbox.index.settings import Settings
from imapbox.model.errors import (
    MailboxDamaged,
    MailError,
    NoSuchUser,
    UnknownFormat,
)
from imapbox.model.names import MailboxName, UserName
from imapbox.store.create import account_is_made
from imapbox.store.format import NotAStore, UnfinishedCopy, read_store_file
from imapbox.store.layout import STORE_FILE
from imapbox.store.replaced import PlaceDamaged
from imapbox.store.restore import (
    CopyDamaged,
    NotInCopy,
    Restored,
    restore_mailbox,
)
from imapbox.store.store_copy import there

ALL: Final = 0
NOT_ALL: Final = 1


def run_restore(
    store: Path, copy: Path, user: str, mailbox: str, new_name: str | None
) -> int:
    """Restore, print what came of it, and return the status to end with.

    Args:
        store: The store's directory.
        copy: The copy's.
        user: Whose mailbox.
        mailbox: Its name in the copy.
        new_name: Its name in the store; None: it takes the place of the one that
            has its name.

    Raises:
        click.ClickException: It was refused; says why.
    """
    name, source = chosen_user(user), chosen_mailbox(mailbox)
    target = source if new_name is None else chosen_mailbox(new_name)
    find_store(store)
    find_store(copy, what="finished copy of one")
    become_owner(store)
    try:
        filesystem = TwoRoots(str(store), str(copy))
        settings = Settings(filesystem.boot, filesystem.node, filesystem.pid)
        for root, path in ((store, STORE_FILE), (copy, there(STORE_FILE))):
            perform_patiently(_check(root, path), filesystem)
        steps = _restore(name, source, target, settings, in_place=new_name is None)
        done = perform_patiently(steps, filesystem)
    except NotInCopy as error:
        sentence = f"The copy has no mailbox {source} of {name}."
        raise click.ClickException(sentence) from error
    except CopyDamaged as error:
        raise _damaged_in(copy, name, error) from error
    except PlaceDamaged as error:
        sentence = "The mailbox that is there is damaged; run imapbox repair first."
        raise click.ClickException(sentence) from error
    except MailboxDamaged as error:
        sentence = f"Mail of {name} at {store} is damaged; run imapbox repair first."
        raise click.ClickException(sentence) from error
    except UnknownFormat as error:
        where = f"Mail of {name} at {store}"
        raise _unknown(where, error) from error
    except (MailError, OSError) as error:
        raise _failed(TwoStores(store, copy), error) from error
    for line in lines(done, source, target):
        say(line)
    return NOT_ALL if done.broken or done.broken_here else ALL


def _check(root: Path, path: str) -> Steps[None]:
    """Check that there is a store that can be read, and say which one is none."""
    try:
        if (yield from read_store_file(path)):
            return
    except UnfinishedCopy as error:
        raise unfinished(root) from error
    except NotAStore as error:
        raise absent(root) from error
    except UnknownFormat as error:
        raise of_another_format(root, error) from error
    raise absent(root)


def _restore(
    user: UserName,
    source: MailboxName,
    target: MailboxName,
    settings: Settings,
    *,
    in_place: bool,
) -> Steps[Restored]:
    if not (yield from account_is_made(user)):
        raise NoSuchUser(user)
    return (
        yield from restore_mailbox(user, source, target, settings, in_place=in_place)
    )


def _damaged_in(copy: Path, user: UserName, error: CopyDamaged) -> click.ClickException:
    """Return what it ends with that can't read all of the copy: it is not the store."""
    what = f"The account of {user}"
    if error.mailbox is not None:
        what = f"The mailbox {error.mailbox} of {user}"
    if isinstance(error.__cause__, UnknownFormat):
        return _unknown(f"{what} in the copy at {copy}", error.__cause__)
    then = f"take another copy, or run imapbox repair --store {copy}"
    return click.ClickException(f"{what} is damaged in the copy at {copy}: {then}.")


def _unknown(what: str, error: UnknownFormat) -> click.ClickException:
    """Return what it ends with that an imapbox wrote which is not this one."""
    return click.ClickException(f"{what}: {error.sentence()}")


def _failed(roots: TwoStores, error: MailError | OSError) -> click.ClickException:
    """Return what it ends with that can't read the copy, or use the store."""
    if passes(error):
        return CanTryAgain(roots.reason(error))
    if isinstance(error, MailError):
        return refusal(error)
    path, copy = error.filename, roots.copy
    if not isinstance(path, str) or (path != str(copy) and not is_there(error)):
        return refusal_at(roots.store, error)
    what = f"{path.removeprefix(f'{THERE}/')}: {error.strerror}."
    if isinstance(error, PermissionError):
        return Refused(f"Can not read the copy at {copy} as uid {os.geteuid()}: {what}")
    return click.ClickException(f"Can not read the copy at {copy}: {what}")


def lines(done: Restored, source: MailboxName, target: MailboxName) -> list[str]:
    """Return what to print of a restore."""
    said = [f"{target} is a new mailbox with {done.messages} messages of {source}"]
    said[0] += f" as it was in the copy; UIDVALIDITY {done.uidvalidity}"
    if done.deleted is not None:
        said += [
            f"{done.kept} messages that did not come from the copy were kept",
            "clients will fetch the mailbox anew",
            f"what it was before is deleted, and stays for a day: {done.deleted.hex()}",
        ]
    for where, broken in (("in the copy", done.broken), ("here", done.broken_here)):
        if broken:
            uids = set_of(ranges_of(sorted(broken)))
            said.append(f"not what was stored {where}, and left out: UID {uids}")
    return said
