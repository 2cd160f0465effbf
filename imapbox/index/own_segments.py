"""Which segments in a log's directory are of this log.

A mailbox's segment begins with a BASE that names the mailbox. Where that can't be
read, and in an account's log, the salt tells: a head and the SWITCH before name the
one of the segment that they lead to. A segment of another log that lies here is
another user's mail, perhaps: nothing is taken from it.
"""

from imapbox.index.encoding import DamagedOperations
from imapbox.index.head import Head
from imapbox.index.operations import Base, decode_operations
from imapbox.index.segment_scan import Scan


def own_segments(
    scans: list[Scan], head: Head | None, mailbox_id: bytes | None = None
) -> list[Scan]:
    """Return those that are of this log.

    Args:
        scans: Of all segments that are there, in their order.
        head: If it is good.
        mailbox_id: Whose log it is; None: an account's.
    """
    own: list[Scan] = []
    for scan in scans:
        named = None if mailbox_id is None else _mailbox_id(scan)
        if (named == mailbox_id) if named else _is_led_to(scan, own, head):
            own.append(scan)
    return own


def own_head(head: Head | None, scans: list[Scan], own: list[Scan]) -> Head | None:
    """Return the head, unless it is of a log that is none of this one."""
    if head is None:
        return None
    for scan in scans:
        if scan.number == head.position.segment:
            of_others = scan.salt == head.position.salt and scan not in own
            return None if of_others else head
    return head


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
