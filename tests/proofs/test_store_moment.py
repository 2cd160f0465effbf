"""A copy of a live store shows all users as they were at one moment."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.simulation import store_moments
from tests.simulation.store_copies import LIMIT
from tests.simulation.store_moments import ORDERS, WHOLE

Tell: TypeAlias = Callable[[object], None]


@pytest.mark.parametrize("name", store_moments.BETWEEN_USERS)
def test_what_goes_to_another_user_is_not_missed(
    name: str, effort: int, tell: Tell
) -> None:
    """Whoever of the two is copied first, and whether or not their logs rotate."""
    of_all = [(users, limit) for users in ORDERS for limit in (LIMIT, WHOLE)]
    for users, limit in of_all if effort > 1 else [(ORDERS[1], LIMIT)]:
        report = store_moments.between_users(name, users, limit, min(2, effort))
        tell(f"{users[0]} first, {limit}: {report}")
        assert report.schedules


@pytest.mark.parametrize("name", store_moments.WITHIN_ONE)
def test_what_goes_to_another_mailbox_is_not_missed(
    name: str, effort: int, tell: Tell
) -> None:
    """Also while all the heads are read; and where the user can't be cut."""
    for limit in (LIMIT, WHOLE) if effort > 1 else (WHOLE,):
        report = store_moments.within_one(name, limit, min(2, effort))
        tell(f"{limit}: {report}")
        assert report.schedules
