"""Changing facts of bob's account: a family's own, and what he may hold.

Imported by a forked process only, as `life` is.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Final

from imapbox.model.quota import Quota
from imapbox.store.quotas import NOTHING_SET, quota_facts
from imapbox.store.store import Store
from tests.kills.facts import ADMINISTRATOR, NEW, NONE, guest_of, home_of, note_of
from tests.kills.lives import say
from tests.support.mail_store import BOB
from tests.support.stage import Connection

# Without those of which clients of RFC 2086 are told more letters.
_RIGHTS: Final = (NONE, "l", "lr", "lrs", "lrsw", "lri", "lrp")
_MUCH: Final = 1_000_000  # of what there is a quota of


class Noting:
    """What one family does with its facts.

    Args:
        store: Where bob's account is.
        family: Which one.
        chance: Decides.
        mark: Returns a new mark.
    """

    def __init__(
        self, store: Store, family: str, chance: random.Random, mark: Callable[[], str]
    ) -> None:
        self._store = store
        self._family = family
        self._home = home_of(family)
        self._guest = guest_of(family)
        self._chance = chance
        self._mark = mark

    @property
    def deeds(self) -> list[Callable[[Connection], Awaitable[None]]]:
        """Return what it can do."""
        some = [self._annotate, self._give_rights, self._reset_key, self._subscribe]
        return [*some, self._limit] if self._family == ADMINISTRATOR else some

    async def _annotate(self, client: Connection) -> None:
        mark = self._chance.choice((NONE, *[self._mark()] * 4))
        note = note_of(mark)
        value = b"NIL" if mark == NONE else b"{%d+}\r\n%b" % (len(note), note)
        words = f"SETMETADATA {self._home} (/private/comment ".encode()
        await self._set(client, "note", mark, words + value + b")")

    async def _give_rights(self, client: Connection) -> None:
        rights = self._chance.choice(_RIGHTS)
        where = f"{self._home} {self._guest}"
        command = f"DELETEACL {where}" if rights == NONE else f"SETACL {where} {rights}"
        await self._set(client, "rights", rights, command.encode())

    async def _reset_key(self, client: Connection) -> None:
        await self._set(client, "key", NEW, f"RESETKEY {self._home}".encode())

    async def _subscribe(self, client: Connection) -> None:
        verb, is_there = self._chance.choice(
            (("SUBSCRIBE", "yes"), ("UNSUBSCRIBE", NONE))
        )
        command = f"{verb} list-{self._family}".encode()
        await self._set(client, "subscribed", is_there, command)

    async def _limit(self, _client: Connection) -> None:
        """Set the quota, as `imapbox quota` does."""
        limit = self._chance.choice((None, self._chance.randrange(_MUCH, 2 * _MUCH)))
        facts = NOTHING_SET if limit is None else quota_facts(Quota(limit << 10, limit))
        account = await self._store.account(BOB)
        say("sets", f"quota.{self._family}", NONE if limit is None else limit)
        await account.set_meta(facts)
        say("set", f"quota.{self._family}")

    async def _set(
        self, client: Connection, fact: str, value: str, command: bytes
    ) -> None:
        say("sets", f"{fact}.{self._family}", value)
        *_, end = await client.command(command)
        assert end.startswith(b"OK"), end
        say("set", f"{fact}.{self._family}")
