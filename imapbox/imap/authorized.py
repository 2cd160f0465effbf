"""Whether a URL is authorised for somebody, and what it leads to. RFC 4467 §7.3.

Until that is known nothing is told: neither whether there is such a user or mailbox
nor whether that could be found out. Nothing is opened but the account whose key is
needed.
"""

from typing import Final, NamedTuple

from twisted.logger import Logger

from imapbox.imap.session import Session
from imapbox.imap.url_octets import LeadsNowhere
from imapbox.imap.url_tokens import MECHANISM, is_token
from imapbox.mailbox.account_interface import Account
from imapbox.model.errors import MailboxNameRefused, MailError, NoSuchMailbox
from imapbox.model.names import MailboxName, UserName, mailbox_name, user_name
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap.url_syntax import parse_url
from imapbox.wire.imap.urls import Access, Authorization, ImapUrl

_log = Logger()

# Nobody's: where there is no key, it takes as long to find out.
_NO_KEY: Final = bytes(32)


class Authorized(NamedTuple):
    """A URL that somebody may follow.

    Attributes:
        account: Whose mail it leads to.
        mailbox: In which mailbox.
        url: What it says.
    """

    account: Account
    mailbox: MailboxName
    url: ImapUrl


def owner_of(url: ImapUrl) -> UserName | None:
    """Return whose mail a URL says that it leads to; None if it does not say."""
    if url.server is None or url.server.user is None:
        return None
    return user_name(url.server.user)


async def authorized(session: Session, octets: bytes) -> Authorized:
    """Return what the session's user may have by a URL.

    Raises:
        LeadsNowhere: Nothing, for whatever reason; says whether it is another's.
    """
    try:
        url = parse_url(octets)
    except BadSyntax as error:
        raise LeadsNowhere from error
    owner = owner_of(url)
    if owner is None:
        raise LeadsNowhere
    try:
        return await _authorized(session, owner, url)
    except LeadsNowhere as error:
        error.is_anothers = owner != session.account.user
        raise


async def _authorized(session: Session, owner: UserName, url: ImapUrl) -> Authorized:
    access = url.authorization
    if url.mailbox is None or access is None or not _may(session, access):
        raise LeadsNowhere
    try:
        name = mailbox_name(url.mailbox)
    except MailboxNameRefused as error:
        raise LeadsNowhere from error
    account, key = await _key(session, owner, name)
    is_right = is_token(access.token or b"", key or _NO_KEY, access.rump)
    if account is None or key is None or not is_right:
        raise LeadsNowhere
    return Authorized(account, name, url)


def _may(session: Session, access: Authorization) -> bool:
    """Say whether the session's user is among those who may. RFC 4467 §3."""
    if access.mechanism != MECHANISM:
        return False
    if access.expires is not None and session.clock.seconds() > access.expires:
        return False
    me = session.account.user
    if access.access is Access.SUBMIT:
        # For which user it comes, a submission server has seen to.
        return me in session.settings.submission_users
    return access.access is not Access.USER or user_name(access.user or "") == me


async def _key(
    session: Session, owner: UserName, name: MailboxName
) -> tuple[Account | None, bytes | None]:
    account: Account | None = session.account
    try:
        if owner != session.account.user:
            account = await session.account.other(owner)
        return account, None if account is None else await account.url_keys.find(name)
    except NoSuchMailbox:
        return None, None
    except MailError as error:
        _log.info("found no key of {owner}: {error!r}", owner=owner, error=error)
        return None, None
