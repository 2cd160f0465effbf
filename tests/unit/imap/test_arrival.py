"""Every command, however it arrives: whole, octet by octet, and with another behind.

That each answer is one by the grammar is looked at as in all tests.
"""

import pytest

from imapbox.imap.states import PERMITTED_IN, State
from imapbox.model.names import INBOX
from imapbox.model.quota import Quota
from imapbox.wire.imap.parser import GRAMMAR, UID_GRAMMAR
from tests.support.command_examples import EXAMPLES, MESSAGE, name_of
from tests.support.fake_mail import FakeAccount
from tests.support.imap_client import Client

ALL = [(state, example) for state, some in EXAMPLES.items() for example in some]
NOOP = b"p NOOP\r\n"
WHILE = 5.0  # seconds


def client_in(state: State) -> Client:
    """A client of an account that is the same each time."""
    account = FakeAccount()
    account.boxes["old"] = account._new_box()
    account.boxes['qu"oted'] = account._new_box()
    account.subscribed |= {"two words", "old"}
    account.inbox.add(b"Subject: one\r\n\r\nbo{5}\r\ndy\r\n", ["\\Seen", "\\Deleted"])
    account.inbox.add(MESSAGE, ["$Old"])
    account.limits = Quota(1 << 20, 100)
    account.annotations[INBOX] = {"/private/comment": b"mine"}
    client = Client(account, tls="context")
    client.heard()
    if state is not State.NOT_AUTHENTICATED:
        client.login()
    if state is State.SELECTED:
        client.select()
    return client


def octets_of(text: bytes) -> list[bytes]:
    return [bytes([each]) for each in text]


def answer_of(client: Client, *pieces: bytes) -> bytes:
    """What is answered within a while: a wrong password takes one."""
    said = b"".join(client.say(piece) for piece in pieces)
    return said + client.turn(WHILE) + client.turn(WHILE)


def name(value: object) -> str:
    return value.name if isinstance(value, State) else repr(value)


@pytest.mark.parametrize(("state", "example"), ALL, ids=name)
def test_arrival_does_not_matter(state: State, example: bytes) -> None:
    """A command has the same answer whole, octet by octet, and before another."""
    text = b"c " + example + b"\r\n"
    whole = client_in(state)
    answer = answer_of(whole, text)
    assert answer.endswith(b"\r\n")
    after = answer_of(whole, NOOP)

    trickled = client_in(state)
    assert answer_of(trickled, *octets_of(text)) == answer
    assert answer_of(trickled, *octets_of(NOOP)) == after

    pipelined = answer_of(client_in(state), text + NOOP)
    if example in {b"STARTTLS", b"COMPRESS DEFLATE"}:
        # RFC 9051 §6.2.1: what follows may be an attacker's. And what follows
        # COMPRESS is not compressed.
        assert pipelined.startswith(b"* BYE ")
    elif example == b"LOGOUT":
        assert pipelined == answer
    else:
        assert pipelined == answer + after


@pytest.mark.parametrize("state", [State.AUTHENTICATED, State.SELECTED])
def test_a_session_may_be_sent_at_once(state: State) -> None:
    """A session that is pipelined as a whole is answered as if nothing were."""
    texts = [
        b"c %b\r\n" % each
        for each in EXAMPLES[state]
        if each != b"COMPRESS DEFLATE"  # nothing may be sent behind it
    ]
    one_by_one, at_once = client_in(state), client_in(state)
    answers = [one_by_one.say(text) for text in texts]
    assert at_once.say(b"".join(texts)) == b"".join(answers)


def test_every_command_has_an_example() -> None:
    """Each command of the grammar, UID's too, is fed in each of the three ways."""
    names = {name_of(example) for _, example in ALL}
    assert set(GRAMMAR) - {b"UID"} <= names
    assert {b"UID " + each for each in UID_GRAMMAR} <= names


def test_the_examples_are_good_ones() -> None:
    """Each command is answered OK at least once, where it may be given."""
    good = {
        name_of(example)
        for state, example in ALL
        if b"c OK " in client_in(state).say(b"c " + example + b"\r\n")
    }
    known = {each for each in GRAMMAR if each.decode() in PERMITTED_IN}
    known -= {b"SETQUOTA"}  # only the administrator sets quotas
    assert known | {b"UID " + each for each in UID_GRAMMAR} <= good
