"""Which annotations a client was told of. RFC 5465 §5.6, §5.7.

Only what stands for their values is kept: they may be a megabyte together.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

# By mailbox: its id, or None for the account's own.
Annotations: TypeAlias = Mapping[bytes | None, Mapping[str, bytes]]


class KnownAnnotations:
    """All that a client may have to be told to have changed.

    Args:
        annotations: As they are; nothing, where the client is told nothing of them.
    """

    def __init__(self, annotations: Annotations | None = None) -> None:
        self._known = _known(annotations or {})
        self._is_kept = annotations is not None

    def noted(
        self, mailbox_id: bytes | None, values: Mapping[str, bytes | None]
    ) -> None:
        """Note that the client changed some: it is not told of them."""
        if not self._is_kept:
            return
        known = self._known.setdefault(mailbox_id, {})
        for entry, value in values.items():
            known.pop(entry, None)
            if value is not None:
                known[entry] = hash(value)

    def learn(
        self, annotations: Annotations
    ) -> Iterator[tuple[bytes | None, set[str]]]:
        """Yield which others changed or removed, and take that for known."""
        before, now = self._known, _known(annotations)
        self._known = now
        for mailbox_id in before.keys() | now.keys():
            was, has = before.get(mailbox_id, {}), now.get(mailbox_id, {})
            changed = {entry for entry, _ in was.items() ^ has.items()}
            if changed:
                yield mailbox_id, changed


def _known(annotations: Annotations) -> dict[bytes | None, dict[str, int]]:
    return {
        mailbox_id: {entry: hash(value) for entry, value in values.items()}
        for mailbox_id, values in annotations.items()
    }
