"""What clients do all day, and how often."""

import re
from typing import Final

from tests.soak.client import Copied, appended, copied, found_by, marks_in, uid_set
from tests.soak.composing import catenate, replace
from tests.soak.day import HOME, STORE, Day, Deed
from tests.soak.ledger import Key
from tests.soak.noting import annotate, authorize, share, subscribe, visit

LARGE: Final = 60  # messages; then somebody tidies up
_KEYWORDS: Final = (b"$Forwarded", b"$Junk", b"todo", b"later", b"$MDNSent")
_FLAGS: Final = (b"\\Seen", b"\\Flagged", b"\\Answered", b"\\Draft", *_KEYWORDS)
_NAME: Final = re.compile(rb'\* LIST \([^)]*\) "/" (\S+)\r\n')
_UIDVALIDITY: Final = re.compile(rb"\(UIDVALIDITY ([0-9]+)\)")
_TEXT: Final = b"It is said once more.\r\n" * 40
_NEEDLES: Final = (
    *(b"UNSEEN", b"FLAGGED", b"KEYWORD todo", b"SINCE 1-Jan-2026", b"LARGER 2000"),
    *(b"SUBJECT d1", b'HEADER X-Soak "3"', b"NOT SEEN DRAFT", b"1:10 UNANSWERED"),
)


def look(day: Day) -> None:
    """Ask for news, as often as clients do."""
    day.say(b"NOOP", b"NOOP", b"CHECK", b"NOOP")


def read(day: Day) -> None:
    """Read some messages, and what is said of them."""
    if not day.uids:
        return
    uids = day.some(8)
    one = uid_set(uids[:1])
    answers = day.say(
        b"UID FETCH %b (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)" % uid_set(uids),
        b"UID FETCH %b BODYSTRUCTURE" % one,
        b"UID FETCH %b BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)]" % one,
        b"UID FETCH %b BODY[]" % one,
    )
    marks = marks_in(answers[0])
    day.ledger.found(day.user, day.uidvalidity, marks)


def flag(day: Day) -> None:
    """Set flags and keywords, and take some away."""
    if not day.uids:
        return
    add, remove = day.chance.sample(_FLAGS, 2)
    day.say(
        b"UID STORE %b +FLAGS.SILENT (%b)" % (uid_set(day.some(6)), add),
        b"UID STORE %b -FLAGS (%b)" % (uid_set(day.some(6)), remove),
        b"NOOP",
    )


def search(day: Day) -> None:
    """Search for something, and for all."""
    needles = day.chance.sample(_NEEDLES, 2)
    *_, found = day.say(*(b"UID SEARCH " + each for each in (*needles, b"ALL")))
    day.uids = found_by(found)


def arrange(day: Day) -> None:
    """Have messages sorted and threaded, and a search kept up to date for a while."""
    *_, kept = day.say(
        b"UID SORT (REVERSE DATE SUBJECT) UTF-8 ALL",
        b"UID THREAD REFERENCES UTF-8 ALL",
        b"UID SEARCH RETURN (UPDATE COUNT) UNSEEN",
    )
    day.say(b"NOOP", b'CANCELUPDATE "%b"' % kept.end.split()[0])


def listen(day: Day) -> None:
    """Be told from now on whatever happens to messages."""
    day.say(
        b"NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))"
        b" (personal (MessageNew MessageExpunge))"
    )
    wait(day)


def ask(day: Day) -> None:
    """Ask what mailboxes there are, and what is in them."""
    day.say(
        b'LIST "" *',
        f"STATUS {STORE} (MESSAGES UIDNEXT UNSEEN UIDVALIDITY)".encode(),
        f"STATUS {HOME} (MESSAGES UIDNEXT UNSEEN)".encode(),
        b'LSUB "" *',
    )


def append(day: Day) -> None:
    """Put a message into the mailbox."""
    mark = day.mark()
    octets = f"Subject: {mark}\r\nX-Soak: 3\r\n\r\n".encode() + _TEXT
    day.ledger.tries(day.user, mark)
    words = f"APPEND {STORE} (\\Seen) {{{len(octets)}+}}\r\n".encode()
    (answer,) = day.say(words + octets)
    key = Key(day.user, *appended(answer))
    day.ledger.has(day.user, mark, key)


def copy(day: Day) -> None:
    """Copy some messages to the other mailbox."""
    target = STORE if day.mailbox == HOME else HOME
    _transfer(day, b"COPY", target, day.some(3))


def move(day: Day) -> None:
    """Move some messages to the other mailbox."""
    target = STORE if day.mailbox == HOME else HOME
    gone = _transfer(day, b"MOVE", target, day.some(5))
    day.ledger.removed(day.keys(gone))


def _transfer(day: Day, verb: bytes, target: str, uids: list[int]) -> list[int]:
    """Copy or move messages; return which ones it was answered of."""
    marks = day.marks(uids)
    if not marks:
        return []
    for mark in marks.values():
        day.ledger.tries(day.user, mark)
    words = b"UID %b %b %b" % (verb, uid_set(list(marks)), target.encode())
    there: Copied = copied(day.say(words)[0])
    for uid, mark in marks.items():
        if uid in there.uids:
            (here,) = day.keys([uid])
            key = Key(day.user, there.uidvalidity, there.uids[uid])
            day.ledger.has_copy(mark, here, key)
        else:
            day.ledger.tried_in_vain(day.user, mark)
    return list(there.uids)


def tidy(day: Day) -> None:
    """Expunge the oldest messages, in one of three ways, if there are many."""
    (found,) = day.say(b"UID SEARCH ALL")
    day.uids = found_by(found)
    if len(day.uids) < LARGE:
        return
    old = list(day.marks(day.uids[: -LARGE // 2]))
    if not old:
        return
    keys = day.keys(old)
    day.ledger.dooms(keys)
    day.say(b"UID STORE %b +FLAGS.SILENT (\\Deleted)" % uid_set(old))
    way = day.chance.choice(["UID EXPUNGE", "EXPUNGE", "CLOSE"])
    if way == "UID EXPUNGE":
        day.say(b"UID EXPUNGE %b" % uid_set(old))
    else:
        day.say(way.encode())
    day.ledger.removed(keys)
    if way == "CLOSE":
        day.select(day.mailbox)
    else:
        day.uids = day.uids[-LARGE // 2 :]


def wait(day: Day) -> None:
    """Be idle for a moment, or until something comes."""
    day.idle(day.chance.uniform(0.01, 0.1))


def switch(day: Day) -> None:
    """Go to the other mailbox."""
    day.select(STORE if day.mailbox == HOME else HOME)


def come_again(day: Day) -> None:
    """Log out, and in again, as a webmail does for each request."""
    day.log_out()
    day.log_in()


def keep_house(day: Day) -> None:
    """Make a mailbox, fill it, rename it, look into it, and delete it."""
    name = f"scratch-{day.name}"
    _delete_leftovers(day, name)
    day.say(b"CREATE %b" % name.encode(), b"SUBSCRIBE %b" % name.encode())
    _transfer(day, b"COPY", name, day.some(3))
    other = f"{name}-{day.mark()}"
    day.say(
        f"RENAME {name} {other}".encode(),
        b"UNSUBSCRIBE %b" % name.encode(),
    )
    day.select(other)
    flag(day)
    uidvalidity = day.uidvalidity
    day.select(HOME)  # whoever has it selected would be told goodbye
    _delete(day, other, uidvalidity)


def _delete_leftovers(day: Day, name: str) -> None:
    """Delete what this client made before its server was killed."""
    (answer,) = day.say(f'LIST "" {name}*'.encode())
    for found in filter(None, map(_NAME.fullmatch, answer.told)):
        (status,) = day.say(b"STATUS %b (UIDVALIDITY)" % found[1])
        # Who listens may be told of other mailboxes before.
        told = _UIDVALIDITY.search(status.all)
        assert told, status
        _delete(day, found[1].decode(), int(told[1]))


def _delete(day: Day, name: str, uidvalidity: int) -> None:
    day.ledger.dooms(day.ledger.keys_in(day.user, uidvalidity))
    day.say(f"DELETE {name}".encode())
    day.ledger.removed(day.ledger.keys_in(day.user, uidvalidity))


DEEDS: Final[dict[Deed, int]] = {
    look: 300,
    read: 200,
    flag: 150,
    search: 80,
    ask: 60,
    append: 30,
    copy: 25,
    move: 50,
    tidy: 60,
    wait: 60,
    switch: 60,
    come_again: 30,
    keep_house: 1,
    replace: 15,
    catenate: 12,
    arrange: 15,
    listen: 6,
    annotate: 40,
    share: 20,
    visit: 10,
    subscribe: 10,
    authorize: 10,
}
