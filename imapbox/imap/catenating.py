"""What the URLs of a CATENATE lead to. RFC 4469 §3.

Only messages are meant that one may read here, so only URLs that name no server.
Those of others are where LIST shows them. URLs count from the mailbox that is
selected: without one of their own, they mean that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from imapbox.imap.answers import Refused
from imapbox.imap.session import Session
from imapbox.imap.states import State
from imapbox.imap.url_octets import LeadsNowhere, Part, Sources, find_part
from imapbox.model.errors import MailboxNameRefused, MessageGone
from imapbox.model.names import DELIMITER, MailboxName, mailbox_name
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.url_syntax import parse_url
from imapbox.wire.imap.urls import ImapUrl

# Each is a message that is looked for, however little of it is taken.
_MOST: Final = 1000


class Links:
    """The URLs of one command.

    Args:
        session: Whose messages they may lead to.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sources = Sources(session.account)
        self._followed = 0

    def close(self) -> None:
        """Give everything back."""
        self._sources.close()

    async def part(self, octets: bytes) -> Part:
        """Return what a URL leads to.

        Raises:
            BadSyntax, LeadsNowhere, MailboxNameRefused, MessageGone: That is
                nothing: see `blaming`.
            Refused: There were too many.
            MailError: It can't be read now.
        """
        self._followed += 1
        if self._followed > _MOST:
            raise Refused("Too many URLs at once.", codes.LIMIT)
        name, url = self._resolve(parse_url(octets))
        message = await self._sources.octets(name, url)
        return await find_part(message, url, self._session.output.room)

    def _resolve(self, url: ImapUrl) -> tuple[MailboxName, ImapUrl]:
        """Return the mailbox that is meant, and the URL as it is within that."""
        if url.server is not None or url.authorization is not None:
            raise LeadsNowhere
        session = self._session
        base = session.selection.mailbox if session.state is State.SELECTED else None
        if url.mailbox is None:
            if base is None:
                raise LeadsNowhere
            # Another may be called so meanwhile.
            return base.name, replace(url, uidvalidity=base.uidvalidity)
        above = base.name.rpartition(DELIMITER) if base is not None else ("", "", "")
        # RFC 3986 §5.2.3: beside the selected mailbox, unless it begins with "/".
        prefix = "" if url.rooted else "".join(above[:2])
        return mailbox_name(prefix + url.mailbox), url


@contextmanager
def blaming(url: bytes) -> Iterator[None]:
    """Refuse a URL that leads nowhere, also where that turns out late.

    Raises:
        Refused: It does.
    """
    try:
        yield
    except (BadSyntax, LeadsNowhere, MailboxNameRefused, MessageGone) as error:
        raise Refused("A URL leads to nothing.", codes.badurl(url)) from error
