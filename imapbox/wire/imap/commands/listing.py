"""Commands that tell which mailboxes there are.

RFC 9051 §9 and RFC 3501 §9; the options are in `list_options`::

    list        = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat
                  [SP list-return-opts]
    mbox-or-pat = list-mailbox / patterns
    patterns    = "(" list-mailbox *(SP list-mailbox) ")"
    lsub        = "LSUB" SP mailbox SP list-mailbox
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.lexer import Lexer
from imapbox.wire.imap.list_options import (
    Returning,
    Selecting,
    read_returning,
    read_selecting,
)
from imapbox.wire.imap.mailbox_names import (
    MAX_PATTERN,
    ListPattern,
    MailboxArgument,
    read_list_mailbox,
    read_mailbox,
)
from imapbox.wire.imap.tags import Tag

# Of all patterns together, each with the reference before it, octets.
MAX_PATTERNS: Final = 8192

_NOTHING: Final = Returning()


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """Which names are subscribed to? RFC 3501 §6.3.9.

    Attributes:
        reference: What each pattern begins with.
        patterns: Which names are meant: those that match any of them.
    """

    name: ClassVar[str] = "LSUB"
    reference: MailboxArgument
    patterns: tuple[MailboxArgument, ...]

    @property
    def asks_delimiter(self) -> bool:
        """Whether only the delimiter is wanted: the pattern is empty."""
        return not self.patterns[0].octets

    def matcher(self) -> ListPattern:
        """Return what tells the names that are meant.

        Raises:
            MailboxNameRefused: Reference or pattern is not modified UTF-7.
        """
        return self._matcher(self.patterns)

    def level_matcher(self) -> ListPattern:
        """Return what tells the names that are meant though they be no mailboxes.

        Those that a pattern with "%" at its end means: RFC 3501 §6.3.8.

        Raises:
            MailboxNameRefused: Reference or pattern is not modified UTF-7.
        """
        return self._matcher(
            tuple(each for each in self.patterns if each.octets.endswith(b"%"))
        )

    def _matcher(self, patterns: tuple[MailboxArgument, ...]) -> ListPattern:
        # In an extended LIST an empty one means nothing: RFC 5258 §3.
        texts = [each.text() for each in patterns if each.octets]
        reference = self.reference.text()
        return ListPattern(*(reference + text for text in texts))


@dataclass(frozen=True, slots=True)
class List(Lsub):
    r"""Which mailboxes are there? RFC 9051 §6.3.9.

    Attributes:
        selecting: Which of those that match are to be shown.
        returning: What is to be told of each.
        extended: Whether any option was given, or several patterns: then an
            empty pattern means nothing, and who asks knows ``\NonExistent``.
    """

    name: ClassVar[str] = "LIST"
    selecting: frozenset[Selecting] = frozenset()
    returning: Returning = _NOTHING
    extended: bool = False

    @property
    def asks_delimiter(self) -> bool:
        """Whether only the delimiter is wanted; an extended one never does."""
        return not self.extended and not self.patterns[0].octets


def read_list(lexer: Lexer, tag: Tag) -> List:
    """Take what is behind LIST."""
    lexer.space()
    extended = lexer.next_is(b"(")
    selecting: frozenset[Selecting] = frozenset()
    if extended:
        selecting = read_selecting(lexer)
        lexer.space()
    reference = _reference(lexer)
    lexer.space()
    if lexer.next_is(b"("):
        extended = True
        patterns = tuple(lexer.listed(lambda: read_list_mailbox(lexer)))
        octets = sum(len(reference.octets) + len(each.octets) for each in patterns)
        if octets > MAX_PATTERNS:
            raise BadSyntax("patterns")
    else:
        patterns = (read_list_mailbox(lexer),)
    returning = _NOTHING
    if lexer.next_is(b" "):
        extended = True
        lexer.space()
        returning = read_returning(lexer)
    return List(tag, reference, patterns, selecting, returning, extended)


def read_lsub(lexer: Lexer, tag: Tag) -> Lsub:
    """Take what is behind LSUB."""
    lexer.space()
    reference = _reference(lexer)
    lexer.space()
    return Lsub(tag, reference, (read_list_mailbox(lexer),))


def _reference(lexer: Lexer) -> MailboxArgument:
    reference = read_mailbox(lexer)
    if len(reference.octets) > MAX_PATTERN:
        raise BadSyntax("reference", reference.octets)
    return reference
