"""Commands for any state. RFC 9051 §6.1."""

from dataclasses import dataclass
from typing import ClassVar

from imapbox.wire.imap.commands.command import Command


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """What does the server offer? RFC 9051 §6.1.1."""

    name: ClassVar[str] = "CAPABILITY"


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """What is new? RFC 9051 §6.1.2."""

    name: ClassVar[str] = "NOOP"


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """Good bye. RFC 9051 §6.1.3."""

    name: ClassVar[str] = "LOGOUT"
