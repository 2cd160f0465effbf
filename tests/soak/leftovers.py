"""Files that nobody needs: the store, against what docs/formats says may be there."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from imapbox.index.compact_plan import LEAST
from imapbox.index.head import Head
from imapbox.index.segment import segment_numbers
from imapbox.index.shed import KEPT

# The greatest that one mailbox's log may be beside what lives in it.
_MOST: Final = 3 * LEAST
# Each with how many there may be in one directory.
_LOG: Final = {r"lock": 1, r"head": 1, r"log\.[1-9][0-9]*": 20}
_MAILBOX: Final = {**_LOG, r"doubts": 1, r"snap\.[0-9]+\.[0-9]+\.[0-9a-f]{8}": 2}
# An account's segments go; one more may be left by who was killed over that.
_ACCOUNT: Final = {**_LOG, r"log\.[1-9][0-9]*": KEPT + 1}
_USER: Final = r"users/[0-9a-f]{2}/[a-z0-9%]+"
_MAY_BE: Final[dict[str, dict[str, int]]] = {
    r"\.": {r"imapbox-store": 1},
    rf"{_USER}/account": _ACCOUNT,
    rf"{_USER}/mailboxes/[0-9a-f]{{32}}": _MAILBOX,
}
# A copy of what a killed process had half written; kept on purpose.
_CUT: Final = re.compile(r"log\.[0-9]+\.cut\.[0-9]+")


def leftovers(store: Path) -> Iterator[str]:
    """Say which files there are of which docs/formats knows nothing, or too many.

    Nobody may use the store, and all that is gone must be out of its grace.
    """
    for directory in (store, *(path for path in store.rglob("*") if path.is_dir())):
        names = [path.name for path in directory.iterdir() if not path.is_dir()]
        here = str(directory.relative_to(store))
        allowed = next(
            (each for where, each in _MAY_BE.items() if re.fullmatch(where, here)), {}
        )
        found = Counter(
            next((kind for kind in allowed if re.fullmatch(kind, name)), name)
            for name in names
            if not _CUT.fullmatch(name)
        )
        for kind, count in found.items():
            if count > allowed.get(kind, 0):
                yield f"{here}/{kind}: {count}"
        if "head" in names and "/mailboxes/" in here:
            yield from _dead(directory, here)


def _dead(directory: Path, here: str) -> Iterator[str]:
    """Say whether a log takes much more than what lives in it."""
    head = Head.decode((directory / "head").read_bytes())
    assert head is not None
    taken = sum(path.stat().st_blocks * 512 for path in directory.glob("log.*"))
    if taken > 2 * head.counts.live + _MOST:
        yield f"{here}: {taken} octets for {head.counts.live} that live"


def cuts(store: Path) -> int:
    """Return how many copies there are of what killed processes half wrote."""
    return sum(1 for path in store.rglob("*") if _CUT.fullmatch(path.name))


def shed(store: Path) -> int:
    """Return how many accounts' logs have given back what their BASE says again."""
    logs = store.glob("users/*/*/account")
    names = [[path.name for path in log.iterdir()] for log in logs]
    return sum(min(segment_numbers(each)) > 1 for each in names)
