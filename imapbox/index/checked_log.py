"""What a check of one log found.

What is wrong is *damage*. What a crash or a writer who died may leave, and the
next one mends without anybody's help, is a *note*, and so is what is of no use
any more. What can't be read is *unknown*.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeVar

from imapbox.index.account_state import AccountState
from imapbox.index.check_frames import Audit
from imapbox.index.head import Counts
from imapbox.index.mailbox_state import MailboxState
from imapbox.model.errors import MailError


class Severity(Enum):
    """How bad it is."""

    DAMAGE = "damage"
    UNKNOWN = "unknown"
    NOTE = "note"


class Finding(NamedTuple):
    """One thing that was found.

    Attributes:
        severity: How bad it is.
        path: Of the file or directory, below the store.
        sentence: What is the matter with it.
    """

    severity: Severity
    path: str
    sentence: str


class EndingAudit(Audit, Protocol):
    """One that also says what is wrong with the whole."""

    @property
    def counts(self) -> Counts:
        """Return what the last frame said."""
        ...

    @property
    def time(self) -> int:
        """Return the last frame's, microseconds since 1970 UTC."""
        ...

    @property
    def state(self) -> MailboxState | AccountState:
        """Return what was found."""
        ...

    def check_end(self) -> list[str]:
        """Return sentences; none if all is well."""
        ...


A = TypeVar("A", bound=EndingAudit)


@dataclass(slots=True)
class CheckedLog(Generic[A]):
    """What was found in a log's directory.

    Attributes:
        findings: In the order in which they were met.
        audit: What the log says, as far as it could be read.
        frames: How many were looked at.
        segments: Likewise.
        broken: Whether the log can't be read from its beginning to its end.
        marked: Whether it is marked as damaged.
        unsettled: Whether the next writer would find something to do.
        counts_at_head: What is true where the head ends, if it says something else.
        unread: Why it is not known what is there, if that is so: it changed all the
            time, or could not be read to its end.
        why: What kept it from being read, if anything did.
        lock_is_wrong: Whether there is no lock, or none of ours.
        strange: Names of what has no place here: files of others, snapshots that are
            spoilt or say something else than the log, segments before its beginning.
    """

    audit: A
    findings: list[Finding] = field(default_factory=list)
    frames: int = 0
    segments: int = 0
    broken: bool = False
    marked: bool = False
    unsettled: bool = False
    counts_at_head: Counts | None = None
    unread: str = ""
    why: MailError | OSError | None = None
    lock_is_wrong: bool = False
    strange: list[str] = field(default_factory=list)
