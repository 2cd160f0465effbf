"""Rights as facts of a mailbox, in the log of its owner's account.

Whose they are is in the fact's name, "acl" and a space before it, and the letters
of the rights are its value: docs/formats/account.md.
"""

from collections.abc import Mapping
from typing import Final

from imapbox.model.rights import NO_RIGHTS, Rights, letters, stored_rights

# A mailbox's fact: the key with which its URLs are authorised.
URL_KEY: Final = "urlauth"
_PREFIX: Final = "acl "


def is_access_fact(name: str) -> bool:
    """Say whether a fact of a mailbox says what somebody may do with it."""
    return name.startswith(_PREFIX)


def lets_others_in(name: str) -> bool:
    """Say whether a fact of a mailbox lets anybody but its owner read it."""
    return is_access_fact(name) or name == URL_KEY


def rights_given(facts: Mapping[str, bytes]) -> dict[str, Rights]:
    """Return what the facts of a mailbox give to whom."""
    return {
        name.removeprefix(_PREFIX): _rights(value)
        for name, value in facts.items()
        if is_access_fact(name)
    }


def rights_of(identifier: str, facts: Mapping[str, bytes]) -> Rights:
    """Return what the facts of a mailbox give to one."""
    value = facts.get(_PREFIX + identifier)
    return NO_RIGHTS if value is None else _rights(value)


def access_fact(identifier: str, rights: Rights) -> tuple[str, bytes]:
    """Return the fact that gives rights to somebody: its name and its value."""
    return _PREFIX + identifier, letters(rights).encode()


def _rights(value: bytes) -> Rights:
    return stored_rights(value.decode("ascii", "replace"))
