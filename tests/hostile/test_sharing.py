"""One user's mail that another may see now and then, at random: RFC 4314.

A model knows the rights. What Ana asks is granted and refused as it says, and of a
mailbox that she may not read she hears not one word, nor without having asked: on
one of her connections she only listens. Rows 25 and 32 of the attacks.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import imapbox.mailbox.account
from imapbox.imap.settings import Settings
from imapbox.mailbox.access import Access
from imapbox.mailbox.selected import Selected
from imapbox.model.rights import ALL_RIGHTS, Rights
from imapbox.store.access_facts import rights_of
from tests.hostile.test_commands import new_stage
from tests.support.stage import SharingLogins, Stage

STEPS = 600
LETTERS = "lrswipkxtea"
# Who has one of these is told of the mailbox when he asks for it.
TELL = frozenset("lrikxa")
CHANGES = (*LETTERS, *("lr", "lrs", "lri", "lrswipkxtea") * 3, "rw", "cd", "te", "la")
NOT_THERE = b"NO [NONEXISTENT] No mailbox has this name."
CREATABLE = b"NO [TRYCREATE] No mailbox has this name."


@dataclass
class Box:
    """A mailbox of Bob's, and what the model says that Ana may do with it.

    Attributes:
        name: With a word in it that is in no other name.
        secret: A word that is in all its messages.
        rights: Letters.
    """

    name: bytes
    secret: bytes
    rights: frozenset[str] = frozenset()

    @property
    def there(self) -> bytes:
        """Return what Ana calls it."""
        return b'"Other Users/bob/%b"' % self.name


def answer_in(said: list[bytes]) -> bytes:
    """Return how a command went; "* BYE" may come behind it."""
    return next(line for line in said if line[:1] not in b"*+")


def expanded(letters: str) -> frozenset[str]:
    return frozenset(letters.replace("c", "kx").replace("d", "te"))


@dataclass
class Day:
    """What Bob and Ana say, and what she hears."""

    chance: random.Random
    stage: Stage
    boxes: list[Box] = field(default_factory=list)
    heard: Counter[str] = field(default_factory=Counter)
    selected: dict[str, Box] = field(default_factory=dict)

    async def begin(self) -> None:
        """Make Bob's mailboxes."""
        self.stage.logins = SharingLogins
        self.stage.users = {"1": b"bob", "2": b"ana", "3": b"ana"}
        self.stage.settings = Settings(url_refusal=0.001)
        for _ in range(3):
            await self.make()

    async def make(self) -> None:
        """Make one more, with two messages."""
        word = self.chance.randbytes(8).hex().encode()
        box = Box(b"box-" + word, b"secret" + word[::-1])
        assert (await self.bob(b"CREATE " + box.name)).startswith(b"OK")
        self.boxes.append(box)
        for _ in range(2):
            await self.write(box)

    async def write(self, box: Box) -> None:
        message = b"Subject: %b\r\n\r\n%b\r\n" % (box.secret, box.secret)
        append = b"APPEND %b (k%b) {%d+}\r\n%b"
        said = append % (box.name, box.secret, len(message), message)
        assert (await self.bob(said)).startswith(b"OK")

    async def bob(self, command: bytes) -> bytes:
        """Let Bob say something; return the tagged answer."""
        client = await self.stage.client(self.chance.choice("AB") + "1")
        return (await client.command(command))[-1]

    async def step(self) -> None:
        """Let one of them say something."""
        box = self.chance.choice(self.boxes)
        way = self.chance.random()
        if way < 0.25:
            await self.change(box)
        elif way < 0.28:
            await self.write(box)
        elif way < 0.30:
            assert (await self.bob(b"DELETE " + box.name)).startswith(b"OK")
            await self.forget(box)
        else:
            await self.ask(box)

    async def forget(self, box: Box) -> None:
        """Take note that a mailbox was deleted, and make another."""
        self.boxes.remove(box)
        await self.make()
        for name in "A2", "B2":
            await self.hang_up(name)

    async def change(self, box: Box) -> None:
        """Let Bob give or take rights."""
        sign = self.chance.choice(("", "+", "+", "-"))
        some = self.chance.choice((*CHANGES, ""))
        rights = f'"{sign}{some}"'.encode()
        command = b"SETACL %b ana %b" % (box.name, rights)
        if self.chance.random() < 0.2:
            sign, some, command = "", "", b"DELETEACL %b ana" % box.name
        assert (await self.bob(command)).startswith(b"OK")
        before = box.rights
        if sign == "+":
            box.rights |= expanded(some)
        elif sign == "-":
            box.rights -= expanded(some)
        else:
            box.rights = expanded(some)
        await self.overhear(box, before)

    async def listen(self) -> None:
        """Let Ana ask to be told what happens."""
        events = b"(MailboxName MessageNew MessageExpunge FlagChange)"
        command = b'NOTIFY SET STATUS (subtree "Other Users" %b)' % events
        said = await (await self.stage.client("B3")).command(command)
        self.look_at("NOTIFY", said)
        assert said[-1].startswith(b"OK")

    async def overhear(self, box: Box, before: frozenset[str]) -> None:
        """See what Ana was told that she did not ask for.

        Some of it may have been said before the rights to a mailbox changed.
        """
        said = await (await self.stage.client("B3")).command(b"NOOP")
        self.heard["news"] += len(said) - 1
        now, box.rights = box.rights, box.rights | before
        self.look_at("NOTIFY", said)
        box.rights = now

    async def hang_up(self, name: str) -> None:
        self.selected.pop(name, None)
        if client := self.stage.connections.pop(name, None):
            client.hang_up()

    async def ask(self, box: Box) -> None:
        """Let Ana say something, and see what she hears."""
        name = self.chance.choice(("A2", "B2"))
        client = await self.stage.client(name)
        kind = self.chance.choice((*ABOUT, *("SELECT",) * 5, *list(WITHIN) * 3))
        selected = self.selected.get(name)
        if kind == "NOTIFY":
            await self.listen()
            return
        if kind in WITHIN and selected is None:
            return
        needs, command = ABOUT.get(kind) or WITHIN[kind]
        command = command.replace(b"%b", box.there).replace(b"%n", box.name)
        command = command.replace(b"%t", b"0" * 64)
        said = await client.command(command)
        # URLs are told again as they were said.
        said = [line.replace(box.name + b"/;UID=", b"") for line in said]
        self.look_at(kind, said)
        if kind != "SELECT" and selected is not None and "r" not in selected.rights:
            heard = {each[:17] for each in said if not each.startswith(b"+")}
            assert heard == {b"NO [NONEXISTENT] ", b"* BYE [NONEXISTEN"}, (kind, said)
            await self.hang_up(name)
        elif kind in {"LIST", "ESEARCH"}:
            self.check_names(kind, said)
        elif kind in ABOUT:
            self.check(name, box, kind, needs, said)
            if kind == "DELETE" and answer_in(said).startswith(b"OK"):
                await self.forget(box)
        elif selected is not None and answer_in(said).startswith(b"OK"):
            assert frozenset(needs) <= selected.rights, (kind, said)
            assert kind != "REPLACE" or "i" in box.rights

    def check_names(self, kind: str, said: list[bytes]) -> None:
        """See that of many mailboxes those are told of that may be."""
        told = b"\n".join(said)
        listed, counted, searched = (set(pattern.findall(told)) for pattern in NAMED)
        if kind == "LIST":
            assert listed == {each.name for each in self.boxes if "l" in each.rights}
        readable = {each.name for each in self.boxes if "r" in each.rights}
        assert counted == listed & readable
        assert searched <= readable

    def check(
        self, name: str, box: Box, kind: str, needs: str, said: list[bytes]
    ) -> None:
        """See that a command was answered as the rights are."""
        answer = answer_in(said)
        if kind == "SELECT":
            self.selected.pop(name, None)
        may = frozenset(needs) <= box.rights
        if kind == "MYRIGHTS":
            may = bool(box.rights & TELL)
        elif kind in {"GETMETADATA", "SETMETADATA"}:
            may = "l" in box.rights and bool(box.rights & frozenset("rswip"))
        if kind == "CATENATE":
            is_made = answer.startswith(b"OK")
            assert "r" in box.rights if is_made else answer.startswith(b"NO [BADURL ")
        elif kind == "URLFETCH":
            assert said[0].startswith(b"* URLFETCH ")
            assert said[0].endswith(b" NIL")
        elif may:
            # Notes for oneself are in mailboxes of one's own only.
            expected = b"NO [METADATA NOPRIVATE]" if kind == "SETMETADATA" else b"OK"
            assert answer.startswith(expected), (kind, box.rights, said)
            if kind == "MYRIGHTS":
                told = frozenset(said[0].rsplit(b" ", 1)[1].decode()) - set("cd")
                assert told == box.rights
            elif kind == "SELECT":
                self.selected[name] = box
        elif box.rights & frozenset(SEEN_BY.get(kind, "lr")) or kind == "CREATE":
            assert answer == b"NO [NOPERM] You have no right to do that.", (kind, said)
        else:
            assert answer in {NOT_THERE, CREATABLE}, (kind, box.rights, said)

    def look_at(self, kind: str, said: list[bytes]) -> None:
        """See that nothing was heard that may not be."""
        # That she does not see any more what she saw she may hear a little later.
        whole = b"\n".join(line for line in said if b"\\NonExistent" not in line)
        for box in self.boxes:
            if box.secret in whole:
                assert "r" in box.rights, (kind, whole)
                self.heard["content"] += 1
            if box.name in whole:
                assert box.rights & TELL, (kind, whole)
                self.heard["name"] += 1


# What Ana asks of any mailbox, and the rights that it needs.
ABOUT: Mapping[str, tuple[str, bytes]] = {
    "SELECT": ("r", b"SELECT %b"),
    "LIST": ("", b'LIST "" Other*/box* RETURN (MYRIGHTS STATUS (MESSAGES))'),
    "ESEARCH": ("", b'ESEARCH IN (subtree "Other Users" mailboxes %b) ALL'),
    "NOTIFY": ("", b""),
    "STATUS": ("r", b"STATUS %b (MESSAGES UNSEEN DELETED)"),
    "GETACL": ("a", b"GETACL %b"),
    "LISTRIGHTS": ("a", b"LISTRIGHTS %b eve"),
    "MYRIGHTS": ("", b"MYRIGHTS %b"),
    "APPEND": ("i", b"APPEND %b (\\Seen k) {3+}\r\nx:y"),
    "CREATE": ("?", b"CREATE %b"),  # it needs rights to what is above
    "GETMETADATA": ("", b"GETMETADATA %b /private/comment"),
    "SETMETADATA": ("", b'SETMETADATA %b (/private/comment "x")'),
    "SETMETADATA shared": ("lw", b'SETMETADATA %b (/shared/comment "x")'),
    "RENAME": ("?", b'RENAME %b "Other Users/bob/box"'),  # as CREATE
    "DELETE": ("x", b"DELETE %b"),
    "CATENATE": ("", b'APPEND INBOX CATENATE (URL "/Other%20Users/bob/%n/;UID=1")'),
    "URLFETCH": ("", b'URLFETCH "imap://bob@x/%n/;UID=1;URLAUTH=user+ana:INTERNAL:%t"'),
}
# What else than "l" and "r" tells that a mailbox is there, if it is not enough.
SEEN_BY: Mapping[str, str] = {"RENAME": "lrx"}
# What Ana asks of the mailbox that she has selected, and the rights without which it
# is never done.
WITHIN: Mapping[str, tuple[str, bytes]] = {
    "FETCH": ("r", b"FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])"),
    "UID FETCH": ("r", b"UID FETCH 1:* BODY[TEXT]"),
    "SEARCH": ("r", b"SEARCH TEXT secret"),
    "SORT": ("r", b"SORT (SUBJECT) UTF-8 ALL"),
    "STORE": ("w", b"STORE 1 +FLAGS (\\Flagged)"),
    "STORE seen": ("s", b"STORE 1 +FLAGS (\\Seen)"),
    "COPY": ("r", b"COPY 1 INBOX"),
    "MOVE": ("te", b"MOVE 1 INBOX"),
    "REPLACE": ("te", b"REPLACE 1 %b {3+}\r\nx:y"),
    "NOOP": ("r", b"NOOP"),
    "IDLE": ("r", b"IDLE\r\nDONE"),
    "ESEARCH selected": ("r", b"ESEARCH IN (selected) ALL"),
    "EXPUNGE": ("e", b"EXPUNGE"),
}
# Mailboxes that are listed, counted, and searched.
NAMED = [
    re.compile(rb'(?m)^\* %b[^\n]*"Other Users/bob/(box-[0-9a-f]+)"' % word)
    for word in (b"LIST", b"STATUS", b"ESEARCH")
]


async def spend(chance: random.Random, directory: Path, steps: int) -> Day:
    """Let them say so much."""
    async with new_stage(directory) as stage:
        day = Day(chance, stage)
        await day.begin()
        for _ in range(steps):
            await day.step()
    return day


@pytest.mark.slow
async def test_what_may_be_seen_is_seen_and_nothing_else(
    tmp_path: Path, seed: int, effort: int, tell: Callable[[object], None]
) -> None:
    """While rights come and go, each command does what the rights of that moment say.

    Without the right to read not a word of a message is told, and without any right
    the mailbox is answered as one that nobody has.
    """
    day = await spend(random.Random(seed), tmp_path, STEPS * effort)
    tell(f"{STEPS * effort} steps, heard: {dict(day.heard)}")
    assert min(day.heard.values()) > STEPS / 100


def look_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rights be what they were when a mailbox was first asked for."""
    known: dict[bytes, Rights] = {}

    def before(self: Access) -> Rights:
        if self.is_owners:
            return ALL_RIGHTS
        now = rights_of(self.visitor.user, self.account.meta(self.mailbox_id))
        return known.setdefault(self.mailbox_id, now)

    monkeypatch.setattr(Access, "rights", property(before))


def forget_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is selected be read by whoever could read it then."""

    async def check_readable(self: Selected) -> None:
        del self

    monkeypatch.setattr(Selected, "check_readable", check_readable)


def let_anybody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody ask what the rights are."""

    def authorize(*_: object) -> None:
        return

    monkeypatch.setattr(imapbox.mailbox.account, "authorize", authorize)


@pytest.mark.slow
@pytest.mark.parametrize("leak", [look_once, forget_who_reads, let_anybody_in])
async def test_a_leak_of_rights_is_found(
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    leak: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """Whichever way rights are forgotten, the model notices."""
    leak(monkeypatch)
    with pytest.raises(AssertionError):
        await spend(random.Random(seed), tmp_path, STEPS * 5)
