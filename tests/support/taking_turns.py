"""Long commands: others have their turn, and who leaves ends them."""

from twisted.internet.task import Clock

from imapbox.imap.settings import TURN
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client


def leave_in_the_middle(command: bytes) -> None:
    """Say a command, see that others have their turn, and that its end is one.

    Args:
        command: That takes long in a mailbox of 300 messages.
    """
    clock = Clock()
    account = FakeAccount()
    for _ in range(300):
        account.inbox.add(b"Subject: s\r\n\r\nbody")
    client, other = (Client(account, clock=clock).login().select() for _ in range(2))

    def seconds() -> float:
        clock.rightNow += TURN / 4
        return clock.rightNow

    clock.seconds = seconds
    client.protocol.dataReceived(b"t %b\r\n" % command)
    for _ in range(5):
        other.protocol.dataReceived(b"n NOOP\r\n")
        assert b"n OK" in other.heard()
        client.reactor_turn()
    assert client.heard() == b""
    client.drop()
    other.drop()
    assert clock.getDelayedCalls() == []
