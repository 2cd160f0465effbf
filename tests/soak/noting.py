"""What clients note: annotations, rights, subscriptions, keys of URLs.

Each fact is changed by one client alone, so that it is known what it must be.
"""

import re
from typing import Final

from tests.kills.facts import NEW, NONE, note_of
from tests.soak.client import Answer
from tests.soak.day import STORE, Day

# Without those of which clients of RFC 2086 are told more letters.
_RIGHTS: Final = (NONE, "l", "lr", "lrs", "lrsw", "lri", "lrp")
_PRIVATE: Final = "/private/vendor/soak"
_SHARED: Final = "/shared/vendor/soak"
_ENTRY: Final = re.compile(rb'/(private|shared)/vendor/soak/(\S+) "([^"]*)"')
_TOKEN: Final = re.compile(rb'urlauth=anonymous(:internal:[0-9a-f]+)"?\r\n')


def annotate(day: Day) -> None:
    """Note the same for oneself and for all, or nothing; and ask what is noted."""
    mark = day.chance.choice((NONE, *[day.mark()] * 4))
    note = note_of(mark)
    value = b"NIL" if mark == NONE else b"{%d+}\r\n%b" % (len(note), note)
    mine, all_ = (f"{where}/{day.name}".encode() for where in (_PRIVATE, _SHARED))
    other = f"note.{day.twin.name}"
    moment = day.facts.now(other)
    day.facts.tries(f"note.{day.name}", mark)
    before, _, told = day.say(
        f"GETMETADATA (DEPTH 1) {STORE} ({_PRIVATE} {_SHARED})".encode(),
        b"SETMETADATA %b (%b %b %b %b)" % (STORE.encode(), mine, value, all_, value),
        b"GETMETADATA %b (%b %b)" % (STORE.encode(), mine, all_),
    )
    day.facts.has(f"note.{day.name}")
    noted = notes_in(before).get(day.twin.name, NONE)
    assert noted in day.facts.since(other, moment), "it is told what was noted before"
    assert notes_in(told).get(day.name, NONE) == mark


def notes_in(answer: Answer) -> dict[str, str]:
    """Return what was noted by whom, as a GETMETADATA tells it."""
    notes: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})
    for where, name, value in _ENTRY.findall(answer.all):
        notes[where == b"shared"][name.decode()] = value
    mine, all_ = notes
    assert mine == all_, "a part of what was noted"
    marks = {name: note.split()[0].decode() for name, note in mine.items()}
    assert all(note_of(marks[name]) == note for name, note in mine.items())
    return marks


def share(day: Day) -> None:
    """Give a neighbour rights to one's mail, or take them; and ask for them."""
    rights = day.chance.choice(_RIGHTS)
    where = f"{STORE} {day.guest}"
    fact = f"rights.{day.user}.{day.guest}"
    other = f"rights.{day.user}.{day.twin.guest}"
    moment = day.facts.now(other)
    day.facts.tries(fact, rights)
    _, told, mine = day.say(
        (
            f"DELETEACL {where}" if rights == NONE else f"SETACL {where} {rights}"
        ).encode(),
        f"GETACL {STORE}".encode(),
        f"MYRIGHTS {STORE}".encode(),
    )
    day.facts.has(fact)
    given = rights_in(told)
    assert given.get(day.guest, NONE) == rights
    had = given.get(day.twin.guest, NONE)
    assert had in day.facts.since(other, moment), "it is told what was given before"
    assert b"* MYRIGHTS %b lrswipkxtea" % STORE.encode() in mine.all


def rights_in(answer: Answer) -> dict[str, str]:
    """Return who else has which rights, as a GETACL tells it."""
    (acl,) = [told for told in answer.told if told.startswith(b"* ACL")]
    words = acl.decode().split()[5:]
    return dict(zip(words[::2], words[1::2], strict=True))


def visit(day: Day) -> None:
    """Look at what neighbours share."""
    day.say(b'LIST "" "Other Users/*" RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN))')


def subscribe(day: Day) -> None:
    """Subscribe to something, or no more; and ask for it."""
    verb, value = day.chance.choice((("SUBSCRIBE", "yes"), ("UNSUBSCRIBE", NONE)))
    fact = f"subscribed.{day.name}"
    day.facts.tries(fact, value)
    _, told = day.say(
        f"{verb} list-{day.name}".encode(), f'LSUB "" list-{day.name}'.encode()
    )
    day.facts.has(fact)
    assert any(each.startswith(b"* LSUB") for each in told.told) == (value != NONE)


def authorize(day: Day) -> None:
    """Authorise a URL, follow it, and now and then take that back."""
    fact = f"key.{day.user}.{day.keyed}"
    question = authorizing(day.user, day.keyed)
    (told,) = day.say(question)
    token = token_in(told)
    day.facts.compare({fact: token})
    url = url_of(day.user, day.keyed) + token
    day.say(f'URLFETCH "{url}"'.encode())
    if day.chance.random() < 0.5:
        day.facts.tries(fact, NEW)
        _, told = day.say(f"RESETKEY {day.keyed}".encode(), question)
        day.facts.has(fact)
        day.facts.compare({fact: token_in(told)})


def url_of(user: str, mailbox: str) -> str:
    """Return a URL that can be authorised."""
    return f"imap://{user}@example.org/{mailbox}/;uid=1;urlauth=anonymous"


def authorizing(user: str, mailbox: str) -> bytes:
    """Return the command that authorises it."""
    return f'GENURLAUTH "{url_of(user, mailbox)}" INTERNAL'.encode()


def token_in(answer: Answer) -> str:
    """Return what authorises it."""
    found = _TOKEN.search(answer.all)
    assert found, answer
    return found[1].decode()
