"""How a command can end: exactly one of these becomes its tagged answer."""

from collections.abc import Callable
from dataclasses import dataclass

from imapbox.wire.imap.response_codes import ResponseCode


@dataclass(frozen=True, slots=True)
class Done:
    """The command did what was asked: OK.

    Attributes:
        text: For people.
        code: For programs.
        then: What is to be done once this is written.
        code_then: Returns ``code``, where that depends on what is told before.
    """

    text: str
    code: ResponseCode | None = None
    then: Callable[[], None] | None = None
    code_then: Callable[[], ResponseCode | None] | None = None


class Refused(Exception):
    """The session, not the store, declines: NO."""

    def __init__(self, text: str, code: ResponseCode | None = None) -> None:
        super().__init__(text, code)
        self.text = text
        self.code = code


class Mistaken(Exception):
    """The client made a mistake that the grammar does not show: BAD."""

    def __init__(self, text: str, code: ResponseCode | None = None) -> None:
        super().__init__(text, code)
        self.text = text
        self.code = code


class BrokenOff(Exception):
    """An answer can not be completed: there is nothing left but to hang up."""
