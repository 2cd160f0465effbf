"""What is known of foreign messages: read once, and flags again.

twisted.mail answers most questions about a message at once, and some of ours must
be answered at once, so it is all in memory: some 200 bytes for each message.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from twisted.mail.imap4 import MessageSet

from imapbox.foreign.calls import ask, text_of, turn
from imapbox.foreign.octets import OCTETS_AT_ONCE, octets_file, size_of
from imapbox.imap.number_sets import runs
from imapbox.model.flags import MAX_KEYWORDS, is_keyword, split_flags
from imapbox.model.message import InternalDate

# So many messages are asked for between two turns of others.
AT_ONCE: Final = 100
_UIDS_AT_ONCE: Final = 1000


class UidsUnusable(Exception):
    """A mailbox has UIDs that do not ascend, or are none."""


@dataclass(slots=True)
class Row:
    """A message.

    Attributes:
        flags: Bits of `model.flags.Flag`.
        keywords: Bit n is set if it has keyword number n.
        date: INTERNALDATE.
        size: Octets.
    """

    flags: int
    keywords: int
    date: InternalDate
    size: int


class Keywords:
    """The keywords of a mailbox as they were met.

    Args:
        names: Flags of the mailbox.
    """

    def __init__(self, names: Iterable[str | bytes] = ()) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self.split(names)

    def split(self, names: Iterable[str | bytes]) -> tuple[int, int]:
        r"""Return flags as bits: system flags, keywords. ``\Recent`` is none."""
        system, keywords = split_flags(frozenset(map(text_of, names)))
        bits = 0
        for name in sorted(keywords):
            number = self._numbers.get(name.lower())
            if number is None and len(self.names) < MAX_KEYWORDS and is_keyword(name):
                number = self._numbers[name.lower()] = len(self.names)
                self.names.append(name)
            if number is not None:
                bits |= 1 << number
        return int(system), bits


async def all_uids(box: Any, clock: Any) -> NDArray[np.uint32]:
    """Return the UIDs of all messages of a mailbox, ascending.

    Raises:
        UidsUnusable: They aren't.
    """
    count = int(await ask(box.getMessageCount))
    uids = np.zeros(count, np.int64)
    for number in range(count):
        uids[number] = await ask(box.getUID, number + 1)
        if number % _UIDS_AT_ONCE == _UIDS_AT_ONCE - 1:
            await turn(clock)
    if count and (uids[0] < 1 or uids[-1] >= 2**32 or (np.diff(uids) < 1).any()):
        raise UidsUnusable(uids)
    return uids.astype(np.uint32)


async def messages(
    box: Any, uids: NDArray[np.uint32], clock: Any
) -> AsyncIterator[tuple[int, Any]]:
    """Yield messages with their UIDs; those that are gone are left out."""
    for at in range(0, len(uids), AT_ONCE):
        some = uids[at : at + AT_ONCE]
        wanted = set(some.tolist())
        for _, message in await ask(box.fetch, message_set(some), True):  # noqa: FBT003 - Twisted's
            uid = int(message.getUID())
            if uid in wanted:
                yield uid, message
        await turn(clock)


def message_set(uids: NDArray[np.uint32]) -> MessageSet:
    """Return UIDs as twisted.mail names them."""
    named = MessageSet()  # type: ignore[no-untyped-call] # Twisted's
    for first, last in zip(*(each.tolist() for each in runs(uids)), strict=True):
        named.add(first, last)  # type: ignore[no-untyped-call] # Twisted's
    return named


async def rows_of(
    box: Any, uids: NDArray[np.uint32], keywords: Keywords, clock: Any
) -> AsyncIterator[tuple[int, Row]]:
    """Yield what there is to know of messages, with their UIDs."""
    octets = 0
    async for uid, message in messages(box, uids, clock):
        row = await _row_of(message, keywords, clock)
        yield uid, row
        octets += row.size
        if octets >= OCTETS_AT_ONCE:
            octets = 0
            await turn(clock)


async def _row_of(message: Any, keywords: Keywords, clock: Any) -> Row:
    flags, bits = keywords.split(message.getFlags())
    # Not getSize: RFC822.SIZE has to be what BODY[] has, and few count that.
    size = size_of(await octets_file(message, clock))
    return Row(flags, bits, _date_of(message), size)


def _date_of(message: Any) -> InternalDate:
    parsed = parsedate_tz(text_of(message.getInternalDate() or ""))
    if parsed is None:
        return InternalDate(0)
    try:
        return InternalDate(mktime_tz(parsed), (parsed[9] or 0) // 60)
    except (OverflowError, ValueError):
        return InternalDate(0)
