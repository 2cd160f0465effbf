"""``doubts``: keys of deliveries whose reply may not have been read.

A client that does not say which message this is may send the very same one twice
on purpose. A key made of the message alone therefore counts only until its client
has shown that it read the reply. Where that is still open, the key is in here; it
is written down, under the mailbox's lock, before the message is, and removed,
without the lock, once the client spoke again. Little-endian::

    offset  size  field
         0    16  magic: "imapbox doubts 1"
        16     8  boot, as in the head
        24     4  uid: UIDNEXT when this file was begun
        28    32  zero
        60     4  CRC-32 of the 60 bytes before
        64     -  slots of 32 bytes: 16 key, 8 time (microseconds since 1970 UTC),
                  4 uid, 4 CRC-32 of the 28 bytes before

It is about one message, whose uid it names: what was written down, and then was not
stored, says nothing of another one with this key.

Nothing of it is synced: it outlives its processes, not its machine. After a power
loss the boot is another one, the file is begun anew, and of the messages from
before nobody knows: their keys count, for as long as the log remembers them. So
they do if the file is lost. A slot of zeros is free, and one that is too old; one
whose CRC is wrong says nothing.
"""

import errno
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np

from imapbox.disk import steps
from imapbox.disk.fence import CUT_OFF
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.damage import FULL
from imapbox.index.remembered_keys import KEY_LIFETIME
from imapbox.model.errors import DiskFull
from imapbox.model.numbers import Uid

DOUBTS: Final = "doubts"
# Connections may be lost by the thousand; beyond that the oldest are given up.
MOST_SLOTS: Final = 4096
# These tell nothing of the file: it can't be opened for now.
NOT_NOW: Final = CUT_OFF | {
    errno.EACCES,
    errno.EINTR,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}

_MAGIC: Final = b"imapbox doubts 1"
_HEADER = struct.Struct("<16sQI32x")
_SLOT = struct.Struct("<16sQI")
_CRC = struct.Struct("<I")
_HEADER_SIZE: Final = _HEADER.size + _CRC.size
_SLOT_SIZE: Final = _SLOT.size + _CRC.size
_FREE: Final = bytes(_SLOT_SIZE)
_FIELDS: Final = np.dtype([("key", "V16"), ("time", "<u8"), ("rest", "V8")])


class Doubts(NamedTuple):
    """What the file says.

    Attributes:
        boot: Of the machine that it is about.
        since: Of messages from this uid on it tells.
        slots: As they lie in the file.
    """

    boot: int
    since: Uid
    slots: bytes = b""

    def hold(self, key: bytes, uid: Uid) -> bool:
        """Say whether it is in doubt that ``key`` was stored under ``uid``."""
        return any(self._uid_at(number) == uid for number in self.places_of(key))

    def places_of(self, key: bytes) -> Iterator[int]:
        """Return the numbers of the slots that hold ``key``."""
        at = self.slots.find(key)
        while at >= 0:
            number, within = divmod(at, _SLOT_SIZE)
            slot = self.slots[at : at + _SLOT_SIZE]
            if not within and _unchecked(slot):
                yield number
            at = self.slots.find(key, at + 1)

    def _uid_at(self, number: int) -> int:
        _, _, uid = _SLOT.unpack_from(self.slots, number * _SLOT_SIZE)
        return int(uid)


def read_doubts(directory: str, boot: int, uidnext: Uid) -> Steps[Doubts]:
    """Return what is in doubt, with the lock held.

    Where the file is of no use, all that came before ``uidnext`` is.

    Raises:
        OSError: It can't be told for now.
    """
    found = None
    try:
        data = yield from steps.opened(f"{directory}/{DOUBTS}", Mode.READ, _read)
        found = _decode(data)
    except OSError as error:
        if error.errno in NOT_NOW:
            raise
    if found is None or found.boot != boot or found.since > uidnext:
        return Doubts(boot, uidnext)
    return found


def write_doubts(
    directory: str, doubts: Doubts, stored: Mapping[bytes, Uid], time: int
) -> Steps[None]:
    """Write down which keys will be in doubt, with the lock held.

    A disk that fails is no reason to refuse mail. What could not be written down is
    then stored twice if its reply is lost; or, where the file's beginning could not
    be written, another message just like it is taken for it, though it was read.

    Args:
        directory: The mailbox's.
        doubts: As `read_doubts` returned it.
        stored: The keys that are not in it, and under which uids.
        time: When that is.

    Raises:
        DiskFull: There is no room for it; nor is there for a message, then.
        OSError: The file can't be opened for now.
    """

    def write(fd: int) -> Steps[None]:
        if not doubts.slots:
            # There may be more of another boot's.
            yield from steps.truncate(fd, 0)
            yield from steps.pwrite(fd, _header(doubts), 0)
        places = _places(doubts, time)
        for (key, uid), number in zip(stored.items(), places, strict=False):
            slot = _checked(_SLOT.pack(key, time, uid))
            yield from steps.pwrite(fd, slot, _offset(number))

    try:
        yield from steps.opened(f"{directory}/{DOUBTS}", Mode.ENSURE, write)
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(directory) from error
        if error.errno in NOT_NOW:
            raise


def remove_doubts(directory: str, keys: Collection[bytes]) -> Steps[None]:
    """Let keys count no more. No lock is needed; whoever holds it sees it next.

    Of two who remove the same key at once, one may find that its slot is another's by
    then, who came in between. What is lost so is a doubt: that delivery is stored
    twice if its reply is lost, too.
    """

    def remove(fd: int) -> Steps[None]:
        found = _decode((yield from _read(fd)))
        if found is None:
            return
        for key in keys:
            for number in found.places_of(key):
                yield from steps.pwrite(fd, _FREE, _offset(number))

    with suppress(OSError):  # it then counts for as long as it is remembered
        yield from steps.opened(f"{directory}/{DOUBTS}", Mode.WRITE, remove)


def _read(fd: int) -> Steps[bytes]:
    data: bytes = yield from steps.pread(fd, _HEADER_SIZE + MOST_SLOTS * _SLOT_SIZE, 0)
    return data


def _decode(data: bytes) -> Doubts | None:
    header = _unchecked(data[:_HEADER_SIZE])
    if len(header) != _HEADER.size or not header.startswith(_MAGIC):
        return None
    _, boot, since = _HEADER.unpack(header)
    return Doubts(boot, Uid(since), data[_HEADER_SIZE:])


def _places(doubts: Doubts, time: int) -> Iterator[int]:
    """Return slots to write to: free ones, new ones, and at last the oldest."""
    count = len(doubts.slots) // _SLOT_SIZE
    times = np.frombuffer(doubts.slots, _FIELDS, count)["time"]
    # The time of a free one is 0.
    free = times.astype(np.int64) <= max(0, time - KEY_LIFETIME)
    yield from np.flatnonzero(free).tolist()
    yield from range(count, MOST_SLOTS)
    taken = np.flatnonzero(~free)
    yield from taken[np.argsort(times[taken])].tolist()


def _offset(number: int) -> int:
    return _HEADER_SIZE + number * _SLOT_SIZE


def _header(doubts: Doubts) -> bytes:
    return _checked(_HEADER.pack(_MAGIC, doubts.boot, doubts.since))


def _checked(content: bytes) -> bytes:
    return content + _CRC.pack(zlib.crc32(content))


def _unchecked(data: bytes) -> bytes:
    """Return the content of ``data``, or nothing if its CRC is wrong."""
    content, crc = data[: -_CRC.size], data[-_CRC.size :]
    return content if crc == _CRC.pack(zlib.crc32(content)) else b""
