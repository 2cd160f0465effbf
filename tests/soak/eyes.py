"""What fresh sessions see of all mail, and whether others see the same."""

import re
from typing import Final, NamedTuple

from tests.soak.client import Talker, opened
from tests.soak.day import WORD, Day
from tests.soak.facts_seen import FactsSeen, facts_seen
from tests.soak.ledger import Key
from tests.soak.servers import Address

_ROW: Final = re.compile(
    rb"\* [0-9]+ FETCH \(UID ([0-9]+) FLAGS \(([^)]*)\)"
    rb'(?: ENVELOPE \((?:NIL|"[^"]*") "([^"]*)".*)?\)\r\n',
    re.DOTALL,
)
_ROWS: Final = b"(UID FLAGS)"
_OTHERS: Final = b'"Other Users/'
_NAME: Final = re.compile(rb'\* LIST \([^)]*\) "/" (.+)\r\n')


class Row(NamedTuple):
    """A message as a session sees it."""

    uid: int
    flags: frozenset[bytes]


class Mailbox(NamedTuple):
    """A mailbox as a session sees it.

    Attributes:
        uidvalidity: Which one it is.
        uidnext: Its UIDNEXT.
        rows: Its messages, in their order.
        marks: What they are.
    """

    uidvalidity: int
    uidnext: int
    rows: tuple[Row, ...]
    marks: dict[int, str]


class Seen(NamedTuple):
    """What all users' sessions see.

    Attributes:
        mailboxes: All mail, by user and name.
        facts: What is noted of it.
    """

    mailboxes: dict[tuple[str, str], Mailbox]
    facts: FactsSeen


def _rows(told: list[bytes]) -> tuple[tuple[Row, ...], dict[int, str]]:
    """Return the messages that a FETCH told, and the marks of those that had one."""
    rows, marks = [], {}
    for response in told:
        if b" FETCH " not in response:
            continue
        found = _ROW.fullmatch(response)
        assert found, response
        # \Recent is nobody's business: sessions may differ in it.
        flags = frozenset(found[2].split()) - {b"\\Recent"}
        rows.append(Row(int(found[1]), flags))
        if found[3] is not None:
            marks[int(found[1])] = found[3].decode()
    return tuple(rows), marks


def look(address: Address, users: list[str]) -> Seen:
    """Return all mail that a fresh session of each user sees."""
    seen = Seen({}, {})
    for user in users:
        with Talker(address) as client:
            client.say(f"LOGIN {user} {WORD}".encode())
            for told in client.say(b'LIST "" *').told:
                found = _NAME.fullmatch(told)
                assert found, told
                if found[1].startswith(_OTHERS):
                    continue
                name = found[1].decode()
                examined, fetched = client.together(
                    b"EXAMINE " + found[1],
                    b"UID FETCH 1:* (FLAGS ENVELOPE)",
                )
                seen.mailboxes[user, name] = Mailbox(
                    *opened(examined),
                    *_rows(fetched.told),
                )
            seen.facts.update(facts_seen(client, user))
            client.say(b"LOGOUT")
    return seen


def marks_in(seen: Seen) -> dict[Key, str]:
    """Return what is there, as the ledger wants it."""
    return {
        Key(user, mailbox.uidvalidity, uid): mark
        for (user, _), mailbox in seen.mailboxes.items()
        for uid, mark in mailbox.marks.items()
    }


def agree(day: Day, seen: Seen) -> None:
    """See that one who was there all the time knows what fresh eyes see."""
    facts = facts_seen(day.client, day.user)
    assert facts.items() <= seen.facts.items(), "a client knows other facts"
    day.client.say(b"NOOP")
    known = day.client.exists
    told = day.client.say(b"FETCH 1:* " + _ROWS).told if known else []
    rows, _ = _rows(told)
    fresh = seen.mailboxes[day.user, day.mailbox]
    assert len(rows) == known, "a client was told another number of messages"
    assert rows == fresh.rows, (day.name, day.mailbox)
