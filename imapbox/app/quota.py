"""`imapbox quota`: what an account may hold, shown and set."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import click

from imapbox.app.one_mailbox import on_account, say
from imapbox.app.sizes import size_in_words
from imapbox.model.quota import Quota, Usage
from imapbox.store.account import AccountLog
from imapbox.store.quotas import NOTHING_SET, quota_facts, quota_of, usage_of
from imapbox.store.store import Store

NO_LIMIT: Final = "none"
_AMOUNT: Final = re.compile(r"([0-9]{1,12})([KMGT]?)", re.IGNORECASE)
_FACTORS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

# What IMAP can tell: RFC 9208 §7, number64.
_MOST: Final = (1 << 63) - 1


class Wish(NamedTuple):
    """What is to be set.

    Attributes:
        storage: As ``500M``, or ``none``; None: as it is.
        messages: As ``10000``, or ``none``; None: as it is.
        default: Whether all that was set is forgotten first.
    """

    storage: str | None = None
    messages: str | None = None
    default: bool = False


def run_quota(store: Path, user: str, wish: Wish) -> None:
    """Set what is wished, and print what holds and what is held.

    Raises:
        click.ClickException: It was refused; says why.
    """
    storage, messages = _limit(wish.storage), _limit(wish.messages)

    async def work(opened: Store, account: AccountLog) -> tuple[Quota, Usage]:
        if wish.default:
            await account.set_meta(NOTHING_SET)
        quota = quota_of(account.meta(), opened.quota)
        if wish.storage is not None:
            quota = quota._replace(octets=storage)
        if wish.messages is not None:
            quota = quota._replace(messages=messages)
        if (wish.storage, wish.messages) != (None, None):
            await account.set_meta(quota_facts(quota))
        return quota, await usage_of(opened, account)

    quota, usage = on_account(store, user, work)
    for line in lines(quota, usage):
        say(line)


def lines(quota: Quota, usage: Usage) -> list[str]:
    """Return what to print."""
    storage = NO_LIMIT if quota.octets is None else size_in_words(quota.octets)
    messages = NO_LIMIT if quota.messages is None else str(quota.messages)
    return [
        f"storage: {size_in_words(usage.octets)} of {storage}",
        f"messages: {usage.messages} of {messages}",
    ]


def amount(text: str) -> int | None:
    """Return how much ``500M`` is; None if it is nothing like that, or too much."""
    match = _AMOUNT.fullmatch(text)
    found = int(match[1]) * _FACTORS[match[2].upper()] if match else None
    return None if found is None or found > _MOST else found


def _limit(text: str | None) -> int | None:
    if text is None or text == NO_LIMIT:
        return None
    found = amount(text)
    if found is None:
        sentence = f"{text!r} is no amount: 500M is one, 10000, or {NO_LIMIT}."
        raise click.UsageError(sentence)
    return found
