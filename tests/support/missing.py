"""What a test does where something it needs is not on this machine."""

import os
from typing import NoReturn

import pytest


def give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI, which installs all that tests need."""
    if os.environ.get("IMAPBOX_REQUIRE_INTEROP"):
        pytest.fail(f"{reason}, and IMAPBOX_REQUIRE_INTEROP is set", pytrace=False)
    pytest.skip(reason)
