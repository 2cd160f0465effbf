"""Two users who are out for each other's mail: row 25 of the attacks."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import imapbox.store.layout
from imapbox.imap.settings import Patience, Settings
from imapbox.index.body import Span
from imapbox.model.names import SHARED_USER, UserName
from imapbox.store.account import AccountLog
from imapbox.store.deliveries import Deliveries
from imapbox.store.layout import user_directory
from imapbox.store.open_mailbox import OpenMailbox
from imapbox.store.recipients import Recipient
from imapbox.store.store import Store
from tests.hostile.test_commands import new_stage
from tests.support.neighbours import Leak, Neighbours

_MAILBOXID = re.compile(rb" \[MAILBOXID \(\w+\)\]")
ROUND = 5_000  # steps, all on one store
SHORT = 1_500
TORTURE = 20  # rounds, from an effort of 20 on
SETTINGS = Settings(
    message_limit=2**20,
    failure_delay=0.001,
    url_refusal=0.01,
    patience=Patience(idling=0.02),
)


async def say(neighbours: Neighbours, directory: Path, steps: int) -> None:
    """Let both say so much on an empty store, and then read all that they have."""
    async with new_stage(directory) as stage:
        stage.settings = SETTINGS
        await neighbours.begin(stage)
        for _ in range(steps):
            await neighbours.step()
        await neighbours.look_at_everything()


@pytest.mark.slow
async def test_nobody_hears_of_anothers_mail(
    tmp_path: Path, seed: int, effort: int, tell: Callable[[object], None]
) -> None:
    """Whatever two users say, by any name, neither hears a word of the other's."""
    neighbours = Neighbours(seed)
    rounds, steps = (TORTURE, ROUND) if effort >= 20 else (effort, SHORT)
    for _ in range(rounds):
        await say(neighbours, tmp_path, steps)
    rates = {
        verb: neighbours.obeyed[verb] / said for verb, said in neighbours.said.items()
    }
    heard = {person.name: person.heard for person in neighbours.people.values()}
    tell(
        f"{rounds * steps} steps, {sum(neighbours.obeyed.values())} obeyed; "
        f"their own canaries were heard {heard} times"
    )
    assert min(heard.values()) > rounds * steps / 20
    least = 0.1 if effort >= 20 else 1e-9  # each is said two dozen times
    refused = {verb for verb, rate in rates.items() if rate < least}
    # COMPRESS is obeyed once for each connection, and nobody sets a quota.
    never = {"LOGIN", "AUTHENTICATE", "COMPRESS", "SETQUOTA"}
    assert refused <= never, rates


def keep_octets_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a cache of all users' octets forget whose they are."""
    kept: dict[Any, bytes | None] = {}
    read = OpenMailbox.read

    async def from_cache(
        self: OpenMailbox, spans: Sequence[Span]
    ) -> list[bytes | None]:
        found = await read(self, list(spans))
        keys = [(each.place[:2], each.start) for each in spans]
        return [
            kept.setdefault(key, each) for key, each in zip(keys, found, strict=True)
        ]

    monkeypatch.setattr(OpenMailbox, "read", from_cache)


def mix_up_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the path of one user's mail lead to the other's."""

    def directory(user: UserName) -> str:
        return user_directory(UserName("bob") if user == "ana" else user)

    monkeypatch.setattr(imapbox.store.layout, "user_directory", directory)


def mix_up_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every third login find whoever came before."""
    account = Store.account
    asked: list[UserName] = []

    async def before(self: Store, user: UserName) -> AccountLog:
        if user == SHARED_USER:  # nobody logs in as that, and it may not be there
            return await account(self, user)
        asked.append(user)
        return await account(self, asked[-2] if len(asked) % 3 == 0 else user)

    monkeypatch.setattr(Store, "account", before)


def deliver_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an address with a path in it lead to whom the path names."""
    find = Deliveries.find

    async def anywhere(self: Deliveries, address: str) -> Recipient:
        return await find(self, address.rpartition("/")[2])

    monkeypatch.setattr(Deliveries, "find", anywhere)


@pytest.mark.slow
@pytest.mark.parametrize(
    "leak",
    [keep_octets_by_place, mix_up_directories, mix_up_logins, deliver_to_all],
)
async def test_a_leak_is_found(
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    leak: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """Whichever way mail leaks from one user to the other, somebody hears of it."""
    leak(monkeypatch)
    with pytest.raises(Leak):
        await say(Neighbours(seed), tmp_path, SHORT)


ASKED = (
    *(b"SELECT %b", b"EXAMINE %b", b"STATUS %b (MESSAGES UIDNEXT)", b'LIST "" %b'),
    *(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" (%b)', b"CREATE %b (USE (\\All))"),
    *(b'LIST "" %b RETURN (STATUS (MESSAGES) SUBSCRIBED)',),
    *(b'LIST "" %b*', b'LSUB "" %b', b"DELETE %b", b"RENAME %b x", b"COPY 1 %b"),
    *(b"MOVE 1 %b", b"APPEND %b {1}", b"UNSUBSCRIBE %b", b"SUBSCRIBE %b"),
    *(b"GETMETADATA %b /shared/a", b'SETMETADATA %b (/private/a "x")'),
    *(b"GETACL %b", b"MYRIGHTS %b", b"LISTRIGHTS %b bob", b"SETACL %b eve lr"),
    *(b"DELETEACL %b bob", b"GETMETADATA %b /private/comment", b"GETQUOTAROOT %b"),
    *(b'SETMETADATA %b (/private/comment "x")', b"ESEARCH IN (subtree %b) ALL"),
    b'LIST "" %b RETURN (MYRIGHTS)',
    *(b'LSUB "" %b', b"RESETKEY %b", b'APPEND INBOX CATENATE (URL "/%b/;UID=1")'),
    b'GENURLAUTH "imap://ana@x/%b/;UID=1;URLAUTH=anonymous" INTERNAL',
    b'URLFETCH "imap://bob@x/%%b/;UID=1;URLAUTH=anonymous:internal:%b"' % (b"0" * 66),
    *(b"CREATE %b", b"CREATE %b"),
)


# As they are called by others: hidden ones, of whom one is beside what is lent.
THEIRS = (
    b'"Other Users/bob/theirs"',
    b'"Other Users/bob/INBOX"',
    b'"Other Users/bob/lent/theirs"',
)


async def test_nobody_learns_which_names_another_has(tmp_path: Path, seed: int) -> None:
    """What another has is answered, word by word, as what nobody has.

    Also where the other one lets us see something else.
    """
    async with new_stage(tmp_path) as stage:
        stage.settings = SETTINGS
        neighbours = Neighbours(seed)
        await neighbours.begin(stage)
        ana, bob = neighbours.people.values()
        client = await neighbours.client(ana, "A")
        other = await neighbours.client(bob, "A")
        for name in (b"theirs", b"lent", b"lent/theirs"):
            await other.command(b"CREATE " + name)
        for name, rights in ((b"lent", b"lr"), (b"lent/theirs", b"kip")):
            await other.command(b"SETACL %b ana %b" % (name, rights))
        await other.command(b'SETACL lent/theirs ana ""')
        assert (await client.command(b'SELECT "Other Users/bob/lent"'))[1:]
        message = b"APPEND INBOX {5+}\r\na: b\n"
        assert (await client.command(message))[-1].startswith(b"OK")
        for theirs in (b"theirs", bob.box, *THEIRS):
            nobodys = (
                theirs[:-3] + b'xy"' if theirs[-1:] == b'"' else theirs[:-3] + b"xyz"
            )
            for asked in ASKED:
                heard = []
                for name in (theirs, nobodys):
                    await client.command(b"SELECT INBOX")
                    answer = await client.command(asked % name)
                    # What was just made has an id of its own.
                    told = [
                        _MAILBOXID.sub(b"", line).replace(b"%20", b" ")
                        for line in answer
                    ]
                    heard.append([line.replace(name, b"") for line in told])
                assert heard[0] == heard[1], asked % theirs
