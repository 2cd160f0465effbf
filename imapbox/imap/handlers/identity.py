"""ID: RFC 2971.

Before login a stranger learns no version: it would tell which holes to try.
What clients say of themselves is worth one line of the log, which is how a site
learns whose bug it is looking at.
"""

from collections.abc import Iterable
from typing import Final

from twisted.logger import Logger

from imapbox import __version__
from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.imap.states import State
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.identity import Id

_log = Logger()

_NAME: Final = {b"name": b"imapbox"}
_LOGGED_FIELDS: Final = 8
_LOGGED_LENGTH: Final = 64


async def identify(session: Session, command: Id) -> Done:
    """Say what we are; log what the client is, once in a session."""
    if command.fields and not session.identified:
        session.identified = True
        _log.info(
            "client of {user} from {peer}: {client}",
            user=session.user,
            peer=session.peer.address,
            client=_in_one_line(command.fields),
        )
    fields = dict(_NAME)
    if session.state is not State.NOT_AUTHENTICATED:
        fields[b"version"] = __version__.encode()
    session.output.write(responses.client_id(fields))
    return Done("Nice to meet you.")


def _in_one_line(fields: Iterable[tuple[bytes, bytes | None]]) -> str:
    """Return what was said, cut, with all that is not printable escaped."""
    said = [f"{name!r}: {(value or b'')[:_LOGGED_LENGTH]!r}" for name, value in fields]
    return ", ".join(said[:_LOGGED_FIELDS])
