"""ENABLE. RFC 5161 §3.1, RFC 9051 §6.3.1."""

from collections.abc import Callable, Mapping
from typing import Final

from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.wire.imap import responses
from imapbox.wire.imap.commands.enable import Enable

_EXTENSIONS: Final[Mapping[bytes, Callable[[Session], bool]]] = {
    b"CONDSTORE": Session.tell_modseqs,
    b"QRESYNC": Session.tell_vanished,
    b"UTF8=ACCEPT": Session.take_utf8,
    b"IMAP4REV2": Session.take_rev2,
    b"UIDONLY": Session.use_uids_only,
}
# As it is announced.
_SPELLED: Final = {b"IMAP4REV2": "IMAP4rev2"}


async def enable(session: Session, command: Enable) -> Done:
    """Go on with what the client takes; what nobody knows is passed over.

    Told is what was not in use before.
    """
    taken = [
        _SPELLED.get(name, name.decode())
        for name in dict.fromkeys(command.capabilities)
        if name in _EXTENSIONS
        and _SPELLED.get(name, name.decode()) not in session.lacks
        and _EXTENSIONS[name](session)
    ]
    session.output.write(responses.enabled(taken))
    return Done("Enabled.")
