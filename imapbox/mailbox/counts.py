"""What STATUS tells of a mailbox, from what is known of it. RFC 9051 §6.3.11."""

import numpy as np

from imapbox.index.columns import Columns
from imapbox.index.head import Counts
from imapbox.mailbox.values import Status
from imapbox.model.flags import Flag


def status_of(
    mailbox_id: bytes,
    counts: Counts,
    *,
    deleted: tuple[int, int | None] | None = None,
    recent: int | None = None,
) -> Status:
    """Return what STATUS tells.

    Args:
        mailbox_id: The mailbox's.
        counts: What its head says.
        deleted: What `deleted_of` returned, if that is wanted.
        recent: How many are, if that is.
    """
    return Status(
        messages=counts.exists,
        recent=recent,
        uidnext=counts.uidnext,
        uidvalidity=counts.uidvalidity,
        unseen=counts.unseen,
        deleted=deleted[0] if deleted else None,
        deleted_size=deleted[1] if deleted else None,
        size=counts.live,
        highestmodseq=counts.modseq,
        mailbox_id=mailbox_id,
    )


def deleted_of(columns: Columns, *, sizes: bool) -> tuple[int, int | None]:
    r"""Return how many messages are ``\Deleted``, and how many octets they have.

    Their sizes lie elsewhere, and may be damaged where their flags are not.
    """
    uids = columns.uids_with(Flag.DELETED)
    if not sizes or not len(uids):
        return len(uids), 0 if sizes else None
    found = columns["size"][columns.rows_of(uids)]
    return len(uids), int(found.sum(dtype=np.int64))
