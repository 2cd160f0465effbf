"""The whole of a connection: one command after the other.

The next event is asked for when the command before has been answered. So
commands can't overtake one another, and whatever was pipelined behind a change
of state is read in the new state (RFC 9051 §5.5).
"""

from twisted.internet.defer import Deferred

from imapbox.imap.answering import answer, answer_mistake
from imapbox.imap.notices import tell_between
from imapbox.imap.session import Session
from imapbox.wire.errors import Unreadable, WireError
from imapbox.wire.imap import response_codes as codes
from imapbox.wire.imap import responses
from imapbox.wire.imap.events import (
    AppendAnnounced,
    CommandReady,
    ContinuationWanted,
    Event,
)
from imapbox.wire.imap.framer import NO_LITERALS


async def converse(session: Session) -> None:
    """Greet the client and obey it, until either has had enough.

    What was said last is not flushed yet.
    """
    code = codes.capability(session.offer())
    greeting = responses.untagged(responses.Status.OK, "imapbox is ready.", code)
    session.output.write(greeting)
    if not session.may_login:
        session.input.framer.limits = NO_LITERALS
    while session.ended is None:
        if session.stopping is not None:
            session.bye(session.stopping, codes.UNAVAILABLE)
            break
        await _exchange(session)


async def _exchange(session: Session) -> None:
    try:
        event = await _event(session)
    except Unreadable as error:
        session.bye(error.sentence())
        if error.tag is not None:
            answer_mistake(session, error)
    except WireError as error:
        answer_mistake(session, error)
    else:
        if isinstance(event, ContinuationWanted):
            session.output.write(responses.continuation("Go on."))
        elif isinstance(event, CommandReady | AppendAnnounced):
            await _obey(session, event)
    session.notifying.look_again()
    # Whatever came: who does not read our answers is not read either.
    await session.output.room()


async def _event(session: Session) -> Event | None:
    """Return what the client says next, and tell it meanwhile what it wants to know.

    None where that ended the session.
    """
    while session.ended is None:
        if session.notifying.has_hints:
            await tell_between(session)
        elif (event := session.input.framer.next_event()) is not None:
            return event
        else:
            session.end_if_stopping()
            await session.input.more()
    return None


async def _obey(session: Session, event: CommandReady | AppendAnnounced) -> None:
    if session.output.empty:
        await answer(session, event)
    else:
        answered = Deferred.fromCoroutine(answer(session, event))
        if not answered.called:
            # The store is asked: earlier answers need not wait for it.
            session.output.flush()
        await answered
    session.deadlines.answered()
