"""`imapbox user add`."""

import stat
import sys
from pathlib import Path

import click

from imapbox.app.offline import on_store
from imapbox.app.one_mailbox import refusal_at
from imapbox.app.presence import in_the_way, is_a, something_else, unreadable
from imapbox.auth.hashes import argon2id
from imapbox.auth.passwd_edit import set_hash
from imapbox.auth.passwd_lines import can_be_written
from imapbox.disk.disk_filesystem import DiskFileSystem
from imapbox.disk.steps import perform
from imapbox.model.errors import MailError
from imapbox.model.names import SHARED_USER, UserName, user_name
from imapbox.store.layout import STORE_FILE
from imapbox.store.users import InTheWay, find_shards


def run_user_add(store: Path, passwd: Path | None, name: str) -> None:
    """Make an account; with ``passwd``, set its password first.

    Raises:
        click.ClickException: It could not be done; says why in a sentence.
    """
    # He would be another one than is meant, since names have small letters.
    user = None if name == SHARED_USER else user_name(name)
    if user is None or (passwd is not None and not can_be_written(user)):
        raise click.ClickException("A user can not have this name.")
    _check_place(store)
    if passwd is not None:
        _set_password(passwd, user)
    try:
        made = on_store(store, lambda opened: opened.create_account(user), make=True)
    except MailError as error:
        raise refusal_at(store, error) from error
    except OSError as error:
        raise unreadable(store, error) from error
    click.echo(f"{user}: {'made' if made else 'was there already'}")


def _check_place(store: Path) -> None:
    """Check that nothing is in the way where the store is, or is to be made."""
    try:
        if is_a(lambda mode: not stat.S_ISDIR(mode), store):
            raise something_else(store)
        file = store / STORE_FILE
        # An empty one is of a store that was not made to its end; it will be.
        if is_a(stat.S_ISREG, file) and file.stat().st_size:
            perform(find_shards(), DiskFileSystem(str(store)))
    except InTheWay as error:
        raise in_the_way(store, error) from error
    except OSError as error:
        raise unreadable(store, error) from error


def _set_password(passwd: Path, user: UserName) -> None:
    """Ask for a password, or read a line where there is nobody to ask."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password or "\0" in password:
        raise click.ClickException("An empty password lets nobody in.")
    try:
        set_hash(passwd, user, argon2id(password.encode()))
    except OSError as error:
        sentence = f"Can not write the passwd-file {passwd}: {error.strerror}."
        raise click.ClickException(sentence) from error
