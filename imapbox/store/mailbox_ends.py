"""Where the logs of a user's mailboxes end, and which of them nobody can read.

Whatever is wrong with one mailbox is no reason not to copy the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from imapbox.disk import steps
from imapbox.disk.failures import unworded
from imapbox.disk.steps import Steps
from imapbox.disk.two_roots import is_there
from imapbox.index.damage import is_damaged
from imapbox.index.head import Position
from imapbox.index.log_copy import Extent, SegmentLost, extent_of
from imapbox.index.opening import recover
from imapbox.index.settings import Settings
from imapbox.locks.lock_file import LOCK
from imapbox.model.errors import DiskFull, MailError, UnknownFormat
from imapbox.model.names import UserName
from imapbox.store.layout import mailbox_directory

COMMAND: Final = "snapshot"
# Where a log ended; None: it can't be settled; or why nobody here can read it.
_Settled: TypeAlias = Position | UnknownFormat | None


class Cut(NamedTuple):
    """A user's logs at one moment.

    Attributes:
        account: The account's; None: it is damaged.
        mailboxes: The mailboxes', by id.
        damaged: Ids of those that are to be copied as they are.
        missing: Directories that are not there, which is damage.
        left_out: Ids of those that can't be read, and why.
        last_deletion: When a mailbox was deleted: microseconds since 1970; 0: none.
    """

    account: Extent | None
    mailboxes: dict[bytes, Extent]
    damaged: list[bytes]
    missing: list[str]
    left_out: dict[bytes, MailError | OSError]
    last_deletion: int

    def go_without(self, mailbox_id: bytes, error: MailError | OSError) -> None:
        """Go on without a mailbox that can't be read.

        Raises:
            MailError: Others could not be copied either.
            OSError: As above.
        """
        _check_alone(error)
        self.mailboxes.pop(mailbox_id, None)
        if mailbox_id in self.damaged:
            self.damaged.remove(mailbox_id)
        self.left_out[mailbox_id] = error


def _check_alone(error: MailError | OSError) -> None:
    """Raise an error of the copy, or of all of the disk: it is not one mailbox's."""
    if isinstance(error, UnknownFormat):
        return
    said = unworded(error)
    if said is None or is_there(said):
        raise error


@dataclass(slots=True)
class MailboxEnds:
    """Finds the ends of a user's mailboxes, and settles what has none.

    Attributes:
        user: Whose.
        settings: How to settle.
    """

    user: UserName
    settings: Settings
    _settled: dict[str, _Settled] = field(default_factory=dict)

    def find(self, mailboxes: Iterable[bytes], cut: Cut) -> Steps[list[str]]:
        """Say where all logs end; return those that have to be settled before.

        Of those that could not even be settled nobody can say it: they are copied as
        they are.
        """
        unsettled: list[str] = []
        for mailbox_id in mailboxes:
            directory = mailbox_directory(self.user, mailbox_id)
            try:
                extent = yield from self._extent_of(directory)
            except _Broken:
                cut.damaged.append(mailbox_id)
            except (FileNotFoundError, NotADirectoryError):
                cut.missing.append(directory)
            except (UnknownFormat, OSError) as error:
                cut.go_without(mailbox_id, error)
            else:
                if extent is None:
                    unsettled.append(directory)
                else:
                    cut.mailboxes[mailbox_id] = extent
        return unsettled

    def settle(self, directory: str) -> Steps[None]:
        """Settle a log, or remember why that can't be done."""
        self._settled[directory] = None
        try:
            end = yield from recover(directory, self.settings, command=COMMAND)
        except UnknownFormat as error:
            self._settled[directory] = error
        except (FileNotFoundError, DiskFull):
            return  # it is gone, or its head can't be made anew
        except OSError as error:
            _check_alone(error)  # it is left out where it is copied as it is
        else:
            self._settled[directory] = end

    def _extent_of(self, directory: str) -> Steps[Extent | None]:
        """Return a log as it is now; None: settle it."""
        if (yield from is_damaged(directory)):
            raise _Broken
        settled = self._settled.get(directory)
        if isinstance(settled, UnknownFormat):
            raise settled
        try:
            extent = yield from extent_of(directory, self.settings.boot, settled)
        except SegmentLost as error:
            raise _Broken from error
        if extent is None:
            is_tried = directory in self._settled and settled is None
            if is_tried or (yield from has_no_lock(directory)):
                raise _Broken
        return extent


class _Broken(Exception):
    """It is copied as it is."""


def has_no_lock(directory: str) -> Steps[bool]:
    """Say whether the lock is lost, without which nobody changes anything."""
    return not (yield from steps.exists(f"{directory}/{LOCK}"))
