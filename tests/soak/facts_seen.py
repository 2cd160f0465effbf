"""What fresh sessions see of what was noted, shared and limited."""

import re
from typing import Final, TypeAlias

from tests.kills.facts import NONE, Facts
from tests.soak.client import Talker
from tests.soak.day import HOME, STORE
from tests.soak.noting import authorizing, notes_in, rights_in, token_in

FactsSeen: TypeAlias = dict[str, str]
_GUEST: Final = re.compile(
    rf'\* MYRIGHTS "Other Users/(\S+)/{STORE}" (\S+)\r\n'.encode()
)
_LIST: Final = re.compile(rb'\* LSUB \(.*\) "/" list-(\S+)\r\n')
_QUOTA: Final = re.compile(
    rb'\* QUOTA "" \(STORAGE ([0-9]+) ([0-9]+) MESSAGE ([0-9]+) ([0-9]+)\)\r\n'
)


def facts_seen(client: Talker, user: str) -> FactsSeen:
    """Return what a session of a user is told of all that is noted."""
    commands = (
        f"GETMETADATA (DEPTH infinity) {STORE} (/private /shared)",
        f"GETACL {STORE}",
        'LIST "" "Other Users/*" RETURN (MYRIGHTS)',
        'LSUB "" list-*',
        f"GETQUOTAROOT {HOME}",
    )
    keyed = (HOME, STORE)
    noted, rights, others, subscribed, quota, *keys = client.together(
        *map(str.encode, commands), *(authorizing(user, each) for each in keyed)
    )
    seen = {f"note.{name}": mark for name, mark in notes_in(noted).items()}
    for guest, letters in rights_in(rights).items():
        seen[f"rights.{user}.{guest}"] = letters
    for owner, letters in _GUEST.findall(others.all):
        seen[f"guest.{owner.decode()}.{user}"] = letters.decode()
    for name in _LIST.findall(subscribed.all):
        seen[f"subscribed.{name.decode()}"] = "yes"
    if found := _QUOTA.search(quota.all):
        octets, most_octets, messages, most = (int(each) for each in found.groups())
        assert most_octets == most, "parts of two quotas"
        seen[f"quota.{user}"] = str(most)
        seen[f"used.{user}"] = f"{octets} KiB, {messages}"
    for mailbox, answer in zip(keyed, keys, strict=True):
        seen[f"key.{user}.{mailbox}"] = token_in(answer)
    return seen


def compare(facts: Facts, seen: FactsSeen) -> None:
    """Hold what was seen against what was answered, and both sides of each right."""
    kinds = ("note.", "rights.", "subscribed.", "quota.", "key.")
    there = {fact: value for fact, value in seen.items() if fact.startswith(kinds)}
    known = facts.answered.keys() | facts.tried.keys()
    facts.compare(dict.fromkeys(known - there.keys(), NONE) | there)
    given, had = (
        {
            fact.removeprefix(kind): letters
            for fact, letters in seen.items()
            if fact.startswith(kind)
        }
        for kind in ("rights.", "guest.")
    )
    assert given == had, "neighbours have other rights than they were given"
