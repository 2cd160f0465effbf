"""Writing messages again at the end of a log, as compaction does."""

from collections.abc import Sequence

from imapbox.disk.steps import Steps
from imapbox.index.commit import Log, commit
from imapbox.index.mailbox_state import MailboxFacts, MailboxState
from imapbox.index.relocate import RelocateMessages, read_moving
from imapbox.index.settings import Settings


def write_again(
    directory: str, state: MailboxState, settings: Settings, rows: Sequence[int]
) -> Steps[None]:
    """Write the messages of these rows again; nobody else is there."""
    moving = yield from read_moving(directory, state, rows)
    wishes = [RelocateMessages(moving)]
    yield from commit(
        Log(directory, MailboxFacts), settings, lambda: wishes, command="compact"
    )
