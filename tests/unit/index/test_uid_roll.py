from hypothesis import given
from hypothesis import strategies as st

from imapbox.index.uid_roll import UidRoll

# What happens: so many arrive, or those in a range go.
events = st.lists(
    st.integers(1, 20) | st.tuples(st.integers(1, 200), st.integers(1, 60)),
    min_size=5,
)


@given(events)
def test_a_roll_is_a_sorted_list(events: list) -> None:
    """Appended and removed UIDs leave what a list of them would hold."""
    roll, model, uid = UidRoll(), [], 1
    for event in events:
        if isinstance(event, int):
            for _ in range(event):
                roll.append(uid)
                model.append(uid)
                uid += 2
        else:
            uids = range(event[0], event[0] + event[1])
            assert roll.remove([uids]) == [one for one in model if one in uids]
            model = [one for one in model if one not in uids]
        assert roll.now.tolist() == model


@given(events)
def test_what_was_handed_out_stays(events: list) -> None:
    """A view keeps the UIDs that it was given, whatever happens afterwards."""
    roll, uid, given_out = UidRoll(), 1, []
    for event in events:
        if isinstance(event, int):
            for _ in range(event):
                roll.append(uid)
                uid += 1
        else:
            roll.remove([range(event[0], event[0] + event[1])])
        given_out.append((roll.now, roll.now.tolist()))
    for array, content in given_out:
        assert array.tolist() == content


def test_the_greatest_uids_fit() -> None:
    """The last UIDs there can be are kept and found."""
    roll = UidRoll()
    for uid in (2**32 - 3, 2**32 - 2, 2**32 - 1):
        roll.append(uid)
    assert roll.remove([range(2**32 - 2, 2**32)]) == [2**32 - 2, 2**32 - 1]
    assert roll.now.tolist() == [2**32 - 3]
