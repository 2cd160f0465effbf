"""GENURLAUTH, RESETKEY and URLFETCH. RFC 4467."""

from contextlib import closing

from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater

from imapbox.imap.answers import BrokenOff, Done, Mistaken, Refused
from imapbox.imap.authorized import Authorized, authorized, owner_of
from imapbox.imap.octet_answers import Answer, Said, answer_to
from imapbox.imap.progress import in_progress
from imapbox.imap.session import Session
from imapbox.imap.url_octets import LeadsNowhere, Sources
from imapbox.imap.url_tokens import MECHANISM, make_token
from imapbox.model.errors import (
    MailboxNameRefused,
    MailError,
    MessageGone,
    NoSuchMailbox,
)
from imapbox.model.names import mailbox_name
from imapbox.wire.errors import BadSyntax
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses, strings
from imapbox.wire.imap.commands.urlauth import GenUrlAuth, ResetKey, UrlFetch
from imapbox.wire.imap.fetch_items import BodyItem, Section
from imapbox.wire.imap.url_syntax import parse_url


async def genurlauth(session: Session, command: GenUrlAuth) -> Done:
    """Authorise URLs of one's own messages.

    Raises:
        Mistaken: One of them can't be. RFC 4467 §7.2 has BAD for whatever reason.
        MailError: There is no key, and none can be made now.
    """
    made = [await _authorize(session, *each) for each in command.urls]
    session.output.write(responses.genurlauth(made))
    return Done("Authorised.")


async def _authorize(session: Session, octets: bytes, mechanism: bytes) -> bytes:
    try:
        url = parse_url(octets)
        access = url.authorization
        if access is None or access.token is not None or mechanism != MECHANISM:
            raise LeadsNowhere
        if url.mailbox is None or owner_of(url) != session.account.user:
            raise LeadsNowhere
        key = await session.account.url_keys.need(mailbox_name(url.mailbox))
    except (BadSyntax, LeadsNowhere, MailboxNameRefused, NoSuchMailbox) as error:
        raise Mistaken("A URL can not be authorised.") from error
    return b"%b:internal:%b" % (octets, make_token(key, octets))


async def resetkey(session: Session, command: ResetKey) -> Done:
    """Let no URL be authorised any more that was so far.

    Raises:
        Refused: Another mechanism than ours is wanted.
        NoSuchMailbox: There is none.
    """
    keys = session.account.url_keys
    if command.mailbox is None:
        await keys.remove_all()
        return Done("No URL is authorised any more.")
    if set(command.mechanisms) - {MECHANISM}:
        raise Refused("There is only INTERNAL.", codes.CANNOT)
    await keys.renew(command.mailbox.name())
    return Done("No URL of it is authorised any more.", codes.URLMECH)


async def urlfetch(session: Session, command: UrlFetch) -> Done:
    """Tell what URLs lead to; of those that one may not follow, NIL.

    Raises:
        MailError: Something can't be read now; the others have been told.
        BrokenOff: What was begun can't be told to the end.
    """
    trouble: MailError | None = None
    for octets in command.urls:
        try:
            await _tell(session, octets)
        except MailError as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return Done("Fetched.")


async def _tell(session: Session, octets: bytes) -> None:
    label = strings.string(octets)
    nil = Said(responses.nil_item(label))
    began = session.clock.seconds()
    try:
        with in_progress(session, "looking"):
            found = await authorized(session, octets)
    except LeadsNowhere as error:
        if error.is_anothers:
            left = began + session.settings.url_refusal - session.clock.seconds()
            await deferLater(session.clock, max(0.0, left))
        await _say(session, nil)
        return
    with closing(Sources(found.account)) as sources:
        try:
            with in_progress(session, "looking"):
                answer = await _answer(found, sources, label)
        except (LeadsNowhere, MessageGone):
            answer = nil
        except MailError:
            await _say(session, nil)
            raise
        await _say(session, answer)


async def _answer(found: Authorized, sources: Sources, label: bytes) -> Answer:
    octets = await sources.octets(found.mailbox, found.url)
    section = found.url.section or Section()
    item = BodyItem(section, found.url.partial, peek=True, label=label)
    return await answer_to(item, octets)


async def _say(session: Session, answer: Answer) -> None:
    output = session.output
    output.write(responses.URLFETCH_START)
    try:
        await answer.tell(output)
    except Exception as error:
        if isinstance(error, CancelledError) and session.ended is not None:
            raise
        raise BrokenOff("in the middle of a message") from error
    output.write(responses.URLFETCH_END)
    await output.room()
