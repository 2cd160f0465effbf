"""Which segments in a log's directory are of this log.

A mailbox's segment begins with a BASE that names the mailbox; an account's names
mailboxes, whose directories are the user's. Where that can't be read the salt tells:
a head and the SWITCH before name the one of the segment that they lead to. A segment
of another log that lies here is another user's mail, perhaps: nothing is taken from
it. Nor is from a copy of another segment of this log, which that segment holds.
"""

from collections.abc import Callable, Collection
from typing import TypeAlias

from imapbox.index.account_operations import (
    AccountBase,
    Create,
    decode_account_operations,
)
from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Head
from imapbox.index.operations import Base, decode_operations
from imapbox.index.segment_scan import Scan

# Says whether a segment is of this log, by what is in it; None: that doesn't tell.
Identity: TypeAlias = Callable[[Scan], bool | None]


def own_segments(scans: list[Scan], head: Head | None, is_ours: Identity) -> list[Scan]:
    """Return those that are of this log.

    Args:
        scans: Of all segments that are there, in their order.
        head: If it is good.
        is_ours: Asked first.
    """
    own: list[Scan] = []
    salts = {scan.salt for scan in scans if scan.begins}
    for scan in scans:
        if not scan.begins and scan.salt in salts:
            continue  # a copy of another segment, in the place of this one
        told = is_ours(scan)
        if _is_led_to(scan, own, head) if told is None else told:
            own.append(scan)
    return own


def of_mailbox(mailbox_id: bytes) -> Identity:
    """Return what tells the segments of a mailbox."""

    def is_ours(scan: Scan) -> bool | None:
        named = _mailbox_id(scan)
        return None if named is None else named == mailbox_id

    return is_ours


def of_account(mailboxes: Collection[bytes]) -> Identity:
    """Return what tells the segments of an account.

    Args:
        mailboxes: The ids of those whose directories are there.
    """

    def is_ours(scan: Scan) -> bool | None:
        # If none is there they may be lost.
        return True if _mailbox_ids(scan) & set(mailboxes) else None

    return is_ours


def own_head(head: Head | None, scans: list[Scan], own: list[Scan]) -> Head | None:
    """Return the head, unless it is of a log that is none of this one."""
    if head is None:
        return None
    for scan in scans:
        if scan.number == head.position.segment:
            names_it = scan.salt == head.position.salt
            return head if names_it == (scan in own) else None
    return head


def _mailbox_ids(scan: Scan) -> set[bytes]:
    found: set[bytes] = set()
    for frame in scan.frames:
        try:
            operations = decode_account_operations(frame.operations)
        except (DamagedOperations, ValueError):
            continue
        for operation in operations:
            if isinstance(operation, AccountBase):
                found |= {each.mailbox_id for each in operation.mailboxes}
            elif isinstance(operation, Create):
                found.add(operation.mailbox_id)
    return found


def _mailbox_id(scan: Scan) -> bytes | None:
    for frame in scan.frames[:1]:
        try:
            operations = decode_operations(frame.operations)
        except (DamagedOperations, ValueError):
            return None
        for operation in operations:
            if isinstance(operation, Base):
                return operation.mailbox_id
    return None


def _is_led_to(scan: Scan, own: list[Scan], head: Head | None) -> bool:
    """Say whether nobody names another segment of this number."""
    salts = set()
    if head is not None and head.position.segment == scan.number:
        salts.add(head.position.salt)
    switch = own[-1].switch if own else None
    if switch is not None and switch.segment == scan.number:
        salts.add(switch.salt)
    return not salts or scan.salt in salts
