"""Sequence numbers of a client that is told of expunges only now and then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imapbox.mailbox.told import Told
from imapbox.model.numbers import NoSuchMessage
from tests.support.fake_mail import uids_of

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(1, 3)),
        st.tuples(st.just("expunge"), st.integers(0, 30)),
        st.tuples(st.just("tell"), st.just(0)),
    )
)


@given(STEPS)
def test_a_client_that_obeys_has_the_same_numbers(steps) -> None:
    """A client that appends at EXISTS and removes at EXPUNGE knows each message."""
    there: list[int] = []
    client: list[int] = []
    told = Told(uids_of(there))
    next_uid = 1
    for step, number in steps:
        gone = []
        if step == "arrive":
            there += range(next_uid, next_uid + number)
            next_uid += number
        elif step == "expunge" and there:
            gone.append(there.pop(number % len(there)))
        told = told.learn(uids_of(there), gone)
        client += [told.uid_at(n) for n in range(len(client) + 1, len(told) + 1)]
        assert client == [told.uid_at(n) for n in range(1, len(told) + 1)]
        assert set(told.gone.tolist()) == set(client) - set(there)
        if step == "tell":
            seqs, told = told.bury()
            for seq in seqs:
                del client[seq - 1]
            assert client == there
    for seq, uid in enumerate(client, start=1):
        assert told.seq_of(uid) == seq
        assert told.uid_at(seq) == uid


def test_nothing_is_copied() -> None:
    """What is there is shared; only what is gone costs memory."""
    there = uids_of((1, 3))
    told = Told(uids_of((1, 2, 3))).learn(there, [2])
    assert told.there is there
    assert len(told) == 3


@pytest.mark.parametrize("seq", [0, 3, 2**32])
def test_a_number_of_nobody_is_refused(seq: int) -> None:
    """A number that the client was not told of is nobody's."""
    with pytest.raises(NoSuchMessage):
        Told(uids_of((4, 7))).uid_at(seq)


def test_what_is_between_two_numbers() -> None:
    """A range of numbers is a range of UIDs, in which others are no part."""
    told = Told(uids_of((4, 7, 9)))
    assert told.uids_at(range(2, 4)) == range(7, 10)
    assert told.uids_at(range(2, 2)) == range(0)
