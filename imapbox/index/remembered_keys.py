"""Delivery keys: which deliveries a mailbox has stored already.

A key stands for one delivery that its client may try again: the same words to
the same recipient, in 16 octets. Whoever has it need not know what is in it. Its
lowest bit, in the last octet, says how long it counts: 0, for `KEY_LIFETIME`;
1, for as long as it is *in doubt* (`doubts`), and no longer than that.

There may be a hundred thousand in a week. They are kept as they lie in a BASE,
28 octets each; only who looks for one pays for an index, 12 octets each. Beyond
`MOST_KEYS` the oldest are forgotten: a BASE has to fit into its segment, also where
a week takes years, since a log's time is ahead of the clock.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imapbox.model.numbers import Uid

KEY_SIZE: Final = 16
NO_KEY: Final = bytes(KEY_SIZE)
# Of a message that has another one now, or none (`inherited_keys`).
NO_UID: Final = Uid(0)
KEY_LIFETIME: Final = 7 * 24 * 3600 * 1_000_000  # microseconds
MOST_KEYS: Final = 1 << 20
RECORD: Final = struct.Struct("<16sIQ")

_FIELDS: Final = np.dtype(
    [("begin", "<u8"), ("end", "<u8"), ("uid", "<u4"), ("time", "<u8")]
)
_BEGIN = struct.Struct("<Q")
# So many are looked for one by one before they are put in order.
_RECENT: Final = 1024


def only_in_doubt(key: bytes) -> bool:
    """Say whether a key counts only while it is in doubt."""
    return bool(key[-1] & 1)


class RememberedKeys:  # noqa: PLW1641 - what changes has no hash
    """Keys with uid and time, the oldest first.

    Args:
        records: As they lie in a BASE.
    """

    def __init__(self, records: bytes = b"") -> None:
        self._records = bytearray(records)
        self._indexed = False
        self._begins: NDArray[Any] = np.zeros(0, np.uint64)
        self._numbers: NDArray[Any] = np.zeros(0, np.uint32)
        self._recent: dict[bytes, int] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RememberedKeys):
            return NotImplemented
        return self._records == other._records

    def __len__(self) -> int:
        return len(self._records) // RECORD.size

    @property
    def octets(self) -> int:
        """Return about how much memory they take."""
        return (
            len(self._records)
            + self._begins.nbytes
            + self._numbers.nbytes
            + 150 * len(self._recent)
        )

    def add(self, key: bytes, uid: Uid, time: int) -> None:
        """Remember one more. One that is there already has the newer uid then."""
        if self._indexed:
            self._recent[key] = len(self)
        self._records += RECORD.pack(key, uid, time)
        if len(self._recent) > _RECENT:
            self._put_in_order()

    def find(self, key: bytes) -> tuple[Uid, int] | None:
        """Return uid and time of a key, the newest."""
        if not self._indexed:
            self._put_in_order()
        number = self._recent.get(key)
        if number is not None:
            _, uid, time = self._at(number)
            return uid, time
        (begin,) = _BEGIN.unpack_from(key)
        at = int(np.searchsorted(self._begins, np.uint64(begin), "right"))
        while at and int(self._begins[at - 1]) == begin:
            at -= 1
            found, uid, time = self._at(int(self._numbers[at]))
            if found == key:
                return uid, time
        return None

    def of(self, uids: Sequence[Uid]) -> dict[Uid, bytes]:
        """Return the keys of messages, as far as they have one of their own still."""
        fields = np.frombuffer(bytes(self._records), _FIELDS)
        theirs = fields[np.isin(fields["uid"], uids)].tobytes()
        return {
            Uid(uid): key
            for key, uid, time in RECORD.iter_unpack(theirs)
            if self.find(key) == (uid, time)
        }

    def records(self, behind: int | None = None) -> bytes:
        """Return all, or those newer than ``behind``, as they lie in a BASE.

        Of too many, the newest.
        """
        octets = bytes(self._records[-MOST_KEYS * RECORD.size :])
        if behind is None:
            return octets
        fields = np.frombuffer(octets, _FIELDS)
        return fields[fields["time"] > np.uint64(max(0, behind))].tobytes()

    def forget(self, until: int) -> None:
        """Forget those of ``until`` and before, once half of them are so old.

        Or once there are twice as many as there may be.
        """
        count = len(self)
        is_old = count and self._at(count // 2)[2] <= until
        if not is_old and count < 2 * MOST_KEYS:
            return
        self._records = bytearray(self.records(until))
        if self._indexed:
            self._put_in_order()

    def _at(self, number: int) -> tuple[bytes, Uid, int]:
        key, uid, time = RECORD.unpack_from(self._records, number * RECORD.size)
        return key, Uid(uid), time

    def _put_in_order(self) -> None:
        begins = np.frombuffer(bytes(self._records), _FIELDS)["begin"]
        # Of equal ones the newest is the last.
        order = np.argsort(begins, kind="stable")
        self._begins = begins[order]
        self._numbers = order.astype(np.uint32)
        self._recent.clear()
        self._indexed = True
