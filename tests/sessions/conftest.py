"""A stage for scripts of several sessions."""

from collections.abc import AsyncIterator

import pytest_twisted

from tests.support.mail_store import Opener, open_store  # noqa: F401 - a fixture
from tests.support.stage import Stage


@pytest_twisted.async_yield_fixture
async def stage(open_store: Opener) -> AsyncIterator[Stage]:  # noqa: F811 - the fixture
    """Return an empty stage; whoever comes onto it goes behind the test."""
    stage = Stage(open_store)
    yield stage
    await stage.end()
