"""`imapbox acl`: who may do what with a mailbox, shown and set."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from imapbox.app.one_mailbox import chosen_mailbox, chosen_user, on_account, say
from imapbox.app.refused import Refused
from imapbox.mailbox.account import UserAccount
from imapbox.model.names import SHARED_USER
from imapbox.model.rights import ANYONE, Rights, RightsChange, letters, rights_change
from imapbox.store.account import AccountLog
from imapbox.store.store import Store


class Wish(NamedTuple):
    """Whose rights are to be changed, and how.

    Attributes:
        identifier: A user's name, or ``anyone``.
        rights: As SETACL has them: ``lrs``, ``+w``, ``-s``, or nothing.
    """

    identifier: str
    rights: str


def run_acl(store: Path, user: str, mailbox: str, wish: Wish | None) -> None:
    """Change what is wished, and print who may do what.

    Raises:
        click.ClickException: It was refused; says why.
    """
    name = chosen_mailbox(mailbox)
    whose, change = None, None
    if wish is not None:
        whose, change = chosen_user(wish.identifier), _change(wish.rights)
        if whose == ANYONE and user != SHARED_USER:
            sentence = f"{ANYONE} has rights to mailboxes of {SHARED_USER} only."
            raise Refused(sentence)

    async def work(opened: Store, account: AccountLog) -> Mapping[str, Rights]:
        mail = UserAccount(opened, account)
        if whose is not None and change is not None:
            await mail.change_rights(name, whose, change)
        return await mail.access_list(name)

    for identifier, rights in on_account(store, user, work).items():
        say(f"{identifier}: {letters(rights)}")


def _change(text: str) -> RightsChange:
    try:
        return rights_change(text)
    except ValueError:
        sentence = f"{text!r} are no rights: lrs are some, +w is one more."
        raise click.UsageError(sentence) from None
