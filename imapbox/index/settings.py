"""What the engine is told by whoever runs it."""

from dataclasses import dataclass

from imapbox.index.segment import SEGMENT_LIMIT


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's way of writing logs.

    Attributes:
        boot: `FileSystem.boot`.
        node: `FileSystem.node`.
        pid: `FileSystem.pid`.
        patience: Seconds to wait for a lock.
        segment_limit: Bytes after which a segment is full.
    """

    boot: int
    node: str
    pid: int
    patience: float = 30.0
    segment_limit: int = SEGMENT_LIMIT
