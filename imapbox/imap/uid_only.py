"""Clients that know messages by their UIDs only: UIDONLY. RFC 9586 §3.1."""

from typing import Final, TypeAlias

from imapbox.imap.answers import Mistaken
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.append import Replace
from imapbox.wire.imap.commands.authenticated import Examine, Select
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.commands.copying import Copy, Move
from imapbox.wire.imap.commands.search import Asking
from imapbox.wire.imap.commands.selected import Fetch, Store

_Naming: TypeAlias = Fetch | Store | Copy | Move | Replace
_WANTED: Final = "After ENABLE UIDONLY messages have UIDs only."


def check_names_uids(command: Command) -> None:
    """Raise `Mistaken` if a command names sequence numbers, or asks for them."""
    if isinstance(command, Asking):
        names_positions = command.names_positions
    elif isinstance(command, Select | Examine):
        # RFC 9586 §3.5: nor may what a client knows be matched by them.
        resync = command.parameters.resync
        names_positions = resync is not None and resync.seqs_then is not None
    else:
        names_positions = isinstance(command, _Naming) and not command.by_uid
    if names_positions:
        raise Mistaken(_WANTED, codes.UIDREQUIRED)
