"""Is this mailbox still one? Asked under its lock, before anything is written.

The account's log says. Whoever answers `250` must have read it as far as it
goes, also behind its head: a DELETE that was written and not yet published
counts as soon as someone adopts it.
"""

from dataclasses import dataclass

from imapbox.disk import steps
from imapbox.disk.filesystem import Mode
from imapbox.disk.steps import Steps
from imapbox.index.account_operations import Delete, decode_account_operations
from imapbox.index.account_state import AccountState
from imapbox.index.encoding import DamagedOperations
from imapbox.index.frame import FRAME_HEADER_SIZE, Frame, decode_header
from imapbox.index.head import Head, Position
from imapbox.index.head_file import HEAD
from imapbox.index.opening import follow_all
from imapbox.index.read import LogBroken, follow, read_head
from imapbox.index.segment import segment_name
from imapbox.model.errors import MailboxDamaged, MailboxGone


class AccountUnsettled(Exception):
    """The account's log must be settled under its lock first."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What was known when the mailbox's name was looked up.

    Attributes:
        account: Directory of the account's log.
        token: The 64 bytes of its head that were applied.
        position: What they name.
        mailbox_id: Bound there.
    """

    account: str
    token: bytes
    position: Position
    mailbox_id: bytes

    def check(self) -> Steps[None]:
        """Return if the mailbox is still bound.

        Raises:
            MailboxGone: It was deleted.
            AccountUnsettled: It can't be told before the account is settled.
        """
        path = f"{self.account}/{HEAD}"
        data = yield from steps.opened(path, Mode.READ, read_head)
        end = self.position
        if data != self.token:
            head = Head.decode(data)
            if head is None or head.position[:2] < end[:2]:
                raise AccountUnsettled
            end = head.position
            try:
                yield from follow(self.account, self.position, end, self._check_frame)
            except LogBroken as error:
                raise AccountUnsettled from error
        behind = yield from steps.opened(
            f"{self.account}/{segment_name(end.segment)}",
            Mode.READ,
            lambda fd: steps.pread(fd, FRAME_HEADER_SIZE, end.offset),
        )
        if decode_header(behind, end.salt) is not None:
            raise AccountUnsettled

    def check_settled(self, end: Position) -> Steps[None]:
        """Return if the mailbox is still bound; the account is settled and locked.

        Args:
            end: Of the account's log.

        Raises:
            MailboxGone: It was deleted.
            AccountUnsettled: The account's log can't be read.
        """
        try:
            yield from follow(self.account, self.position, end, self._check_frame)
        except LogBroken:
            # Where we were was perhaps removed: a BASE says all of it anew.
            state = AccountState()
            try:
                yield from follow_all(self.account, end, state.apply)
            except (LogBroken, DamagedOperations, MailboxDamaged):
                raise AccountUnsettled from None
            if self.mailbox_id not in state.mailboxes:
                raise MailboxGone from None

    def _check_frame(self, frame: Frame) -> None:
        if Delete(self.mailbox_id) in decode_account_operations(frame.operations):
            raise MailboxGone
