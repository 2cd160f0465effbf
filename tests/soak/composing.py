"""Messages that clients make of others: REPLACE and CATENATE."""

import re
from typing import Final

from tests.soak.client import appended
from tests.soak.day import HOME, STORE, Day
from tests.soak.ledger import Key

_LITERAL: Final = re.compile(rb"BODY\[TEXT\] \{([0-9]+)\}\r\n")


def replace(day: Day) -> None:
    """Put a new message into the place of another."""
    marks = day.marks(day.some(1))
    if not marks:
        return
    (uid,) = marks
    old = day.keys([uid])
    mark = day.mark()
    octets = f"Subject: {mark}\r\nX-Soak: 4\r\n\r\nThis is better.\r\n".encode()
    target = day.chance.choice((HOME, STORE)).encode()
    # If another client is quicker, the new one is taken back; yet it may have been
    # seen meanwhile, and moved.
    day.ledger.tries(day.user, mark)
    day.ledger.dooms(old)
    words = b"UID REPLACE %d %b {%d+}\r\n%b" % (uid, target, len(octets), octets)
    (answer,) = day.say(words)
    if answer.done:
        day.ledger.has(day.user, mark, Key(day.user, *appended(answer)))
        day.ledger.removed(old)


def catenate(day: Day) -> None:
    """Say another message's text again, below other words; and read it."""
    marks = day.marks(day.some(1))
    if not marks:
        return
    (uid,) = marks
    mark = day.mark()
    mailbox = day.mailbox.encode()
    head = f"Subject: {mark}\r\nX-Soak: 5\r\n\r\n".encode()
    url = b"/%b;UIDVALIDITY=%d/;UID=%d/;SECTION=TEXT" % (
        *(mailbox, day.uidvalidity, uid),
    )
    day.ledger.tries(day.user, mark)
    before, answer = day.say(
        b"UID FETCH %d BODY.PEEK[TEXT]" % uid,
        b"APPEND %b CATENATE (TEXT {%d+}\r\n%b URL %b)"
        % (mailbox, len(head), head, url),
    )
    if not answer.done:  # it is gone
        day.ledger.tried_in_vain(day.user, mark)
        return
    key = Key(day.user, *appended(answer))
    day.ledger.has(day.user, mark, key)
    (after,) = day.say(b"UID FETCH %d BODY.PEEK[TEXT]" % key.uid)
    texts = [_text(answer.all) for answer in (before, after)]
    assert None in texts or texts[0] == texts[1], "it says something else"


def _text(told: bytes) -> bytes | None:
    """Return the text that was fetched; None where nothing was."""
    found = _LITERAL.search(told)
    return found and told[found.end() : found.end() + int(found[1])]
