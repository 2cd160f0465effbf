"""How much of everything is measured."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of the measurements.

    Attributes:
        users: Who gets mail; the first has most.
        deliveries: Messages of each delivery row.
        latencies: Deliveries seen by an idle client.
        seconds: How long NOOP and FETCH go on, each.
        connections: Clients that say NOOP at once.
        mailbox: Messages in the first user's INBOX.
        indexed: Messages in the mailbox that gets a full-text index.
        large: Messages, at least, in the mailbox that SELECT is measured with.
        mailboxes: What LIST is to tell the counts of.
        idlers: Clients in IDLE at once.
        traced: Deliveries whose syncs are counted.
    """

    users: int = 50
    deliveries: int = 1000
    latencies: int = 40
    seconds: float = 3.0
    connections: int = 50
    mailbox: int = 10_000
    indexed: int = 2000
    large: int = 100_000
    mailboxes: int = 1000
    idlers: int = 200
    traced: int = 200


FULL: Final = Scale()
# Says that everything works, and nothing about speed.
QUICK: Final = Scale(
    users=5,
    deliveries=30,
    latencies=3,
    seconds=0.2,
    connections=5,
    mailbox=200,
    indexed=200,
    large=400,
    mailboxes=20,
    idlers=10,
    traced=10,
)
