"""What a transaction takes along of a mailbox's state: see `known`."""

import numpy as np
from numpy.typing import NDArray

from imapbox.index.known import Known, Row
from imapbox.index.mailbox_state import MailboxState


def take_along(state: MailboxState, uids: NDArray[np.uint32]) -> Known:
    """Return the rows of those of the messages that still exist."""
    columns = state.columns
    rows = columns.rows_of(uids)
    alive = columns["alive"][rows]
    rows, uids = rows[alive], uids[alive]
    facts = zip(
        uids.tolist(),
        columns["flags"][rows].tolist(),
        columns.keywords(rows),
        columns["modseq"][rows].tolist(),
        columns["size"][rows].tolist(),
        strict=True,
    )
    found = {uid: Row(*row) for uid, *row in facts}
    return Known(state.position, list(state.facts.keywords), found)
