"""One message on its way to all its recipients.

Every recipient's delivery stands alone: it fails, hangs or succeeds without
touching the others, and is answered by itself. It also stands apart from the
connection: when that is lost, what was begun ends as it would have.

See Also:
    RFC 2033 §4.2 (one reply for each recipient, in their order).
"""

from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapbox.disk.spool import Content, Spool
from imapbox.lmtp.headers import Trace, delivered_to, normalized
from imapbox.lmtp.interfaces import (
    Delivered,
    Deliveries,
    Doubt,
    Identity,
    Recipient,
)
from imapbox.lmtp.refusals import refuse, report_fault, too_late
from imapbox.model.errors import MailLoop
from imapbox.wire.lmtp.replies import reply

_log = Logger()
# So many deliveries are begun in one turn of the reactor.
_AT_A_TIME: Final = 50


class Delivery:
    """Hands one message over to the store, once for each recipient.

    Args:
        deliveries: The store.
        clock: An `IReactorTime`.
        trace: What our header lines say.
        recipients: Who gets it.
        identity: What its client would say of it again; None: it is sent once.

    Attributes:
        doubts: Of the deliveries that were answered with 250: to be settled once
            the client has read that.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        clock: Any,
        trace: Trace,
        recipients: Sequence[Recipient],
        identity: Identity | None = None,
    ) -> None:
        self.doubts: list[Doubt] = []
        self._identity = identity
        self._deliveries = deliveries
        self._clock = clock
        self._trace = trace
        self._recipients = recipients
        self._replies: list[Deferred[bytes]] = [Deferred() for _ in recipients]
        self._unanswered = len(recipients)
        self._began = 0.0
        self._timer: IDelayedCall | None = None

    def begin(self, spool: Spool, patience: float) -> Sequence[Deferred[bytes]]:
        """Deliver what ``spool`` took in; it belongs to the delivery from now on.

        Args:
            spool: The message, complete.
            patience: Seconds until whoever has no reply is told to try again.
                A delivery that still runs then is left to end: what is being
                committed can not be called back.

        Returns:
            The replies, in the order of the recipients. None of them fails. A
            reply is 250 only once that recipient's copy is on disk.
        """
        self._began = self._clock.seconds()
        self._timer = self._clock.callLater(patience, self._give_up)
        Deferred.fromCoroutine(self._deliver_all(spool)).addErrback(self._failed)
        return self._replies

    def refuse(self, error: Exception) -> Sequence[bytes]:
        """Return the replies for a message that could not be received."""
        return [self._refused(recipient, error) for recipient in self._recipients]

    async def _deliver_all(self, spool: Spool) -> None:
        taken: Spool | Content = spool
        try:
            taken = content = await spool.finish()
            before = delivered_to(await content.beginning())
        except Exception as error:  # noqa: BLE001 - reported, and answered
            report_fault(error, self._trace.transaction)
            taken.discard()
            for which, answer in enumerate(self.refuse(error)):
                self._answer(which, answer)
            return
        try:
            for which, recipient in enumerate(self._recipients):
                looping = bool(before) and normalized(recipient.address) in before
                Deferred.fromCoroutine(
                    self._deliver(which, content, looping=looping)
                ).addErrback(self._failed)
                if which % _AT_A_TIME == _AT_A_TIME - 1:
                    await deferLater(self._clock, 0)
        finally:
            content.discard()

    async def _deliver(self, which: int, content: Content, *, looping: bool) -> None:
        content.hold()
        try:
            self._answer(which, await self._outcome(which, content, looping=looping))
        finally:
            content.release()

    async def _outcome(self, which: int, content: Content, *, looping: bool) -> bytes:
        recipient = self._recipients[which]
        try:
            if looping:
                raise MailLoop
            header = self._trace.header(recipient.address)
            delivered = await self._deliveries.deliver(
                recipient, header, content, self._identity
            )
        except Exception as error:  # noqa: BLE001 - reported, and answered
            # A bug of ours must cost the sender a retry, never the message.
            report_fault(error, self._trace.transaction)
            return self._refused(recipient, error)
        # Whoever was told something else will send it again.
        if delivered.doubt is not None and not self._replies[which].called:
            self.doubts.append(delivered.doubt)
        return self._delivered(recipient, delivered, content.size)

    def _delivered(
        self, recipient: Recipient, delivered: Delivered, size: int
    ) -> bytes:
        transaction, uid = self._trace.transaction, delivered.uid
        ident = self._identity.ident if self._identity else None
        _log.info(
            "{transaction}: {what} to {user} {mailbox} uid={uid} size={size} "
            "ms={milliseconds}{ident}",
            transaction=transaction,
            what="delivered" if delivered.is_new else "was delivered before",
            ident="" if ident is None else f" ident={ident}",
            user=recipient.user,
            mailbox=recipient.mailbox,
            uid=uid,
            size=size,
            milliseconds=round((self._clock.seconds() - self._began) * 1000, 1),
        )
        word = "Saved" if delivered.is_new else "Saved before"
        return reply(
            "250 2.0.0", f"<{recipient.address}> {word} uid={uid} id={transaction}"
        )

    def _refused(self, recipient: Recipient, error: Exception) -> bytes:
        return refuse(recipient.address, error, self._trace.transaction)

    def _answer(self, which: int, answer: bytes) -> None:
        waiting = self._replies[which]
        if waiting.called:
            _log.warn(
                "{transaction}: the delivery to {user} ended after its client was "
                "told to try again: {answer}",
                transaction=self._trace.transaction,
                user=self._recipients[which].user,
                answer=answer.decode("ascii").rstrip(),
            )
            return
        self._unanswered -= 1
        if not self._unanswered and self._timer is not None and self._timer.active():
            self._timer.cancel()
        waiting.callback(answer)

    def _give_up(self) -> None:
        for recipient, waiting in zip(self._recipients, self._replies, strict=True):
            if not waiting.called:
                _log.warn(
                    "{transaction}: no end of the delivery to {user}",
                    transaction=self._trace.transaction,
                    user=recipient.user,
                )
                waiting.callback(too_late(recipient.address))

    def _failed(self, failure: Failure) -> None:
        # The timer answers for those who now have nobody else to do so.
        _log.failure(
            "{transaction}: delivery failed",
            failure=failure,
            transaction=self._trace.transaction,
        )
