"""What another session does to a fake mailbox, meanwhile."""

from imapbox.model.flags import Flag
from tests.support.fake_mail import FakeAccount


def change(account: FakeAccount, uid: int, flag: Flag) -> None:
    """Let another session set a flag."""
    box = account.inbox
    box.modseq += 1
    box.messages[uid].flags |= flag
    box.messages[uid].modseq = box.modseq
    box.changed()


def expunge(account: FakeAccount, *uids: int) -> None:
    """Let another session expunge messages."""
    account.inbox.modseq += 1
    for uid in uids:
        del account.inbox.messages[uid]
    account.inbox.changed()
