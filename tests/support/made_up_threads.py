"""Mails that answer one another, made up by chance."""

import random
from collections.abc import Sequence
from typing import Final

from benchmarks.load.imap import ImapClient
from tests.support.naive_threads import Mail

_SUBJECTS: Final = ("", "a", "b", "c", "d")


def made_up(chance: random.Random, count: int, *, loops: bool) -> list[Mail]:
    """Return mails of which some answer others, or what is not there.

    Args:
        chance: Decides.
        count: How many.
        loops: Whether they may be their own ancestors.
    """
    ids = [str(number) for number in range(2 * count)]
    mails = []
    for number in range(count):
        own = chance.choice(ids)
        before = ids if loops else ids[: int(own)]
        size = min(len(before), chance.choice((0, 0, 1, 1, 2, 3, 4)))
        references = sorted(chance.sample(before, size), key=int)
        if loops:
            chance.shuffle(references)
        shared = chance.random() < 0.5
        mails.append(
            Mail(
                own=own if chance.random() < 0.9 else None,
                references=tuple(references),
                date=chance.randrange(24),
                subject=chance.choice(_SUBJECTS) if shared else str(number),
                is_reply=chance.random() < 0.4,
            )
        )
    return mails


def append_threads(client: ImapClient, mailbox: str, mails: Sequence[Mail]) -> None:
    """Put mails into a new mailbox."""
    client.command(f"CREATE {mailbox}".encode())
    for mail in mails:
        octets = mail.header + b"\r\n\r\nx\r\n"
        start = f'APPEND {mailbox} "14-Nov-2023 23:13:20 +0000" {{{len(octets)}+}}\r\n'
        client.command(start.encode() + octets)
