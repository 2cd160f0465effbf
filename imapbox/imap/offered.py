"""What an account lacks is not obeyed, though it could be read."""

from imapbox.imap.answers import Mistaken
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.commands.search import Asking


def check_offered(command: Command, lacks: frozenset[str]) -> None:
    """See that a command asks for nothing that was not announced.

    Args:
        command: What is asked for.
        lacks: Capabilities that are not there.

    Raises:
        Mistaken: It does.
    """
    if isinstance(command, Asking) and command.is_fuzzy and "SEARCH=FUZZY" in lacks:
        raise Mistaken("FUZZY is not offered here.")
