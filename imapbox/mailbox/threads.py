"""Putting messages that were found into threads, in slices.

As `sorting` does. What is in memory is some dozens of octets for each message
and each id that is named, and a batch of cards.
"""

from imapbox.mailbox.interfaces import SelectedMailbox
from imapbox.mailbox.search_plan import Pause
from imapbox.mailbox.searching import Found
from imapbox.mailbox.sorting import with_cards
from imapbox.model.sorting import ThreadAlgorithm
from imapbox.query.forest import Forest
from imapbox.query.threads import THREADINGS


async def thread_found(
    mailbox: SelectedMailbox, found: Found, algorithm: ThreadAlgorithm, pause: Pause
) -> Forest:
    """Return the messages in threads; node n is the n-th of ``found``.

    Args:
        mailbox: Whose they are.
        found: Ascending.
        algorithm: How.
        pause: Awaited now and then.

    Raises:
        MailError: They could not be read. One that is gone is no error: there is
            nothing in it.
    """
    threading = THREADINGS[algorithm](len(found.uids))
    async for message, card in with_cards(mailbox, found.uids):
        threading.add(message, card)
        await pause()
    work = threading.forest()
    while True:
        try:
            next(work)
        except StopIteration as end:
            forest: Forest = end.value
            return forest
        await pause()
