"""A message that comes in: by DATA at once, or by BDAT in chunks."""

from imapbox.disk.spool import Spool
from imapbox.lmtp.dialogue import Dialogue
from imapbox.lmtp.refusals import report_fault
from imapbox.model.errors import MessageTooBig


class Reception:
    """Takes in octets until something is wrong with them, and then no more.

    Args:
        spool: Where they go.
        limit: How many they may be.
        transaction: Its name in our log.

    Attributes:
        error: Why the message is not in the spool. What comes after the error
            is thrown away; the client hears of it when it has sent that.
    """

    def __init__(self, spool: Spool, limit: int, transaction: str) -> None:
        self.spool = spool
        self.error: Exception | None = None
        self._limit = limit
        self._transaction = transaction
        self._size = 0

    async def take(self, dialogue: Dialogue) -> None:
        """Read the message, or a chunk of it, to its end."""
        while (octets := await dialogue.octets()) is not None:
            if self.error is None:
                await self._keep(octets, dialogue)

    async def _keep(self, octets: bytes, dialogue: Dialogue) -> None:
        self._size += len(octets)
        try:
            if self._size > self._limit:
                raise MessageTooBig
            dialogue.grant(len(octets))
            await self.spool.write(octets)
        except Exception as failure:  # noqa: BLE001 - the session answers it
            self.error = failure
            report_fault(failure, self._transaction)
            self.spool.discard()
