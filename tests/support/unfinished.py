"""Marks what can't pass yet. Goes when nothing bears the mark."""

from typing import Final

import pytest

UNTIL_IT_SERVES: Final = pytest.mark.xfail(
    strict=False, reason="the twistd plugin is being built"
)
