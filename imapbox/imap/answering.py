"""From a command to its one answer.

Whatever happens in a handler, the client reads exactly one tagged answer, and
nothing in it is ours to hide.
"""

from typing import NamedTuple

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from imapbox.imap.admission import PRIVACY_REQUIRED
from imapbox.imap.answers import BrokenOff, Mistaken, Refused
from imapbox.imap.dispatch import obey, tell_changes, tells_changes
from imapbox.imap.refusals import OUR_FAULT, code_of, ends_session, is_trouble
from imapbox.imap.session import Session
from imapbox.imap.states import State, WrongState
from imapbox.imap.whole_lines import InWholeLines
from imapbox.model.errors import MailError
from imapbox.model.numbers import NoSuchMessage
from imapbox.wire.errors import LiteralTooBig, Unreadable, WireError
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap.commands.command import Command
from imapbox.wire.imap.events import AppendAnnounced, CommandReady
from imapbox.wire.imap.parser import parse_append, parse_command
from imapbox.wire.imap.response_codes import ResponseCode
from imapbox.wire.imap.responses import Status, tagged, untagged
from imapbox.wire.imap.tags import Tag

_log = Logger()


class Answer(NamedTuple):
    """What the tagged answer says."""

    status: Status
    text: str
    code: ResponseCode | None = None


async def answer(session: Session, event: CommandReady | AppendAnnounced) -> None:
    """Obey a command and answer it."""
    message = event if isinstance(event, AppendAnnounced) else None
    try:
        parse = parse_append if message else parse_command
        command = parse(event.parts, utf8=session.dialect.utf8)
    except WireError as error:
        answer_mistake(session, error)
    else:
        await _answer(session, command, message)
    if message is not None:
        try:
            # Without effect where the message was accepted.
            session.input.framer.refuse_literal()
        except Unreadable as error:
            session.bye(error.sentence())


def answer_mistake(session: Session, error: WireError) -> None:
    """Answer what is not a command."""
    said = Answer(Status.BAD, error.sentence())
    before_login = session.state is State.NOT_AUTHENTICATED
    if isinstance(error, LiteralTooBig) and before_login and not session.may_login:
        # It is no matter of size: see `dialogue`.
        said = Answer(Status.NO, PRIVACY_REQUIRED, codes.PRIVACYREQUIRED)
    _say(session, error.tag, said)


async def _answer(
    session: Session, command: Command, message: AppendAnnounced | None
) -> None:
    """Write the tagged answer, whatever happens."""
    session.tag = command.tag
    try:
        await _obey(session, command, message)
    except BrokenOff:
        _log.failure("broke off an answer")
        session.break_off("an answer could not be completed")


async def _obey(
    session: Session, command: Command, message: AppendAnnounced | None
) -> None:
    try:
        with InWholeLines(session):
            done = await obey(session, command, message)
    except BrokenOff:
        raise
    except Unreadable as error:
        session.bye(error.sentence())
        _say(session, command.tag, Answer(Status.BAD, error.sentence()))
    except MailError as error:
        if is_trouble(error):
            _log.info(
                "refused {command} of {user}: {error!r}",
                command=command.name,
                user=session.user,
                error=error,
            )
        await _decline(session, command, _refusal(error))
        _end_if_it_must(session, error)
    except Exception as error:  # noqa: BLE001 - each is answered, ours is logged
        _raise_if_cancelled(session, error)
        await _decline(session, command, _explain(command, error))
    else:
        # What was done is done, whether or not there is more to tell.
        failure = await _tell_changes(session, command)
        code = done.code if done.code_then is None else done.code_then()
        _say(session, command.tag, Answer(Status.OK, done.text, code))
        if done.then is not None:
            done.then()
        if failure is not None:
            _end_if_it_must(session, failure)


async def _decline(session: Session, command: Command, said: Answer) -> None:
    failure: MailError | None = None
    if said.code == codes.EXPUNGEISSUED:
        # Which messages they are, the client learns at once if it may.
        failure = await _tell_changes(session, command)
    _say(session, command.tag, said)
    if failure is not None:
        _end_if_it_must(session, failure)


async def _tell_changes(session: Session, command: Command) -> MailError | None:
    """Tell what changed; return why that could not be found out.

    Raises:
        BrokenOff: It could not be told to the end.
    """
    if not tells_changes(command):
        return None
    try:
        with InWholeLines(session):
            await tell_changes(session, command)
    except BrokenOff:
        raise
    except MailError as error:
        _log.info("could not sync: {error!r}", error=error)
        return error
    except Exception as error:  # noqa: BLE001 - logged
        _raise_if_cancelled(session, error)
        _log.failure("sync failed")
    return None


def _explain(command: Command, error: Exception) -> Answer:
    if isinstance(error, Refused):
        return Answer(Status.NO, error.text, error.code)
    if isinstance(error, Mistaken):
        return Answer(Status.BAD, error.text, error.code)
    if isinstance(error, WrongState | WireError):
        return Answer(Status.BAD, error.sentence())
    if isinstance(error, NoSuchMessage):
        return Answer(Status.BAD, "No such message.")
    _log.failure("{command} failed", command=command.name)
    return Answer(Status.NO, OUR_FAULT, codes.SERVERBUG)


def _refusal(error: MailError) -> Answer:
    return Answer(Status.NO, error.sentence(), code_of(error))


def _say(session: Session, tag: Tag | None, said: Answer) -> None:
    if tag is None:
        session.output.write(untagged(*said))
    else:
        session.output.write(tagged(tag, *said))
    if said.status is Status.BAD and session.state is State.NOT_AUTHENTICATED:
        session.mistakes += 1
        if session.mistakes >= session.settings.mistakes:
            session.bye("Too many mistakes.")


def _end_if_it_must(session: Session, error: MailError) -> None:
    if ends_session(error):
        session.bye(error.sentence(), code_of(error))


def _raise_if_cancelled(session: Session, error: Exception) -> None:
    """Let a cancellation through, if it is the session that was cancelled."""
    if isinstance(error, CancelledError) and session.ended is not None:
        raise error
