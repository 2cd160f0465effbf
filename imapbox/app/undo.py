"""`imapbox undo`: what was expunged from a mailbox comes back."""

from itertools import groupby
from pathlib import Path
from typing import Final

import click

from imapbox.app.one_mailbox import chosen_mailbox, moment, on_account, say, set_of
from imapbox.app.refused import Refused
from imapbox.index.commit import Log
from imapbox.index.encoding import ranges_of
from imapbox.index.mailbox_state import MailboxFacts
from imapbox.index.undo import BroughtBack, NoSuchModSeq, look_for_expunged, undo
from imapbox.model.numbers import ModSeq
from imapbox.store.account import AccountLog
from imapbox.store.layout import mailbox_directory
from imapbox.store.store import Store

ALL: Final = 0
NOT_ALL: Final = 1
# A mailbox is made with this one: nothing was expunged up to it.
_CREATED: Final = ModSeq(1)


def run_undo(store: Path, user: str, mailbox: str, to: int, *, dry_run: bool) -> int:
    """Undo, print what came of it, and return the status to end with.

    Args:
        store: The store's directory.
        user: Whose mailbox.
        mailbox: Which one.
        to: A modseq; what was expunged behind it comes back.
        dry_run: Change nothing.

    Raises:
        click.ClickException: It was refused; says why.
    """
    name = chosen_mailbox(mailbox)

    done = BroughtBack()

    async def work(opened: Store, account: AccountLog) -> BroughtBack:
        mailbox_id = account.named(name).mailbox_id
        log = Log(mailbox_directory(account.user, mailbox_id), MailboxFacts)
        binding = account.binding_of(mailbox_id).binding()
        settings = opened.settings
        if dry_run:
            steps = look_for_expunged(log, ModSeq(to), settings)
        else:
            steps = undo(log, binding, ModSeq(to), settings, done)
        return await opened.drivers.write.run(steps)

    try:
        done = on_account(store, user, work)
    except click.ClickException:
        if done.now:
            say("interrupted:")
            _tell(done, to, dry_run=dry_run)
        raise
    except NoSuchModSeq as error:
        sentence = f"The mailbox has come to modseq {error.highest} only."
        raise Refused(sentence) from error
    _tell(done, to, dry_run=dry_run)
    return NOT_ALL if done.lost else ALL


def _tell(done: BroughtBack, to: int, *, dry_run: bool) -> None:
    for line in lines(done, to, dry_run=dry_run):
        say(line)


def lines(done: BroughtBack, to: int, *, dry_run: bool) -> list[str]:
    """Return what to print of an undo."""
    said = []
    if done.begins > max(to, _CREATED):
        sentence = (
            f"What was expunged up to modseq {done.begins} is not known any more."
        )
        said.append(sentence)
    if not (done.before or done.lost):
        said.append(f"Nothing was expunged since modseq {to} that is not back.")
    if done.before:
        count, before = len(done.before), set_of(ranges_of(done.before))
        verb = "would come back" if dry_run else "came back"
        now = "" if dry_run else f" as {set_of(ranges_of(done.now))}"
        said.append(f"{count} messages {verb}: UID {before}{now}")
    by_time = sorted(done.lost, key=lambda each: (each.time, each.uid))
    for time, group in groupby(by_time, key=lambda each: each.time):
        uids = set_of(ranges_of(each.uid for each in group))
        said.append(
            f"can not be brought back, what they were is gone: UID {uids},"
            f" expunged {moment(time)}"
        )
    return said
