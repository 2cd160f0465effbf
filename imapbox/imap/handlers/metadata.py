"""GETMETADATA and SETMETADATA. RFC 5464 §4.2, §4.3."""

from collections.abc import Mapping
from typing import Final

from imapbox.imap.answers import Done, Refused
from imapbox.imap.session import Session
from imapbox.mailbox.annotations import SHARED, SPECIAL_USE
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.metadata import Depth, GetMetadata, SetMetadata

# Octets; what a client may say in one command is twice that.
MOST_OF_VALUE: Final = 64 * 1024


async def get_metadata(session: Session, command: GetMetadata) -> Done:
    """Tell the annotations that are asked for and are there."""
    name = command.mailbox.name() if command.mailbox else None
    known = await session.account.metadata(name)
    chosen = _chosen(known, command)
    told, too_long = {}, []
    for entry, value in chosen.items():
        if command.maxsize is not None and len(value) > command.maxsize:
            too_long.append(len(value))
        else:
            told[entry] = value
    if told:
        utf8 = session.dialect.utf8
        session.output.write(responses.metadata(name, told, utf8=utf8))
    code = codes.metadata_longentries(max(too_long)) if too_long else None
    return Done("That is all.", code)


async def set_metadata(session: Session, command: SetMetadata) -> Done:
    """Change annotations, all of them or none.

    Raises:
        Refused: A value is too large; or one is for all users of the server, or says
            what a mailbox is for: RFC 6154 §4.
    """
    values = dict(command.values)
    if any(len(value or b"") > MOST_OF_VALUE for value in values.values()):
        code = codes.metadata_maxsize(MOST_OF_VALUE)
        raise Refused("This is too large for an annotation.", code)
    if command.mailbox is None and any(entry.startswith(SHARED) for entry in values):
        raise Refused("Only the administrator notes what all see.", codes.NOPERM)
    if command.mailbox is not None and SPECIAL_USE in values:
        raise Refused("What a mailbox is for is said when it is made.", codes.CANNOT)
    name = command.mailbox.name() if command.mailbox else None
    await session.account.set_metadata(name, values)
    session.notifying.noted(name, values)
    return Done("Noted.")


def _chosen(known: Mapping[str, bytes], command: GetMetadata) -> dict[str, bytes]:
    """Return those that are named, and those below them, as far as they are asked."""
    return {
        entry: value
        for entry, value in known.items()
        if any(_is_within(entry, wanted, command.depth) for wanted in command.entries)
    }


def _is_within(entry: str, wanted: str, depth: Depth) -> bool:
    if entry == wanted:
        return True
    if depth is Depth.ENTRY or not entry.startswith(wanted + "/"):
        return False
    return depth is Depth.ALL or "/" not in entry[len(wanted) + 1 :]
