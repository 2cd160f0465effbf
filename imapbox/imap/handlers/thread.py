"""THREAD. RFC 5256 §3."""

from array import array

from imapbox.imap.answers import Done
from imapbox.imap.finding import find, pausing
from imapbox.imap.progress import Progress
from imapbox.imap.session import Session
from imapbox.mailbox.threads import thread_found
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.thread import Thread


async def thread(session: Session, command: Thread) -> Done:
    """Tell which messages are so, perhaps none, and which answer which.

    Raises:
        Refused: The client's strings are in a charset that we don't read.
        SearchTextTooLong: One of them is too long.
    """
    selection = session.selection
    found = await find(session, selection.mailbox, command, selection.saved)

    def progress() -> Progress:
        return Progress(f"threading {len(found.uids)} messages")

    pause = pausing(session, progress)
    forest = await thread_found(selection.mailbox, found, command.algorithm, pause)
    numbers = found.uids if command.by_uid else found.seqs
    output = session.output
    output.write(responses.THREAD_START + (b" " if len(numbers) else b""))
    for threads in forest.told(array("I", numbers.tobytes())):
        output.write(threads)
        await output.room()
    output.write(responses.SEARCH_END)
    return Done("Threaded.")
