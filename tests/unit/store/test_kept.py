"""What is kept open: everything in use, and a few that were used last."""

import gc
from weakref import ref

from hypothesis import given
from hypothesis import strategies as st

from imapbox.store.kept import Kept


class Value:
    """Something that can go."""


@given(st.lists(st.integers(0, 9)))
def test_the_last_ones_are_kept(keys: list[int]) -> None:
    """Those that were used last are kept though nobody holds them; no others."""
    kept: Kept[int, Value] = Kept(3)
    last: list[int] = []
    for key in keys:
        assert (key in kept) == (key in last)
        assert kept.get(key) or kept.add(key, Value())
        last = [*(each for each in last if each != key), key][-3:]
    assert {key for key in range(10) if key in kept} == set(last)


def test_what_is_used_stays_the_same() -> None:
    """As long as somebody uses a value, everybody gets that one."""
    kept: Kept[str, Value] = Kept(1)
    mine = kept.add("mine", Value())
    for number in range(5):
        kept.add(str(number), Value())
    assert kept.get("mine") is mine
    gone = ref(mine)
    del mine
    kept.add("other", Value())
    gc.collect()
    assert gone() is None
    assert kept.get("mine") is None


def test_all_are_given_back_at_the_end() -> None:
    """Clearing returns what is kept and what is used."""
    kept: Kept[str, Value] = Kept(1)
    used, last = kept.add("used", Value()), kept.add("last", Value())
    assert set(kept.clear()) == {used, last}
    assert "used" not in kept


def test_what_is_let_go_goes_with_its_last_user() -> None:
    """What nobody will want again is kept for those who have it, and no longer."""
    kept: Kept[str, Value] = Kept(3)
    mine = kept.add("mine", Value())
    kept.let_go("mine")
    kept.let_go("never there")
    assert kept._all["mine"] is mine
    gone = ref(mine)
    del mine
    gc.collect()
    assert gone() is None
    assert "mine" not in kept
