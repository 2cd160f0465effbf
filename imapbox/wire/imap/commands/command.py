"""What every command has."""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.tags import Tag


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was read whole and is grammatical.

    Attributes:
        name: What RFC 9051 §6 calls it, uppercase.
        tag: What its answer begins with.
    """

    name: ClassVar[str]
    tag: Tag
