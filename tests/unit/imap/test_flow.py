"""Back-pressure and fairness: rows 12 and 13 of the attacks."""

import pytest

from imapbox.imap.session import BATCH
from imapbox.imap.settings import SLICE, TURN, Patience, Settings
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

MIB = 1024 * 1024


def with_mail(count: int, size: int) -> Client:
    account = FakeAccount()
    octets = b"\r\n" + b"x" * size
    for _ in range(count):
        account.inbox.add(octets)
    return Client(account).login().select()


def test_a_slow_reader_costs_a_bounded_buffer() -> None:
    """Of 40 MiB, no more than a piece or two is written before the client reads."""
    client = with_mail(10, 4 * MIB)
    client.transport.clear()
    client.transport.read = False
    client.protocol.dataReceived(b"t FETCH 1:* BODY.PEEK[]\r\n")
    written = pauses = 0
    said = b""
    while not said.endswith(b"t OK Fetched.\r\n"):
        client.turn(1)
        said = client.transport.value()
        assert 0 < len(said) < MIB
        written += len(said)
        pauses += 1
        client.transport.clear()
        client.transport.producer.resumeProducing()
    assert written > 40 * MIB
    assert pauses > 40


def test_who_never_reads_is_dropped() -> None:
    """A client that does not read for five minutes is cut off."""
    client = with_mail(1, 4 * MIB)
    client.protocol.dataReceived(b"t FETCH 1 BODY.PEEK[]\r\n")
    client.transport.producer.pauseProducing()
    client.turn(299)
    assert not client.transport.disconnected
    client.turn(1)
    assert client.transport.disconnected
    client.drop()
    assert client.account.open == []
    assert client.clock.getDelayedCalls() == []


def test_who_leaves_without_reading_leaves_nothing() -> None:
    """A client that is lost while it does not read leaves no timer."""
    client = with_mail(1, 4 * MIB)
    client.transport.read = False
    client.protocol.dataReceived(b"t FETCH 1 BODY.PEEK[]\r\n")
    assert client.clock.getDelayedCalls() != []
    client.drop()
    assert client.account.open == []
    assert client.clock.getDelayedCalls() == []


def test_who_reads_again_stays() -> None:
    """The five minutes begin anew with each time that the client reads."""
    client = with_mail(1, 2 * MIB)
    client.protocol.dataReceived(b"t FETCH 1 BODY.PEEK[]\r\n")
    for _ in range(5):
        client.transport.producer.pauseProducing()
        client.turn(200)
        client.transport.producer.resumeProducing()
    assert client.turn().endswith(b"t OK Fetched.\r\n")
    assert not client.closed


@pytest.mark.parametrize("line", [b"n NOOP\r\n", b"n FETCH\r\n", b"\0 no line\r\n"])
def test_commands_wait_while_the_client_does_not_read(line: bytes) -> None:
    """Nothing pipelined is answered, whatever it is, while answers have no room."""
    client = with_mail(1, 10)
    before = client.transport.value().count(b"\r\n")
    client.transport.producer.pauseProducing()
    client.say(line * 10_000)
    assert client.transport.producerState == "paused"
    assert client.transport.value().count(b"\r\n") <= before + 1
    client.transport.producer.resumeProducing()
    client.turn()
    assert client.transport.value().count(b"\r\n") == before + 10_000


def test_who_was_told_bye_is_heard_no_more() -> None:
    """What a client sends behind the end of its session is not kept."""
    client = Client().login()
    client.say(b"t LOGOUT\r\n")
    for _ in range(100):
        client.say(b"x" * 64 * 1024)
    assert client.protocol._session.input.framer.buffered == 0


def test_a_long_answer_goes_out_in_slices() -> None:
    """A large FETCH gives the reactor a turn after each slice."""
    client = with_mail(20_000, 1)
    client.protocol.dataReceived(b"t FETCH 1:* FLAGS\r\n")
    slices = [client.heard()]
    while client.reactor_turn():
        slices.append(client.heard())
    *full, last = slices
    assert all(SLICE <= len(each) < 2 * SLICE for each in full)
    assert len(full) > 5
    assert last.endswith(b"t OK Fetched.\r\n")


def test_time_is_shared_too() -> None:
    """A command that takes long gives way, however little it has said."""
    client = with_mail(2000, 1)
    mailbox = client.account.open[0]
    by_seq = mailbox.by_seq

    def slowly(ranges: object) -> object:
        for message in by_seq(ranges):
            client.clock.rightNow += 1.1 * TURN / BATCH
            yield message

    mailbox.by_seq = slowly
    client.protocol.dataReceived(b"t FETCH 1:* FLAGS\r\n")
    turns = 1
    while client.reactor_turn():
        turns += 1
    assert client.heard().endswith(b"t OK Fetched.\r\n")
    assert turns >= 2000 // BATCH


def test_many_commands_share_time_too() -> None:
    """Pipelined commands of one client do not fill a turn."""
    client = with_mail(1, 1)
    offer = client.protocol._session.clock

    async def work(_what: str) -> None:
        offer.rightNow += TURN / 10

    client.account.pause = work
    client.protocol.dataReceived(b"n NOOP\r\n" * 1000)
    turns = 1
    while client.reactor_turn():
        turns += 1
    assert client.heard().count(b"n OK") == 1000
    assert turns >= 90


def test_the_last_words_are_not_waited_for_long() -> None:
    """Who does not read our BYE is cut off after ten seconds."""
    client = Client(settings=Settings(patience=Patience(closing=10)))
    client.say(b"t LOGOUT\r\n")
    assert client.closed
    # Twisted closes no connection whose producer waits to go on.
    assert client.transport.producer is None
    assert not client.transport.disconnected
    client.turn(10)
    assert client.transport.disconnected
