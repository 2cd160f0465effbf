"""What a peer's bytes can be guilty of.

None of these says anything about mail: that is `imapbox.model.errors`. The
client's own text stays in the exception for a debugger; a reply holds only
`WireError.sentence`.
"""

from imapbox.wire.imap.tags import Tag


class WireError(Exception):
    """Bytes that the protocol does not allow.

    Attributes:
        what: The grammar's name for what was expected: "nz-number".
        text: The bytes that were there instead. Never sent, never logged.
        tag: The IMAP tag that the answer begins with; None if there was none,
            or if the command was answered before.
    """

    def __init__(self, what: str, text: bytes = b"", tag: Tag | None = None) -> None:
        super().__init__(what, text, tag)
        self.what = what
        self.text = text
        self.tag = tag

    def sentence(self) -> str:
        """Return the text for the client: nothing of it is the client's own."""
        return f"Not a valid {self.what}."


class BadSyntax(WireError):
    """The peer's text is not what the grammar allows. Reading goes on."""


class LiteralTooBig(WireError):
    """A literal was announced that we will not hold. Reading goes on."""

    def sentence(self) -> str:
        """Return the text for the client."""
        return f"Too big: {self.what}."


class Unreadable(WireError):
    """Nothing more can be read from the peer."""


class CommandTooLong(Unreadable):
    """The peer went past a limit."""

    def sentence(self) -> str:
        """Return the text for the client."""
        return f"Too long: {self.what}."


class StreamBroken(Unreadable):
    """What is compressed, or should be, makes no sense."""
