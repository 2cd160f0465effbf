"""One command after the other, whatever the network and the store do."""

import random
from itertools import pairwise

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock, deferLater

from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client, FakeLogins

SESSION = (
    b"a CAPABILITY\r\n"
    b"b AUTHENTICATE PLAIN\r\n*\r\n"
    b"c LOGIN {3+}\r\nana {6+}\r\nsecret\r\n"
    b"d SELECT INBOX\r\n"
    b"e FETCH 1:* (FLAGS BODY[TEXT])\r\n"
    b"f APPEND INBOX (\\Seen) {7+}\r\na: b\r\n\x01\r\n"
    b"g APPEND nowhere {9+}\r\nx LOGOUT\n\r\n"
    b"h STORE 2 +FLAGS (\\Deleted x)\r\n"
    b"i IDLE\r\nDONE\r\n"
    b"j LOGIN {9999+}\r\n" + b"x" * 9999 + b" y\r\n"
    b"k CLOSE\r\n"
    b"l FETCH 1 FLAGS\r\n"
    b'm LIST "" {1+}\r\n*\r\n'
    b"n NONSENSE\r\n"
    b"\x00\r\n"
    b"o LOGOUT\r\n"
    b"p NOOP\r\n"
)


def account_with_mail() -> FakeAccount:
    account = FakeAccount()
    for number in range(3):
        account.inbox.add(b"Subject: %d\r\n\r\nbody\r\n" % number)
    return account


def conversation(pieces: list[bytes]) -> bytes:
    client = Client(account_with_mail())
    said = client.heard()
    for piece in pieces:
        said += client.say(piece)
    assert client.closed
    assert client.account.open == []
    return said


WHOLE = conversation([SESSION])


def test_the_session_is_what_it_seems() -> None:
    """Each command of the example session has exactly one tagged answer."""
    tags = [line[:1] for line in WHOLE.split(b"\r\n") if line[1:2] == b" "]
    answers = [tag for tag in tags if tag not in {b"*", b"+"}]
    assert b"".join(answers) == b"abcdefghijklmno"


@pytest.mark.slow
def test_any_cut_gives_the_same_answers() -> None:
    """A session cut in two anywhere is answered with the same bytes."""
    for cut in range(1, len(SESSION)):
        if SESSION[cut - 1 : cut + 1] == b"xx":
            continue
        assert conversation([SESSION[:cut], SESSION[cut:]]) == WHOLE, cut


def test_byte_by_byte_gives_the_same_answers() -> None:
    """A session that arrives byte by byte is answered with the same bytes."""
    assert conversation([SESSION[at : at + 1] for at in range(len(SESSION))]) == WHOLE


def test_random_cuts_give_the_same_answers(seed: int) -> None:
    """A session cut into random pieces is answered with the same bytes."""
    chance = random.Random(seed)
    for _ in range(100):
        cuts = sorted(chance.sample(range(1, len(SESSION)), chance.randrange(1, 40)))
        edges = [0, *cuts, len(SESSION)]
        pieces = [SESSION[a:b] for a, b in pairwise(edges)]
        assert conversation(pieces) == WHOLE


def slow(clock: IReactorTime) -> object:
    return lambda _what: deferLater(clock, 1.0, lambda: None)


PIPELINE = (
    b"a LOGIN ana secret\r\n",
    b"b SELECT INBOX\r\n",
    b"c FETCH 1:3 (FLAGS BODY.PEEK[])\r\n",
    b"d STORE 1 +FLAGS (\\Deleted)\r\n",
    b"e CLOSE\r\n",
    b"f FETCH 1 FLAGS\r\n",
    b"g APPEND INBOX {2+}\r\nxy\r\n",
    b"h SELECT INBOX\r\n",
    b"i FETCH 3 RFC822.SIZE\r\n",
    b"j LOGOUT\r\n",
)


def test_a_slow_store_changes_no_answer() -> None:
    """What is pipelined to a slow store is answered as if said one by one: row 18."""
    patient = Client(account_with_mail())
    expected = patient.heard() + b"".join(map(patient.say, PIPELINE))

    clock = Clock()
    account = account_with_mail()
    logins = FakeLogins(account, slow(clock))
    hasty = Client(account, clock=clock, logins=logins)
    account.pause = slow(clock)
    said = hasty.heard() + hasty.say(b"".join(PIPELINE))
    for _ in range(60):
        said += hasty.turn(1)
    assert said == expected
    assert hasty.closed


def test_what_is_known_is_not_held_back() -> None:
    """Answers that are ready go out while a later command waits for the store."""
    client = Client(account_with_mail()).login()
    client.account.pause = slow(client.clock)
    assert client.say(b"a CAPABILITY\r\nb SELECT INBOX\r\n").endswith(
        b"a OK Capabilities listed.\r\n"
    )


def test_one_write_for_each_turn() -> None:
    """Many pipelined answers are one write to the transport."""
    client = Client(account_with_mail()).login().select()
    writes = []
    client.transport.write = writes.append
    client.protocol.dataReceived(b"a NOOP\r\nb NOOP\r\nc FETCH 1:3 FLAGS\r\n")
    assert len(writes) == 1


def test_pipelined_input_is_bounded() -> None:
    """While a command runs, no more than 64 KiB of what follows is read."""
    client = Client(account_with_mail()).login()
    client.account.pause = slow(client.clock)
    client.say(b"a SELECT INBOX\r\n" + b"b NOOP\r\n" * 8000)
    assert client.transport.producerState == "producing"
    client.say(b"b NOOP\r\n" * 1000)
    assert client.transport.producerState == "paused"
    client.account.pause = FakeAccount().pause
    said = client.turn(1)
    assert said.count(b"b OK Nothing more.\r\n") == 9000
    assert client.transport.producerState == "producing"


class Hold:
    """Makes the store wait at its n-th step, for ever."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.cancelled = 0

    def __call__(self, _what: str) -> Deferred[None]:
        self.steps -= 1
        if self.steps == 0:
            return Deferred(self._cancel)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def _cancel(self, _: object) -> None:
        self.cancelled += 1


def held(step: int) -> tuple[Client, Hold]:
    hold = Hold(step)
    account = account_with_mail()
    client = Client(account, logins=FakeLogins(account, hold))
    account.pause = hold
    client.say(SESSION.partition(b"o LOGOUT")[0] + b"q IDLE\r\n")
    return client, hold


@pytest.mark.parametrize("step", range(1, 17))
def test_a_disconnect_at_any_await_leaves_nothing(step: int) -> None:
    """Whatever a session waits for when it is lost is cancelled and given back."""
    client, hold = held(step)
    client.drop()
    assert client.account.open == []
    assert client.account.spools == set()
    assert client.account.inbox.waiting == []
    assert client.clock.getDelayedCalls() == []
    assert client.factory.connections == set()
    assert hold.cancelled == (hold.steps <= 0)


def test_the_steps_cover_the_session() -> None:
    """The test above waits at every step of the store that its session has."""
    _, hold = held(10_000)
    assert 10_000 - hold.steps == 16


@pytest.mark.slow
def test_a_disconnect_while_nothing_is_asked_leaves_nothing() -> None:
    """A session that is lost after any byte of it leaves nothing."""
    for cut in range(0, len(SESSION) - 100, 7):
        client = Client(account_with_mail())
        client.say(SESSION[:cut])
        client.drop()
        assert client.account.open == []
        assert client.account.spools == set()
        assert client.clock.getDelayedCalls() == []
