"""`imapbox log`: what happened to a mailbox, change by change.

Changes no mail; beside servers, or without them. As anybody who opens a log does,
it settles what a crash left of it.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from imapbox.app.one_mailbox import chosen_mailbox, moment, on_account, say, set_of
from imapbox.index.history import Happened, History, What
from imapbox.index.opening import open_log
from imapbox.model.names import MailboxName, UserName
from imapbox.model.numbers import ModSeq
from imapbox.store.account import AccountLog
from imapbox.store.layout import mailbox_directory
from imapbox.store.store import Store

WHOLE: Final = 0
DAMAGED: Final = 1
_BEGUN_ANEW: Final = (
    "What happened before is not in the log any more:"
    " compaction removed it, or repair wrote the log anew."
)


class MailboxLog(NamedTuple):
    """What a mailbox's log told.

    Attributes:
        user: Whose mailbox.
        mailbox: Its name.
        history: What happened.
        damaged: Whether there may be more that can't be read.
    """

    user: UserName
    mailbox: MailboxName
    history: History
    damaged: bool


def run_log(store: Path, user: str, mailbox: str, since: int, *, as_json: bool) -> int:
    """Print what happened; return the status to end with.

    Args:
        store: The store's directory.
        user: Whose mailbox.
        mailbox: Which one.
        since: A modseq; what happened up to it is left out.
        as_json: Print one JSON object.

    Raises:
        click.ClickException: There is no store, no such user or mailbox.
    """
    name = chosen_mailbox(mailbox)

    async def work(opened: Store, account: AccountLog) -> MailboxLog:
        directory = mailbox_directory(account.user, account.named(name).mailbox_id)
        steps = open_log(directory, opened.settings, lambda: History(ModSeq(since)))
        read = await opened.drivers.write.run(steps)
        return MailboxLog(account.user, name, read.state, read.damaged)

    found = on_account(store, user, work)
    if as_json:
        click.echo(in_json(found))
    else:
        for line in lines(found, since):
            say(line)
    return DAMAGED if found.damaged else WHOLE


def lines(log: MailboxLog, since: int = 0) -> list[str]:
    """Return what to print of a log."""
    history = log.history
    said = [
        f"{each.modseq:>8}  {moment(each.time)}  {described(each)}"
        for each in history.happened
    ]
    if not said:
        said = [f"Nothing happened since modseq {since}."]
    elif since < history.begins and history.happened[0].what is What.BEGINS:
        said.insert(0, _BEGUN_ANEW)
    if log.damaged:
        said.append("The mailbox is damaged; what comes next can not be read.")
    return said


def described(happened: Happened) -> str:
    """Say in a few words what happened."""
    word = happened.what.value
    return _WORDS.get(happened.what, _plain)(word, set_of(happened.uids), happened.more)


def in_json(log: MailboxLog) -> str:
    """Return a log as one JSON object, a line for each thing that happened."""
    counts = log.history.counts
    about = {
        "user": log.user,
        "mailbox": log.mailbox,
        "uidvalidity": counts.uidvalidity,
        "uidnext": counts.uidnext,
        "highestmodseq": counts.modseq,
        "begins": log.history.begins,
        "damaged": log.damaged,
    }
    rows = ",\n".join(json.dumps(_row(each)) for each in log.history.happened)
    return f'{json.dumps(about)[:-1]}, "changes": [\n{rows}\n]}}'


def _row(happened: Happened) -> dict[str, Any]:
    seconds = happened.time / 1_000_000
    row: dict[str, Any] = {
        "modseq": happened.modseq,
        "time": datetime.fromtimestamp(seconds, UTC).isoformat(),
        "what": happened.what.name.lower(),
    }
    if happened.uids:
        row["uids"] = set_of(happened.uids)
    for key, value in happened.more.items():
        row[key] = set_of(value) if isinstance(value, tuple) else value
    return row


def _plain(word: str, uids: str, _more: Mapping[str, Any]) -> str:
    return f"{word} {uids}" if uids else word


def _arrived(word: str, uids: str, more: Mapping[str, Any]) -> str:
    return f"{word} {uids} ({more['octets']} octets)"


def _flags(word: str, uids: str, more: Mapping[str, Any]) -> str:
    if "set" in more:
        return f"{word} of {uids}: set to ({' '.join(more['set'])})"
    signs = (("+", "add"), ("-", "remove"))
    marks = [sign + name for sign, key in signs for name in more.get(key, ())]
    return f"{word} of {uids}: {' '.join(marks)}"


_WORDS: Final[Mapping[What, Callable[[str, str, Mapping[str, Any]], str]]] = {
    What.DELIVERED: _arrived,
    What.COPIED: _arrived,
    What.ADDED: _arrived,
    What.FLAGS: _flags,
    What.KEYWORD: lambda word, _, more: f"{word} {more['keyword']}",
    What.BROUGHT_BACK: lambda word, uids, more: (
        f"{word} {set_of(more['from'])} as {uids}"
    ),
    What.SELECTED: lambda word, _, more: f"{word}; recent up to {more['recent']}",
    What.RESTORED: lambda word, _, more: f"{word} {more['uidvalidity']}",
    What.NEW_SEGMENT: lambda word, _, more: f"{word} log.{more['segment']}",
    What.BEGINS: lambda word, _, more: f"{word} with log.{more['segment']}",
    What.PUNCHED: lambda word, _, more: (
        f"{word} what died up to {moment(more['died_until'])}"
    ),
    What.FACT: lambda word, _, more: f"{word} {more['name']}",
}
